"""What a change means for Airflow: the DAG's switch, a run, a new DAG. Best effort, after our tables have it.

Our tables decide whether mail leaves. When Airflow cannot be told, the change holds all the same, and the maintenance
DAG picks up mail that waits; the person is told so.
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

#: What a page says when Airflow could not be told.
PICKED_UP_LATER = N_("Airflow could not be told now; the mail that waits is picked up within two minutes.")
READ_LATER = N_("Airflow has not read this send task yet; its DAG processor does so at its next turn.")


def tell(changed: Changed) -> str | None:
    """Give Airflow the notices of a change; what a page has to say of those that it did not get, to be translated.

    The change is stored by now: nothing that Airflow's code raises may make a failed request of it. A run for a task
    whose definition could not be told of is not asked for: it would be one of the old DAG.
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
