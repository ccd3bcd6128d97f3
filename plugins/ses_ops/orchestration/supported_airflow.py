"""The check of Airflow's version that each DAG file imports first.

It raises UnsupportedAirflow, in one sentence. Without this check Airflow's page of import errors would show the first
name that this Airflow does not have.
"""

from __future__ import annotations

from ses_ops.orchestration.airflow_versions import check_airflow

check_airflow()
