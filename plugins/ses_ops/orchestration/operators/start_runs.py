"""Runs of other send tasks, started by a task that runs: TriggerDagRunOperator can start only one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_ops.domain.occurrence import resume_run_id
from ses_ops.domain.send_task import dag_id
from ses_ops.orchestration.lookup import execution_api
from ses_ops.orchestration.operators.run_context import RESUME_CONF

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

log = logging.getLogger(__name__)


def start_resumes(names: Iterable[str], now: datetime) -> None:
    """Start a run of each task that sends its cached mail.

    Best effort: `ses_maintenance` starts what could not be started here, as the mail is due.
    """
    for name in names:
        try:
            execution_api.trigger(dag_id(name), resume_run_id(now), dict(RESUME_CONF))
        except Exception as problem:
            log.warning("no run of %s could be started; ses_maintenance does it: %s", name, problem)
