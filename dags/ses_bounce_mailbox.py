"""
### Bounce mailbox

Every minute: reads the mailbox of the connection `ses_bounce_mailbox` (IMAP), stores what its bounces, complaints and
unsubscribe mails say, and moves each mail out of the folder afterwards. Mails that are not understood go to a folder of
their own, and are shown in the console. Without that connection there is nothing to do, and the task is skipped.
"""

from __future__ import annotations

import ses_ops.orchestration.supported_airflow  # noqa: F401  # isort: skip - first: it says what Airflow is needed

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable

from ses_ops.orchestration.operators.read_mailbox import ReadMailboxOperator

with DAG(
    dag_id="ses_bounce_mailbox",
    description="Reads bounces and complaints from a mailbox",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("* * * * *", timezone="UTC"),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=30),
    # One retry is enough: the next run, a minute later, does the same work.
    default_args={"owner": "ses-ops", "retries": 1, "retry_delay": timedelta(seconds=10)},
    tags=["ses-ops"],
) as dag:
    ReadMailboxOperator(task_id="read_mailbox")
