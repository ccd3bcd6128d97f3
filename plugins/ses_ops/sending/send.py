"""The sending of one reserved chunk: SMTP and ledger in one event loop."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.bulk_headers import feedback_id
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.send_task import TaskType
from ses_ops.domain.template_variables import variable_name
from ses_ops.errors import (
    DatabaseUnavailable,
    Explanation,
    InvalidInput,
    LedgerBehind,
    QuotaError,
    Sentence,
    SesError,
    TemplateError,
)
from ses_ops.rendering.message import ProviderHeader
from ses_ops.rendering.template import load_template
from ses_ops.sending.chunk.claim import claim_chunk, settle_from_journal
from ses_ops.sending.chunk.ending import end_attempt
from ses_ops.sending.chunk.feed import MessageFeed
from ses_ops.sending.chunk.journal import Journal, JournalEntry, open_journal
from ses_ops.sending.chunk.ledger import APPLICATION, ChunkLedger
from ses_ops.sending.chunk.made_messages import message_maker
from ses_ops.sending.chunk.writer import DATABASE_TIMEOUT, LedgerWriter
from ses_ops.sending.home import check_home
from ses_ops.sending.release import Ending, release_chunk
from ses_ops.sending.task_renderer import RendererExtras, task_renderer
from ses_ops.sending.template_place import template_place
from ses_ops.sending.unsubscribe_page import with_page
from ses_ops.sending.waiting_mail import hold_if_blocked
from ses_ops.storage.connection import KEY_LOOKUPS, connect, connected, database_now, transaction
from ses_ops.storage.events import tracked_links
from ses_ops.storage.ledger import attempts, chunk_locks, chunks
from ses_ops.storage.tasks import send_tasks
from ses_ops.transports.errors import MailRefused
from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.smtp.transport import SmtpTransport

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.rendering.message import MessageRenderer
    from ses_ops.storage.tasks.stored_task import TaskOfChunk
    from ses_ops.transports.smtp.settings import SmtpSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkReport:
    """The result of one call. Counts are messages; `left` are still to be sent."""

    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    unknown: int = 0
    left: int = 0
    #: One of: finished | released: <why> | stopped | nothing to do
    ending: str = "nothing to do"


def send_chunk(
    dsn: str,
    chunk_id: int,
    run_id: str,
    *,
    smtp: SmtpSettings,
    templates_root: Path,
    stop: threading.Event,
    plans: QuotaPlans | None = None,
) -> ChunkReport:
    """Send the pending messages of a chunk that `run_id` reserved; at the end the reservation is released.

    With `plans` a chunk whose sender domain was blocked meanwhile goes back to the cache instead.

    Correct at any interruption: see chunk/claim.py. `stop` ends the sending early, with every outcome written. Raises
    TransportUnavailable or DatabaseUnavailable when a server cannot be reached (the chunk stays reserved, a retry is
    due), Conflict while another process sends the chunk, AttemptSuperseded when another attempt has the chunk,
    LedgerBehind, TemplateError or MailCannotBeMade when the template does not fit the audience, TooManyUnknownUsers
    when the server does not know too many recipients (unsent messages are kept), LedgerRestored.
    """
    with connected(dsn, application=APPLICATION, options=KEY_LOOKUPS) as conn:
        check_home(conn)
        task = _task(conn, chunk_id)
        if plans is not None and (held := _held(conn, chunk_id, run_id, task, plans)) is not None:
            return held
        renderer = _renderer(conn, task, templates_root, smtp)
        with transaction(conn):
            tracked_links.keep(conn, task_id=task.task_id, targets=renderer.targets)
        attempt = claim_chunk(conn, chunk_id, run_id, edition=task.edition, tracked=renderer.tracked)
        if attempt is None:
            return ChunkReport()
        ledger = ChunkLedger(control=conn, dsn=dsn, attempt=attempt)
        journal = open_journal(attempt.journal_id, first_seq=attempt.first_seq, last_seq=attempt.last_seq)
        feed = MessageFeed(message_maker(renderer, task), journal, resends=task.on_unknown is OnUnknown.RESEND)
        written = behind = False
        try:
            writer = run_in_loop(_send(ledger, feed, smtp, stop))
            written = True
            return _finish(ledger, writer)
        except BaseException as problem:
            _note(ledger, problem, to_requeue=_to_requeue(problem, task, journal))
            behind = isinstance(problem, LedgerBehind)
            raise
        finally:
            # The journal is closed first: the process that gets the chunk after the lock must be able to read it.
            if journal is not None:
                journal.close(keep=not written)
            _release_claim(ledger, behind=behind)


def _task(conn: Connection, chunk_id: int) -> TaskOfChunk:
    with transaction(conn):
        task = send_tasks.of_chunk(conn, chunk_id=chunk_id)
    if task is None:
        raise LookupError(f"there is no chunk {chunk_id}")
    return task


def _held(conn: Connection, chunk_id: int, run_id: str, task: TaskOfChunk, plans: QuotaPlans) -> ChunkReport | None:
    """The report of a chunk that may not be sent, because its sender domain is blocked."""
    try:
        plan = plans[task.sender_domain]
    except (InvalidInput, QuotaError):
        return None  # an entry that was broken meanwhile stops the next reservation, not what is reserved
    reason = hold_if_blocked(conn, chunk_id, run_id=run_id, plan=plan)
    if reason is None:
        return None
    chunk = chunks.reservation_of(conn, chunk_id=chunk_id)
    conn.commit()
    return ChunkReport(left=chunk.pending if chunk else 0, ending=f"released: {reason}")


def _renderer(conn: Connection, task: TaskOfChunk, templates_root: Path, smtp: SmtpSettings) -> MessageRenderer:
    """The renderer of the task. Raises TemplateError when the template needs values that the frozen audience lacks.

    Values that the template does not need any more do no harm.
    """
    with transaction(conn):
        content = with_page(conn, task.content)
        place = template_place(conn, templates_root, content.template)
    template = load_template(place, content.template)
    used = template.variables_for(subject=content.subject, unsubscribe_url=content.unsubscribe_url)
    missing = sorted(used - set(map(variable_name, task.frozen_variables)))
    if missing:
        raise TemplateError("template_changed_since", names=missing, task=task.name, template=task.template)
    extras = RendererExtras(
        bounce_domain=task.bounce_domain,
        token_secret=task.token_secret,
        provider_header=ProviderHeader(*smtp.provider_header) if smtp.provider_header else None,
        headers={
            **smtp.headers,
            **feedback_id(task.type, task.occurrence_id, task.sender_domain, task.installation_id),
        },
    )
    installation_id = task.installation_id
    return task_renderer(content, place, installation_id=installation_id, template=template, extras=extras)


async def _send(ledger: ChunkLedger, feed: MessageFeed, smtp: SmtpSettings, stop: threading.Event) -> LedgerWriter:
    transport = SmtpTransport(smtp)
    writer = LedgerWriter(ledger, feed, transport, stop=stop, settings=smtp)
    await ledger.open()
    mail = asyncio.ensure_future(transport.run(feed))
    mail.add_done_callback(lambda _: writer.transport_ended())
    try:
        await writer.run()
    finally:
        # After an error of the ledger the messages under way get their outcomes, at least in the journal.
        transport.stop()
        await asyncio.wait([mail])
        ledger.close()
    mail.result()  # raises TransportUnavailable
    if writer.problem is not None:
        raise writer.problem
    return writer


def _to_requeue(problem: BaseException, task: TaskOfChunk, journal: Journal | None) -> list[int]:
    """Numbers of the messages that were refused although the reason is not in them; none of a test send."""
    if not isinstance(problem, MailRefused) or not TaskType(task.type).listed:
        return []
    for seq in problem.to_requeue:
        if journal is not None:
            journal.write(seq, JournalEntry.DEFERRED)
    return list(problem.to_requeue)


def _note(ledger: ChunkLedger, problem: BaseException, *, to_requeue: list[int]) -> None:
    """Store why the attempt ended; an unavailable database is waited for if messages have to be requeued."""
    deadline = time.monotonic() + (DATABASE_TIMEOUT if to_requeue else 0.0)
    while True:
        try:
            if ledger.control.closed:
                ledger.control = connect(ledger.dsn, application=APPLICATION, options=KEY_LOOKUPS)
            _write_note(ledger, problem, to_requeue)
        except DatabaseUnavailable:
            ledger.control.close()
            if time.monotonic() < deadline:
                time.sleep(0.5)
                continue
        except Exception:  # noqa: S110 - the first problem is the one to report; the note only helps
            pass
        return


def _write_note(ledger: ChunkLedger, problem: BaseException, to_requeue: list[int]) -> None:
    """Store the note. Safe to repeat; a chunk that another attempt has by now is not changed."""
    attempt = ledger.attempt
    with transaction(ledger.control) as conn:
        reason = _reason(problem)
        if to_requeue:
            attempts.requeue_refused(
                conn,
                chunk_id=attempt.chunk_id,
                attempt_id=attempt.id,
                occurrence_id=attempt.occurrence_id,
                seqs=to_requeue,
            )
        chunks.note_reason(conn, chunk_id=attempt.chunk_id, reason=reason)
        end_attempt(conn, attempt_id=attempt.id, ending=reason)


def _reason(problem: BaseException) -> str:
    if isinstance(problem, SesError):
        return Sentence(problem.explanation, problem.sentence[:500])
    return " ".join(str(problem).split())[:500] or type(problem).__name__


def _release_claim(ledger: ChunkLedger, *, behind: bool) -> None:
    """Release the claim now, because the server notices a closed connection only after a moment.

    `behind`: the outcomes that the database has lost are written before, from the journal, which must be closed.
    """
    conn = ledger.control
    try:
        if behind:
            settle_from_journal(conn, ledger.attempt)
        with transaction(conn):
            chunk_locks.unlock(conn, chunk_id=ledger.attempt.chunk_id)
    except Exception:  # noqa: S110 - then the claim ends with the connection
        pass
    finally:
        conn.close()


def _finish(ledger: ChunkLedger, writer: LedgerWriter) -> ChunkReport:
    attempt, conn = ledger.attempt, ledger.control
    with transaction(conn):
        chunk = chunks.reservation_of(conn, chunk_id=attempt.chunk_id)
        assert chunk is not None
        if writer.stopped_by_caller and chunk.pending:
            ending = "stopped"
        elif chunk.pending:
            reason = writer.stop_reason or writer.deferrals.last_words or Explanation("messages_left").sentence
            why = Ending(reason=reason, backoff=not writer.stop_reason)
            ending = f"released: {why.reason}"
        else:
            why, ending = Ending(reason="", backoff=False), "finished"
        if ending != "stopped":
            release_chunk(conn, attempt.chunk_id, run_id=attempt.run_id, now=database_now(conn), ending=why)
        end_attempt(conn, attempt_id=attempt.id, ending=ending[:500])
    return ChunkReport(**ledger.counts, left=chunk.pending, ending=ending)
