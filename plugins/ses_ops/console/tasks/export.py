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
from ses_ops.storage.events import task_feedback
from ses_ops.storage.events.task_feedback import MessageOutcome, Words
from ses_ops.storage.ledger.messages import ListedMessage, MessageSearch, all_messages

router = APIRouter()

HEADER = (
    *("occurrence", "number", "address", "status", "tries", "code", "answer", "changed_at", "next_try_at", "start"),
    *("feedback", "feedback_at"),
)
#: Further columns of a list of an outcome: what the gravest event of each message says.
WORDS = ("reason", "status_code", "diagnostic", "source")
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
    asked |= {"status": view.status, "feedback": view.feedback, "address": view.address}

    def find() -> MessageSearch:
        with reading() as conn:
            scope = scope_of(conn, name, task_id=view.task_id, run_id=run_id, occurrence_id=view.occurrence_id)
            return search_of(scope, view)

    search = export(actor_of(user), name, find, **asked)
    file = f"{name}-messages-{datetime.now(UTC):%Y%m%d-%H%M}.csv"
    return Download(_csv(search), headers=csv_headers(file), person=user.get_name())


def _csv(search: MessageSearch) -> Generator[bytes, None, None]:
    """The file in blocks of a few thousand lines, first the byte order mark by which Excel knows UTF-8."""
    with_words = search.feedback is not None
    yield b"\xef\xbb\xbf" + _lines([HEADER + WORDS if with_words else HEADER])
    with streaming() as conn:
        for batch in all_messages(conn, search, size=BATCH):
            found = [(row.occurrence_id, row.seq) for row in batch]
            outcomes = task_feedback.outcomes(conn, found)
            words = task_feedback.words(conn, found) if with_words else {}
            lines = [_line(row) + _fed_back(outcomes.get(key)) for row, key in zip(batch, found, strict=True)]
            yield _lines(
                [line + _said(words.get(key)) if with_words else line for line, key in zip(lines, found, strict=True)]
            )


def _fed_back(outcome: MessageOutcome | None) -> tuple[str, ...]:
    if outcome is None:
        return "", ""
    return " ".join(outcome.feedback), _moment(outcome.last_at) or ""


def _said(words: Words | None) -> tuple[str, ...]:
    if words is None:
        return ("",) * len(WORDS)
    return words.reason or "", words.status or "", safe_cell(words.diagnostic), words.source


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
