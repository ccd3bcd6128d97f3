"""Imported first by each of our DAG files: raises UnsupportedAirflow, in one sentence, where nothing would work.

Else a name that Airflow does not have would be what its page of import errors says, and only the first of them.
"""

from __future__ import annotations

from ses_ops.orchestration.airflow_versions import check_airflow

check_airflow()
