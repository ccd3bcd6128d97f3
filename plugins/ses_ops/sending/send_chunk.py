"""Send one reserved chunk: the event loop talks SMTP, a thread keeps the ledger."""

from __future__ import annotations

import asyncio
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.domain.address import parse_sender
from ses_ops.errors import TransportUnavailable
from ses_ops.sending.attempt import Attempt, claim_chunk
from ses_ops.sending.chunk_ledger import ChunkLedger, Marked
from ses_ops.sending.ledger_thread import LedgerThread
from ses_ops.sending.message_feed import MessageFeed
from ses_ops.sending.release import Ending, release_chunk
from ses_ops.sending.reserve import database_now
from ses_ops.sending.task_renderer import task_renderer
from ses_ops.storage.connection import KEY_LOOKUPS, connected, transaction
from ses_ops.storage.sql import execute, fetch_one
from ses_ops.transports.event_loop import run_in_loop
from ses_ops.transports.smtp_transport import SmtpTransport

if TYPE_CHECKING:
    from pathlib import Path

    from ses_ops.transports.smtp_settings import SmtpSettings

#: Seconds between looks of one thread at the other; Python's own 5 ms would halve the rate.
SWITCH_INTERVAL = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkReport:
    """What one call did. Counts are messages; `left` are still to be sent."""

    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    unknown: int = 0
    left: int = 0
    #: finished | released: <why> | stopped | nothing to do
    ending: str = "nothing to do"


def send_chunk(
    dsn: str,
    chunk_id: int,
    run_id: str,
    *,
    smtp: SmtpSettings,
    templates_root: Path,
    stop: threading.Event,
) -> ChunkReport:
    """Send what is pending in a chunk that `run_id` reserved; at the end its reservation is released.

    Correct at any interruption: see attempt.py. `stop` ends it early, with every outcome written. Raises
    TransportUnavailable or DatabaseUnavailable when a server is away (the chunk stays reserved, try again), Conflict
    while another process sends it, AttemptSuperseded when another has taken it over, TemplateError.
    """
    with connected(dsn, application="ses-ops send", options=KEY_LOOKUPS) as conn:
        render, sender = _renderer(conn, chunk_id, templates_root)
        attempt = claim_chunk(conn, chunk_id, run_id)
        if attempt is None:
            return ChunkReport()
        ledger = ChunkLedger(conn=conn, dsn=dsn, attempt=attempt)
        feed = MessageFeed(lambda message: render(attempt, message), sender)
        try:
            thread = _run(ledger, feed, smtp, stop)
            return _finish(ledger, thread)
        except BaseException as problem:
            _note(ledger, problem)
            raise
        finally:
            ledger.conn.close()


def _renderer(conn: Any, chunk_id: int, templates_root: Path) -> Any:
    with transaction(conn):
        task = fetch_one(conn, "send_tasks", "task_of_chunk", chunk_id=chunk_id)
    if task is None:
        raise LookupError(f"there is no chunk {chunk_id}")
    renderer = task_renderer(task, templates_root, installation_id=task["installation_id"])

    def render(attempt: Attempt, message: Marked) -> bytes:
        return renderer.render(
            occurrence_id=attempt.occurrence_id, seq=message.seq, address=message.address, values=message.values
        )

    return render, parse_sender(task["sender"]).address


def _run(ledger: ChunkLedger, feed: MessageFeed, smtp: SmtpSettings, stop: threading.Event) -> LedgerThread:
    previous = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        return run_in_loop(_send(ledger, feed, smtp, stop))
    finally:
        sys.setswitchinterval(previous)


async def _send(ledger: ChunkLedger, feed: MessageFeed, smtp: SmtpSettings, stop: threading.Event) -> LedgerThread:
    transport = SmtpTransport(smtp)
    thread = LedgerThread(ledger, feed, transport, asyncio.get_running_loop(), stop=stop, settings=smtp)
    thread.start()
    unavailable = None
    try:
        await transport.run(feed)
    except TransportUnavailable as problem:
        unavailable = problem
    finally:
        thread.transport_ended()
        while thread.is_alive():
            # The thread may still hand callbacks to this loop.
            await asyncio.sleep(0.002)
    if thread.problem is not None:
        raise thread.problem
    if unavailable is not None:
        raise unavailable
    return thread


def _note(ledger: ChunkLedger, problem: BaseException) -> None:
    try:
        with transaction(ledger.end()):
            reason = " ".join(str(problem).split())[:500] or type(problem).__name__
            execute(ledger.conn, "chunks", "note_reason", id=ledger.attempt.chunk_id, reason=reason)
            execute(ledger.conn, "attempts", "end_attempt", id=ledger.attempt.id, ending=reason)
    except Exception:  # noqa: S110 - the first problem is the one to tell; the note only helps
        pass


def _finish(ledger: ChunkLedger, thread: LedgerThread) -> ChunkReport:
    attempt, conn = ledger.attempt, ledger.end()
    with transaction(conn):
        chunk = fetch_one(conn, "chunks", "chunk_day", id=attempt.chunk_id)
        assert chunk is not None
        if thread.stopped_by_caller and chunk["pending"]:
            ending = "stopped"
        elif chunk["pending"]:
            why = Ending(
                reason=thread.stop_reason or thread.last_deferral or "messages are left", backoff=not thread.stop_reason
            )
            ending = f"released: {why.reason}"
        else:
            why, ending = Ending(reason="", backoff=False), "finished"
        if ending != "stopped":
            release_chunk(conn, attempt.chunk_id, run_id=attempt.run_id, now=database_now(conn), ending=why)
        execute(conn, "attempts", "end_attempt", id=attempt.id, ending=ending[:500])
    return ChunkReport(**ledger.counts, left=chunk["pending"], ending=ending)
