"""Export of a task's messages as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.exports import export_messages as export
from ses_ops.audience.csv.cells import safe_cell
from ses_ops.console.access import reads_task
from ses_ops.console.actor import actor_of
from ses_ops.console.csv_download import csv_headers
from ses_ops.console.database import reading, streaming
from ses_ops.console.download import Download, check_exports
from ses_ops.console.earlier_tasks import check_may_see
from ses_ops.console.tasks.messages import answer, search_of
from ses_ops.console.tasks.query import TaskView
from ses_ops.console.tasks.snapshot import scope_of
from ses_ops.storage.ledger.messages import ListedMessage, MessageSearch, all_messages

router = APIRouter()

HEADER = ("occurrence", "number", "address", "status", "tries", "code", "answer", "changed_at", "next_try_at", "start")
#: Number of messages read, and written, at a time.
BATCH = 5_000


@router.get("/tasks/{name}/messages.csv", dependencies=[Depends(reads_task)])
def export_messages(request: Request, name: str, user: GetUserDep) -> Response:
    """The file, streamed from the database with every filter of the page's list; it is never in memory as a whole."""
    check_exports(user.get_name())
    run_id = request.query_params.get("run")
    view = TaskView.read(request.query_params, name, run_id=run_id)
    check_may_see(user, name, view.task_id)
    asked = {"task_id": view.task_id, "run": run_id, "occurrence": view.occurrence_id}
    asked |= {"status": view.status, "address": view.address}

    def find() -> MessageSearch:
        with reading() as conn:
            scope = scope_of(conn, name, task_id=view.task_id, run_id=run_id, occurrence_id=view.occurrence_id)
            return search_of(scope, view)

    search = export(actor_of(user), name, find, **asked)
    file = f"{name}-messages-{datetime.now(UTC):%Y%m%d-%H%M}.csv"
    return Download(_csv(search), headers=csv_headers(file), person=user.get_name())


def _csv(search: MessageSearch) -> Generator[bytes, None, None]:
    """The file in blocks of a few thousand lines, first the byte order mark by which Excel knows UTF-8."""
    yield b"\xef\xbb\xbf" + _lines([HEADER])
    with streaming() as conn:
        for batch in all_messages(conn, search, size=BATCH):
            yield _lines([_line(row) for row in batch])


def _line(row: ListedMessage) -> tuple[str, ...]:
    cells = (
        *(row.occurrence, row.seq, row.address, row.status, row.tries, row.smtp_code),
        *(answer(row) if row.chunk_reason else row.smtp_text, _moment(row.changed_at)),
        *(_moment(row.next_try_at), row.start),
    )
    return tuple("" if cell is None else safe_cell(str(cell)) for cell in cells)


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def _lines(rows: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
