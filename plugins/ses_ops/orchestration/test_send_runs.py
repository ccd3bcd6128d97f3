"""Runs of `ses_test_send`, the DAG of test sends: start, and state."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow.api.common.trigger_dag import trigger_dag
from airflow.exceptions import DagNotFound, ParamValidationError
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select

from ses_ops.domain.send_task import Advertisement
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.errors import InvalidInput
from ses_ops.orchestration.control import metadata_session
from ses_ops.orchestration.fab.roles import SEND_DAG

if TYPE_CHECKING:
    from ses_ops.application.test_sends import TestSend


class DagState(StrEnum):
    """Whether a run of the DAG could start now."""

    NOT_READ = "not read"
    PAUSED = "paused"
    READY = "ready"


def dag_state() -> DagState:
    """Of the DAG of test sends."""
    with metadata_session() as session:
        dag = session.get(DagModel, SEND_DAG)
        if dag is None or dag.is_stale:
            return DagState.NOT_READ
        return DagState.PAUSED if dag.is_paused else DagState.READY


def new_run_id() -> str:
    """A unique id for a run."""
    return f"console__{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}_{secrets.token_hex(3)}"


def start(order: TestSend, *, run_id: str, by: str) -> None:
    """Start the run; Airflow checks the values as those of its own form. Raises InvalidInput when it refuses them."""
    form: dict[str, Any] = {
        "template": order.template,
        "sender": order.sender,
        "recipients": list(order.recipients),
        "subject": order.subject,
        "values": dict(order.values),
    }
    of_task = {"reply_to": order.reply_to, "unsubscribe_url": order.unsubscribe_url, "track": order.track}
    form |= {name: text for name, text in of_task.items() if text}
    if order.unsubscribe != UnsubscribeLanguage.NONE:
        form["unsubscribe"] = order.unsubscribe
    if order.advertisement != Advertisement.NONE:
        form["advertisement"] = order.advertisement
    with metadata_session() as session:
        try:
            trigger_dag(
                dag_id=SEND_DAG,
                triggered_by=DagRunTriggeredByType.UI,
                triggering_user_name=by,
                run_id=run_id,
                conf=form,
                session=session,
            )
        except (DagNotFound, ParamValidationError, ValueError) as cause:
            # A template that is newer than what Airflow last read of the DAG's file is refused here.
            raise InvalidInput("refused_by_airflow", cause=_first_line(cause)) from cause


def run_state(run_id: str) -> str | None:
    """The state of a run (queued, running, success or failed); None when the run does not exist (any more)."""
    with metadata_session() as session:
        found = session.scalar(select(DagRun.state).where(DagRun.dag_id == SEND_DAG, DagRun.run_id == run_id))
        return None if found is None else str(getattr(found, "value", found))


def _first_line(cause: Exception) -> str:
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
