"""The rows of send tasks for the DAG file, with a copy for outages.

A DAG file that raises, or that makes no DAGs, takes the DAGs of running mailings away from Airflow. So the rows of the
last successful query are kept in a file, which is replaced in one step and used while the database cannot be reached.

Airflow's DAG processor, which reads the files of a whole company, waits for this: one query of TIMEOUT seconds at most
whatever the network does, and after a slow failure no query for AWAY seconds.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ses_ops.domain.send_task import DAG_ID_PREFIX
from ses_ops.errors import DatabaseUnavailable
from ses_ops.orchestration.connections import ses_db_dsn
from ses_ops.storage.connection import connected, schema_problem
from ses_ops.storage.tasks.send_tasks import rows_with_dag

log = logging.getLogger(__name__)

_MOMENTS = ("start_at", "until", "created_at")

#: Seconds that a parse waits for the database in all: name look-up, connection, answer. Airflow gives a file 30 s.
TIMEOUT = 8.0
#: Seconds that a connection, and a statement, may take; the rows of 1 000 tasks come within 20 ms.
_CONNECT_TIMEOUT, _STATEMENT_TIMEOUT = 5, 5
#: Seconds after which a failed query counts as slow; then seconds for which no other query is made after it, by any
#: process: each parse has a process of its own, and every file of the company waits behind it.
_SLOW, AWAY = 1.0, 30.0


def rows_for_dags(only_dag: str | None = None) -> list[dict[str, Any]]:
    """The rows of all tasks that have a DAG; in a worker (`only_dag`) the row of that DAG. Never raises."""
    if only_dag is not None and not only_dag.startswith(DAG_ID_PREFIX):
        return []
    name = None if only_dag is None else only_dag.removeprefix(DAG_ID_PREFIX)
    began = time.monotonic()
    try:
        if name is None and _failed_just_now():
            raise DatabaseUnavailable("database_did_not_answer_before")
        # The connection is looked up here, not in the bounded read: a thread that is left behind in Airflow's channel
        # to its supervisor would hold its lock, and this process could not send what it has parsed.
        rows = _read_within(TIMEOUT, ses_db_dsn(), name)
    except Exception as problem:  # no error may take the DAGs of running mailings away
        if time.monotonic() - began >= _SLOW:
            _note_failure()
        words = " ".join(str(schema_problem(problem) or problem).split())
        log.warning("send tasks cannot be read, the DAGs are made as they were: %s", words)
        return [row for row in _recall() if name in (None, row["name"])]
    with suppress(OSError):  # a read-only AIRFLOW_HOME refuses to unlink even a file that does not exist
        _away_file().unlink(missing_ok=True)
    if name is None:
        _remember(rows)
    return rows


def _read_within(seconds: float, dsn: str, name: str | None) -> list[dict[str, Any]]:
    """Read the rows; raise DatabaseUnavailable after `seconds`.

    The query runs in a thread: libpq waits without a limit for a name server, for a server that stopped in mid-answer
    and for a network that drops its packets, and no signal ends that wait (Airflow's own time limit is a signal).
    """
    found: list[list[dict[str, Any]]] = []
    failed: list[Exception] = []

    def read() -> None:
        options = f"-c statement_timeout={_STATEMENT_TIMEOUT}s"
        try:
            with connected(dsn, application="ses-ops dags", options=options, connect_timeout=_CONNECT_TIMEOUT) as conn:
                found.append(rows_with_dag(conn, name=name))
        except Exception as problem:
            failed.append(problem)

    thread = threading.Thread(target=read, name="read send tasks", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise DatabaseUnavailable("database_did_not_answer", seconds=seconds)
    return found[0]


def _away_file() -> Path:
    return memory_file().with_suffix(".away")


def _failed_just_now() -> bool:
    try:
        return 0 <= time.time() - _away_file().stat().st_mtime < AWAY
    except OSError:
        return False


def _note_failure() -> None:
    try:
        _away_file().touch()
    except OSError as problem:
        log.warning("it cannot be noted that the database is away: %s", problem)


def memory_file() -> Path:
    """The file with the rows of the last successful query: in AIRFLOW_HOME, which every component of Airflow has."""
    from airflow.configuration import AIRFLOW_HOME

    return Path(AIRFLOW_HOME) / "ses_send_tasks.json"


def _remember(rows: list[dict[str, Any]]) -> None:
    text = json.dumps([_plain(row) for row in rows], indent=0)
    path = memory_file()
    try:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
    except OSError as problem:
        log.warning("the send tasks cannot be kept for when the database is away: %s", problem)


def _recall() -> list[dict[str, Any]]:
    try:
        rows = json.loads(memory_file().read_text(encoding="utf-8"))
        return [{**row, **{key: row[key] and datetime.fromisoformat(row[key]) for key in _MOMENTS}} for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as problem:
        log.warning("%s cannot be read: %s", memory_file(), problem)
        return []


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}
