"""The notices of a change to Airflow, given after the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ses_ops.cli import session
from ses_ops.cli.output import note
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from ses_ops.application.changed import Changed, Notice

#: Message when Airflow can be reached and does not know the DAG files of ses-ops.
NOT_READ = "Airflow has not read the DAG files of ses-ops yet, and the send tasks begin when it has; see `ses doctor`"
_PICKED_UP = "the mail that waits is picked up by the maintenance DAG within two minutes of Airflow running"


def tell(changed: Changed, *, name_runs: bool = True) -> None:
    """Give Airflow the notices of a change; print those that failed, and the runs that it starts."""
    from ses_ops.application.changed import RunWanted, TasksWritten

    for notice in changed.scheduler:
        if not session.airflow_is_configured():
            note(f"no Airflow was found; {_otherwise(notice)}")
            continue
        try:
            told = session.ask_airflow(notice.tell)
        except SesError as problem:
            note(f"Airflow could not be told ({problem}); {_otherwise(notice)}")
            continue
        if isinstance(notice, RunWanted) and told and name_runs:
            click.echo(f"{notice.task}: run {told} was triggered")
        if isinstance(notice, TasksWritten) and told is False:
            note(NOT_READ)


def _otherwise(notice: Notice) -> str:
    """The text that says what happens after a change whose notice failed."""
    from ses_ops.application import changed
    from ses_ops.domain.occurrence import RunKind

    match notice:
        case changed.TaskPaused():
            return "the pause holds; the DAG's own switch still shows on"
        case changed.TaskResumed():
            return "if the DAG's own switch is off, turn it on in Airflow"
        case changed.TaskDeleted():
            return "its DAG goes when Airflow reads the send tasks next"
        case changed.RunWanted(kind=RunKind.TRIGGERED):
            return f"trigger the DAG send_task__{notice.task} by hand in Airflow"
        case changed.RunWanted():
            return _PICKED_UP
        case changed.TasksWritten():
            return "it reads the task at its next turn"
