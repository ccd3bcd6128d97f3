"""Every change and every export is in Airflow's audit log: who, what, which task, and whether it was refused.

The row is written before the change is tried, as Airflow's own are: no change without a row. How it ended is added
after it, as well as that can be done: by then the change is stored.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.models.log import Log
from fastapi import HTTPException

from ses_ops.domain.send_task import dag_id
from ses_ops.errors import SesError
from ses_ops.orchestration.control import metadata_session
from ses_ops.orchestration.fab.roles import SEND_DAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

log = logging.getLogger(__name__)

#: What every event of ours begins with; `ses_pause_task` for example.
PREFIX = "ses_"


@contextmanager
def recorded(user: BaseUser, action: str, *, task: str | None = None, **details: Any) -> Iterator[dict[str, Any]]:
    """Record an action, then do it in the `with`. What is added to the dictionary it yields is recorded too.

    `details` are facts such as names and numbers: no passwords, no recipients' values. What did not come to its end
    has `refused`, and why, or after an error that nobody expected `failed`, and which.
    """
    facts: dict[str, Any] = {**({"task": task} if task else {}), **details}
    row = _write(user, action, task, facts)
    before = dict(facts)
    try:
        yield facts
    except SesError as problem:
        facts["refused"] = str(problem)
        raise
    except HTTPException as problem:
        facts["refused"] = problem.detail
        raise
    except BaseException as problem:
        # Only its kind: its words may be anything, also what somebody typed.
        facts["failed"] = type(problem).__name__
        raise
    finally:
        if facts != before:
            _amend(row, facts)


def _write(user: BaseUser, action: str, task: str | None, facts: dict[str, Any]) -> int:
    name = user.get_name()
    # Airflow shows rows that belong to no DAG to everybody who may see audit rows at all; ours may name people.
    of_dag = {"dag_id": dag_id(task) if task else SEND_DAG}
    with metadata_session() as session:
        row = Log(event=PREFIX + action, owner=name, owner_display_name=name, extra=_json(facts), **of_dag)
        session.add(row)
        session.flush()
        return int(row.id)


def _amend(row: int, facts: dict[str, Any]) -> None:
    try:
        with metadata_session() as session:
            found = session.get(Log, row)
            if found is not None:
                found.extra = _json(facts)
    except Exception as problem:
        log.warning("how %s ended could not be added to Airflow's audit log: %s", _json(facts), problem)


def _json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False, default=str)
