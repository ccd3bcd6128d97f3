"""Airflow's audit log as the port `AuditLog`: who, what, which task, and whether it was refused.

The row is written before the change is tried, as Airflow's own are: no change without a row. How it ended is added
after it, as well as that can be done: by then the change is stored.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ses_ops.domain.send_task import dag_id
from ses_ops.errors import SesError
from ses_ops.orchestration.control import metadata_session
from ses_ops.orchestration.fab.roles import SEND_DAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow.models.log import Log

log = logging.getLogger(__name__)

#: What every event of ours begins with; `ses_pause_task` for example.
PREFIX = "ses_"


class AirflowAuditLog:
    """The table `log` of Airflow's metadata database."""

    @contextmanager
    def recorded(self, who: str, action: str, *, task: str | None = None, **details: Any) -> Iterator[dict[str, Any]]:
        """See `AuditLog.recorded`. Raises DatabaseUnavailable before anything is done."""
        facts: dict[str, Any] = {**({"task": task} if task else {}), **details}
        row = write_row(who, action, facts)
        before = dict(facts)
        try:
            with ending_noted(facts):
                yield facts
        finally:
            if facts != before:
                _amend(row, facts)


@contextmanager
def ending_noted(facts: dict[str, Any]) -> Iterator[None]:
    """Add to the facts that an action was refused, and why, or that it failed by an error that nobody expected."""
    try:
        yield
    except SesError as problem:
        facts["refused"] = str(problem)
        raise
    except BaseException as problem:
        # Only its kind: its words may be anything, also what somebody typed.
        facts["failed"] = type(problem).__name__
        raise


def write_row(who: str, action: str, facts: dict[str, Any]) -> int:
    """Write an entry; its id. Raises DatabaseUnavailable."""
    (id,) = write_rows([(who, action, facts)])
    return id


def write_rows(entries: Iterable[tuple[str, str, dict[str, Any]]]) -> list[int]:
    """Write entries (who, action, facts); their ids. Raises DatabaseUnavailable."""
    with metadata_session() as session:
        rows = [_row(*entry) for entry in entries]
        session.add_all(rows)
        session.flush()
        return [int(row.id) for row in rows]


def _row(who: str, action: str, facts: dict[str, Any]) -> Log:
    from airflow.models.log import Log

    # Airflow shows rows that belong to no DAG to everybody who may see audit rows at all; ours may name people.
    task = facts.get("task")
    of_dag = {"dag_id": dag_id(task) if task else SEND_DAG}
    return Log(event=PREFIX + action, owner=who, owner_display_name=who, extra=_json(facts), **of_dag)


def _amend(row: int, facts: dict[str, Any]) -> None:
    try:
        with metadata_session() as session:
            from airflow.models.log import Log

            found = session.get(Log, row)
            if found is not None:
                found.extra = _json(facts)
    except Exception as problem:
        log.warning("how %s ended could not be added to Airflow's audit log: %s", _json(facts), problem)


def _json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False, default=str)
