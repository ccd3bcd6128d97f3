"""The DAG run of a task instance, as a value of the domain (`Run`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.domain.occurrence import RESUME_RUN_PREFIX, SEND_AGAIN, Run, RunKind
from ses_ops.domain.send_task import DAG_ID_PREFIX

if TYPE_CHECKING:
    from airflow.sdk import Context

#: The conf of a run that only sends cached mail.
RESUME_CONF = {"resume": True}
#: The key of a run's conf with the id of the send task that the run was made for (run_identity.py).
MADE_FOR = "send_task_id"


def is_resume(run_id: str, conf: object) -> bool:
    """Whether a run only sends cached mail, by its id or its conf."""
    return run_id.startswith(RESUME_RUN_PREFIX) or (isinstance(conf, dict) and conf.get("resume") is True)


def run_of(context: Context) -> Run:
    """The run as a value: its task, its kind, its times.

    A resume is recognised by its run id or by its conf. To take another run for a resume sends too little, which a
    person can see and mend; the opposite mistake would send the mail twice.
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
