"""The DAG run that a task works in, in the words of sending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.domain.occurrence import RESUME_RUN_PREFIX, Run, RunKind
from ses_ops.domain.send_task import DAG_ID_PREFIX

if TYPE_CHECKING:
    from airflow.sdk import Context

#: The parameter of the trigger form that mails everybody once more.
SEND_AGAIN = "send_to_whole_group_again"
#: What a run carries in its conf when it only sends what is cached.
RESUME_CONF = {"resume": True}


def run_of(context: Context) -> Run:
    """Why this DAG run exists and which task it is for.

    A resume is known by its run id or its conf: taking another run for one sends too little, which a person can see
    and mend; the other way round people would get the mail twice.
    """
    dag_run = context["dag_run"]
    conf = dag_run.conf or {}
    if dag_run.run_id.startswith(RESUME_RUN_PREFIX) or conf.get("resume") is True:
        kind = RunKind.RESUME
    elif str(getattr(dag_run.run_type, "value", dag_run.run_type)) == "scheduled":
        kind = RunKind.SCHEDULED
    else:
        kind = RunKind.TRIGGERED
    return Run(
        task_name=dag_run.dag_id.removeprefix(DAG_ID_PREFIX),
        run_id=dag_run.run_id,
        kind=kind,
        logical_at=dag_run.logical_date if kind is RunKind.SCHEDULED else None,
        send_again=kind is RunKind.TRIGGERED and bool((context.get("params") or {}).get(SEND_AGAIN, False)),
    )
