"""The DAG run that a task works in, in the words of sending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.domain.occurrence import RESUME_RUN_PREFIX, SEND_AGAIN, Run, RunKind
from ses_ops.domain.send_task import DAG_ID_PREFIX

if TYPE_CHECKING:
    from airflow.sdk import Context

#: What a run carries in its conf when it only sends what is cached.
RESUME_CONF = {"resume": True}
#: Where a run's conf has the id of the send task that it was made for (run_identity.py).
MADE_FOR = "send_task_id"


def is_resume(run_id: str, conf: object) -> bool:
    """Whether a run only sends what is cached, by its id or its conf."""
    return run_id.startswith(RESUME_RUN_PREFIX) or (isinstance(conf, dict) and conf.get("resume") is True)


def run_of(context: Context) -> Run:
    """Why this DAG run exists and which task it is for.

    A resume is known by its run id or its conf: taking another run for one sends too little, which a person can see
    and mend; the other way round people would get the mail twice.
    """
    dag_run = context["dag_run"]
    conf = dag_run.conf or {}
    made_for = conf.get(MADE_FOR)
    if is_resume(dag_run.run_id, conf):
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
        made_for=made_for if isinstance(made_for, int) else None,
        run_after=getattr(dag_run, "run_after", None),
    )
