"""
### A send task

Mails a recipient group, once for every occurrence of its schedule, as much a day as the warm-up quota of its sender
domain allows.

1. **freeze_audience** writes the recipient group as it is now to the ledger, once for each occurrence.
2. **reserve_quota** takes what the sender domain's day has left and cuts the mail into chunks; the rest is cached.
3. **send_chunk** sends, one mapped task a chunk. Every message has a row in the ledger that says what became of it.
4. **settle**, whatever happened, gives back what was not used and, when mail is cached, queues this DAG's **next run**
   for the time when it goes on: the run that you see *queued* with a *run after*. **all_sent** only makes the run red
   when a chunk failed (a mail server that was unavailable for long, say): its rest is cached and goes on by itself.

**Triggering by hand** continues the one occurrence of an immediate or scheduled task, also when it had missed its
start: nobody gets the mail twice. Mailing everybody again is the switch in the trigger form. A `triggered` task
sends to its group at every trigger, once a run id.

**Pausing** this DAG pauses the send task: mail that is under way is finished, the rest waits.

Clearing, deleting or re-running any of these tasks is safe. `ses task show NAME` says the same in a terminal.
"""

from __future__ import annotations

import ses_ops.orchestration.supported_airflow  # noqa: F401  # isort: skip - first: it says what Airflow is needed

import logging
import os
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, TriggerRule, get_parsing_context

from ses_ops.domain.occurrence import SEND_AGAIN
from ses_ops.domain.schedule import Schedule, TaskType
from ses_ops.domain.send_task import dag_id
from ses_ops.orchestration.console_link import with_console_link
from ses_ops.orchestration.dag_rows import rows_for_dags
from ses_ops.orchestration.operators.freeze_audience import FreezeAudienceOperator
from ses_ops.orchestration.operators.reserve_quota import ReserveQuotaOperator
from ses_ops.orchestration.operators.send_chunk import SendChunkOperator
from ses_ops.orchestration.operators.settle import SettleOperator
from ses_ops.orchestration.timetable import SendTaskTimetable
from ses_ops.storage.tasks.stored_task import schedule_of

DEFAULT_ARGS = {
    "owner": "ses-ops",
    # Retries after 5, 10, 20 ... s serve a database or mail server that cannot be reached. Errors that a person has to
    # mend are not retried.
    "retries": 5,
    "retry_delay": timedelta(seconds=5),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
}
#: Largest number of active runs. A queued run of the future counts as active: one for each time that mail is cached
#: until (the next day, a retry, the begin of a warm-up) must leave room for the runs of the schedule and for those that
#: people asked for (run_identity.MOST_WAITING).
MAX_ACTIVE_RUNS = 16
#: Characters of the longest tag of a DAG in Airflow's database.
LONGEST_TAG = 100
#: Number of chunks of one run that are sent at once.
PARALLEL_CHUNKS = int(os.environ.get("SES_PARALLEL_CHUNKS") or 4)


def send_task_dag(row: dict[str, Any], schedule: Schedule, *, problem: str | None = None) -> DAG:
    """The DAG of one send task."""
    dag = DAG(
        dag_id=dag_id(row["name"]),
        description=problem or f"{row['template']} from {row['sender']} to {row['group']}",
        doc_md=with_console_link(__doc__, f"/tasks/{row['name']}"),
        schedule=SendTaskTimetable(schedule),
        start_date=None,  # the timetable has the start; a start_date would refuse earlier triggers by hand
        catchup=False,
        is_paused_upon_creation=False,
        max_active_runs=MAX_ACTIVE_RUNS,
        default_args=DEFAULT_ARGS,
        tags=["ses-ops", row["type"], row["sender_domain"][:LONGEST_TAG]],
        auto_register=False,
    )
    with dag:
        freeze = FreezeAudienceOperator(task_id="freeze_audience")
        reserve = ReserveQuotaOperator(task_id="reserve_quota")
        send = SendChunkOperator.partial(
            task_id="send_chunk",
            map_index_template="{{ ses_chunk }}",
            max_active_tis_per_dagrun=PARALLEL_CHUNKS,
        ).expand(chunk_ids=reserve.output)
        # A teardown runs whatever happened before it. As the teardown counts for the state of the run, the tasks before
        # it do not: a failed chunk makes the run red by `all_sent`, which Airflow's scheduler sets without a worker.
        settle = SettleOperator(task_id="settle", trigger_dag_id=dag.dag_id).as_teardown(on_failure_fail_dagrun=True)
        all_sent = EmptyOperator(task_id="all_sent", trigger_rule=TriggerRule.NONE_FAILED)
        freeze >> reserve >> send >> [settle, all_sent]
    # The params are added last: each operator would copy them, and the check of the copies took half of a parse of
    # 1 000 DAGs.
    dag.params.update(_params(TaskType(row["type"])))
    return dag


def _params(task_type: TaskType) -> dict[str, Param]:
    if task_type is TaskType.TRIGGERED:
        return {}
    return {
        SEND_AGAIN: Param(
            False,
            type="boolean",
            title="Send to the whole group again",
            description_md="**Everybody in the group gets the mail once more**, also those who have it already. "
            "Leave it off to continue what is not finished.",
        )
    }


def _dag_of(row: dict[str, Any]) -> DAG:
    """The DAG of a row; for a schedule that cannot be read a DAG that says so and can be triggered."""
    try:
        schedule = schedule_of(row)
        if schedule.problem is None:
            return send_task_dag(row, schedule)
        problem = str(schedule.problem)
    except Exception as cause:
        logging.getLogger(__name__).exception("the schedule of send task %r cannot be read", row.get("name"))
        problem = str(cause)
    without = Schedule(type=TaskType.TRIGGERED, time_zone="UTC")
    return send_task_dag(row, without, problem=f"Its schedule cannot be read: {problem}")


for _row in rows_for_dags(get_parsing_context().dag_id):
    try:
        globals()[dag_id(_row["name"])] = _dag_of(_row)
    except Exception:  # one broken row must not take the other DAGs away
        logging.getLogger(__name__).exception("send task %r has no DAG", _row.get("name"))
