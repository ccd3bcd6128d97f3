"""Unknown messages settled by a mail server's log: those that it took are sent, the others are sent again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed, RunWanted
from ses_ops.domain.message_state import ChunkState, MessageState
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import Conflict, Explanation, InvalidInput
from ses_ops.sending.chunk.ending import count_attempt
from ses_ops.storage.connection import transaction
from ses_ops.storage.events.recording import installation_id
from ses_ops.storage.ledger import chunks, occurrences, send_counts
from ses_ops.storage.restore import doubts
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.relay_log import TakenByRelay


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedByLog(Changed):
    """Numbers of messages that were unknown."""

    #: Which the log names: they count as sent.
    sent: int
    #: Which it does not name: they are sent again.
    again: int


def resolve_by_log(conn: Connection, actor: Actor, name: str, taken: TakenByRelay) -> ResolvedByLog:
    """Settle a task's unknown messages; single messages by the task `api:` and their sender domain.

    Raises NotFound, and Conflict for a cancelled task or while one of the chunks concerned is being sent; InvalidInput
    for a log that names none of them: an empty or a wrong one would have everybody mailed again.
    """
    with actor.recorded("resolve_unknown", task=name, choice="by-log") as facts, transaction(conn):
        task = send_tasks.lock_row(conn, name, with_api=True)
        if task.cancelled_at is not None:
            raise Conflict("task_cancelled", name=name)
        found = chunks.lock_with_outcome(conn, task_id=task.id, state=MessageState.UNKNOWN)
        if any(chunk.state is ChunkState.RESERVED for chunk in found):
            raise Conflict("task_being_sent", name=name)
        seqs = _seqs(taken, installation_id(conn))
        sent = again = 0
        for chunk in found:
            of_chunk = _settle(conn, chunk.id, taken, seqs)
            sent, again = sent + of_chunk[0], again + of_chunk[1]
        if again and not sent:
            raise InvalidInput("log_names_none", task=name, count=again)
        has_dag = task.type is not TaskType.API
        if again and has_dag:  # an occurrence of single messages stays over: its process has ended
            occurrences.reopen(conn, task_id=task.id)
            send_tasks.reopen(conn, task_id=task.id)
        facts |= {"sent": sent, "again": again}
    notices = (RunWanted(task=name),) if again and has_dag else ()
    return ResolvedByLog(changed=bool(sent or again), sent=sent, again=again, scheduler=notices)


def _seqs(taken: TakenByRelay, installation: str) -> dict[int, list[int]]:
    """The numbers of messages of this installation that the log names, by occurrence."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for of, occurrence_id, seq in taken.message_ids:
        if of == installation and seq < 2**31:
            found[occurrence_id].append(seq)
    return found


def _settle(conn: Connection, chunk_id: int, taken: TakenByRelay, seqs: dict[int, list[int]]) -> tuple[int, int]:
    doubtful = send_counts.in_doubt(conn, chunk_id)
    doubts.begin_assuming(conn, doubtful)
    named = seqs.get(doubts.occurrence_of(conn, chunk_id=chunk_id), [])
    sent = doubts.assume_taken(conn, chunk_id=chunk_id, keys=sorted(taken.address_keys), seqs=named)
    reason = Explanation("resend_asked_for").sentence
    again = chunks.requeue(conn, chunk_id=chunk_id, state=MessageState.UNKNOWN, reason=reason, codes=None)
    for attempt_id in doubtful:
        count_attempt(conn, attempt_id)
    doubts.end_assuming(conn, doubtful)
    return sent, again
