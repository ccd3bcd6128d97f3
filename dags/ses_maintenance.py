"""
### Maintenance

Every minute: releases chunks whose run died, and starts a run for every send task that has cached mail which is due
and no run that would send it (a lost trigger). With nothing to do it is one query, and no queue ever hangs until a
person looks. It copies the quota and the mail server's connection for the API, and starts the runs that the API asks
for. It also makes the partition of the coming month of events, drops those older than
`SES_EVENTS_KEPT_MONTHS`, and asks for MX records of recipients' domains, for some seconds at most.
When an occurrence of a send task has finished, the asset `ses://send-task/NAME` is updated, so that DAGs of your own
can start from it (docs/callbacks.md). `SES_MAINTENANCE_MINUTES=5` makes it every five minutes: what was lost is then
found that much later.
"""

from __future__ import annotations

import ses_ops.orchestration.supported_airflow  # noqa: F401  # isort: skip - first: it says what Airflow is needed

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, CronTriggerTimetable

from ses_ops import settings
from ses_ops.orchestration.operators.recover import FINISHED, RecoverOperator

EVERY = "*" if settings.maintenance_minutes() == 1 else f"*/{settings.maintenance_minutes()}"

with DAG(
    dag_id="ses_maintenance",
    description="Starts again what a lost trigger or a dead run left behind",
    doc_md=__doc__,
    schedule=CronTriggerTimetable(f"{EVERY} * * * *", timezone="UTC"),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=10),
    # One retry is enough: the next run, a minute later, does the same work.
    default_args={"owner": "ses-ops", "retries": 1, "retry_delay": timedelta(seconds=10)},
    tags=["ses-ops", "maintenance"],
) as dag:
    recover = RecoverOperator(task_id="recover", outlets=[FINISHED])
    TriggerDagRunOperator.partial(
        task_id="start_lost_runs",
        logical_date=None,
        skip_when_already_exists=True,
        openlineage_inject_parent_info=False,
        map_index_template="{{ task.trigger_dag_id }}",
    ).expand_kwargs(recover.output)
