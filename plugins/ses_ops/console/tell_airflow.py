"""What a change means for Airflow: the DAG's switch, a run, a new DAG. Best effort, after our tables have it.

Our tables decide whether mail leaves. When Airflow cannot be told, the change holds all the same, and the maintenance
DAG picks up mail that waits; the person is told so.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_ops.console.language import N_
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

#: What a page may say when `tell` failed.
PICKED_UP_LATER = N_("Airflow could not be told now; the mail that waits is picked up within two minutes.")
READ_LATER = N_("Airflow has not read this send task yet; its DAG processor does so at its next turn.")


def tell(action: Callable[[], object]) -> bool:
    """Call a function of `operators.airflow_control`; False when Airflow could not be told, whatever the reason is.

    The change is stored by now: nothing that Airflow's code raises may make a failed request of it.
    """
    try:
        return action() is not False
    except SesError as problem:
        log.warning("Airflow could not be told of a change in the console: %s", problem)
    except Exception:
        log.exception("Airflow could not be told of a change in the console")
    return False
