"""What the DAG file knows of the send tasks: their rows, or those of the last good look when the database is away.

A DAG file that raises, or that makes no DAGs, takes the DAGs of running mailings away from Airflow. So the rows of
the last good look are kept in a file, which is replaced in one step.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from ses_ops.domain.send_task import DAG_ID_PREFIX
from ses_ops.operators.connections import ses_db_dsn
from ses_ops.storage.connection import connected, schema_problem
from ses_ops.storage.send_tasks import rows_with_dag

log = logging.getLogger(__name__)

_MOMENTS = ("start_at", "until", "created_at")


def rows_for_dags(only_dag: str | None = None) -> list[dict[str, Any]]:
    """The rows of all tasks that have a DAG; in a worker (`only_dag`) the row of that DAG. Never raises."""
    if only_dag is not None and not only_dag.startswith(DAG_ID_PREFIX):
        return []
    name = None if only_dag is None else only_dag.removeprefix(DAG_ID_PREFIX)
    try:
        with connected(ses_db_dsn(), application="ses-ops dags") as conn:
            rows = rows_with_dag(conn, name=name)
    except Exception as problem:  # whatever it is, it must not take running DAGs away
        words = " ".join(str(schema_problem(problem) or problem).split())
        log.warning("send tasks cannot be read, the DAGs are made as they were: %s", words)
        return [row for row in _recall() if name in (None, row["name"])]
    if name is None:
        _remember(rows)
    return rows


def memory_file() -> Path:
    """Where the rows of the last good look are kept: in AIRFLOW_HOME, which every component of Airflow has."""
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
