"""The notices of a change to Airflow, given after the commit.

They set a DAG's switch, start a run or read a new DAG, and they are best effort: the tables of ses-ops decide whether
mail leaves. When Airflow cannot be reached, the change stays, the maintenance DAG starts runs for pending mail later,
and the page says so.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_ops.application.changed import RunWanted, TasksWritten
from ses_ops.console.language import N_
from ses_ops.errors import SesError
from ses_ops.orchestration import control

if TYPE_CHECKING:
    from ses_ops.application.changed import Changed, Notice

log = logging.getLogger(__name__)

#: Sentences of a page for a notice that failed.
PICKED_UP_LATER = N_("Airflow could not be told now; the mail that waits is picked up within two minutes.")
READ_LATER = N_("Airflow has not read this send task yet; its DAG processor does so at its next turn.")


def tell(changed: Changed) -> str | None:
    """Give Airflow the notices of a change; the sentences for those that failed, to be translated.

    The change is committed: no exception of Airflow's code may make the request fail. Without a successful notice of a
    task's definition no run of it is requested: that run would be one of the old DAG.
    """
    for notice in changed.scheduler:
        if _told(notice):
            continue
        if isinstance(notice, TasksWritten):
            return READ_LATER
        if isinstance(notice, RunWanted):
            return PICKED_UP_LATER
    return None


def _told(notice: Notice) -> bool:
    try:
        return notice.tell(control) is not False
    except SesError as problem:
        log.warning("Airflow could not be told of a change in the console: %s", problem)
    except Exception:
        log.exception("Airflow could not be told of a change in the console")
    return False
