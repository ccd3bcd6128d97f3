"""Single messages that a server refused although the reason was not in them: it refused all mail."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState
from ses_ops.sending.chunk.journal import JournalEntry
from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger import attempts

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.sending.single.control import Control
    from ses_ops.sending.single.held import HeldChunk, Waiting
    from ses_ops.sending.single.work import Work
    from ses_ops.transports.errors import MailRefused

#: Seconds after which they are tried again: somebody has to mend the reason first.
TRIED_AGAIN_AFTER = 60.0


async def requeue_refused(control: Control, work: Work, problem: MailRefused) -> None:
    """Have the messages wait that a server refused one after the other. Safe to repeat. Raises DatabaseUnavailable."""
    by_chunk: dict[HeldChunk, dict[int, Waiting]] = {}
    for message in work.feed.refused(problem.to_requeue):
        if not message.held.lost and message.held.attempt.chunk_id in work.held:
            by_chunk.setdefault(message.held, {})[message.seq] = message
    for held, refused in by_chunk.items():
        held.in_hand += 1
        try:
            async with held.writing:
                await _requeue_of(control, held, refused)
        finally:
            held.in_hand -= 1


async def _requeue_of(control: Control, held: HeldChunk, refused: dict[int, Waiting]) -> None:
    if not held.over:
        # The outcomes that are not written yet are changed, the others are written anew.
        unwritten = {entry.seq for entry in held.done}
        for place, entry in enumerate(held.done):
            if entry.seq in refused:
                held.done[place] = entry._replace(state=MessageState.REQUEUED)
                held.bounced.pop(entry.seq, None)
        if written := sorted(refused.keys() - unwritten):
            await control.do(partial(_requeue, held, written))
            for seq in written:
                held.note(seq, JournalEntry.DEFERRED)
                held.wait(refused[seq], time.monotonic() + TRIED_AGAIN_AFTER)


def _requeue(held: HeldChunk, seqs: list[int], conn: Connection) -> None:
    attempt = held.attempt
    keys = {"chunk_id": attempt.chunk_id, "attempt_id": attempt.id, "occurrence_id": attempt.occurrence_id}
    with transaction(conn):
        attempts.requeue_refused(conn, **keys, seqs=seqs)
