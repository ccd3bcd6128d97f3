"""The feed of single messages: recipients of accepted messages in, outcomes by chunk out."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from itertools import count
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState
from ses_ops.errors import Explanation, InvalidInput, TemplateError
from ses_ops.sending.chunk.feed import feed_clock
from ses_ops.sending.chunk.journal import JournalEntry
from ses_ops.storage.ledger.batches import Written
from ses_ops.transports.port import Delivery, Envelope, EnvelopeWithdrawn, LocalRefusal, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from ses_ops.sending.single.held import HeldChunk, Waiting

_log = logging.getLogger(__name__)

_STATES = {
    Delivery.SENT: MessageState.SENT,
    Delivery.FAILED: MessageState.FAILED,
    Delivery.DEFERRED: MessageState.REQUEUED,
    Delivery.UNKNOWN: MessageState.UNKNOWN,
}
#: Number of refused messages that are remembered until the transport may say that their server refuses everything.
REFUSED_REMEMBERED = 1_000


class SingleFeed:
    """The transport's feed, over all chunks that this process holds. It outlives transports."""

    def __init__(self, on_answer: Callable[[], None]) -> None:
        self.ready: deque[Waiting] = deque()
        #: Called at each outcome.
        self.on_done: Callable[[], None] = _nothing
        #: Called at each answer of a server.
        self._on_answer = on_answer
        self._tickets = count(1)
        self.under_way: dict[int, Waiting] = {}
        self._refused: OrderedDict[int, Waiting] = OrderedDict()
        #: Number of messages that were begun.
        self.begun = 0

    def next_envelope(self) -> Envelope | None:
        """The next message, made now. One that cannot be made has failed; that is no matter of the others."""
        while self.ready:
            message = self.ready.popleft()
            held = message.held
            if held.over:
                continue
            if feed_clock() >= held.day_ends:
                self.put_off(message, Explanation("quota_day_ended").sentence)
                continue
            made = self._made(message)
            if made is not None:
                ticket = next(self._tickets)
                self.under_way[ticket] = message
                return Envelope(ticket, made[0], message.address, made[1], True, message.retried)
        return None

    def _made(self, message: Waiting) -> tuple[str, bytes] | None:
        held, seq = message.held, message.seq
        assert message.mail is not None
        try:
            return message.mail.made(occurrence_id=held.attempt.occurrence_id, seq=seq, place=message.place)
        except (TemplateError, InvalidInput) as problem:
            why = " ".join(f"{problem}".split())[:400]
        except Exception as problem:  # a bug: of this message, and not of the others
            _log.exception("message %s of chunk %s cannot be made", seq, held.attempt.chunk_id)
            why = type(problem).__name__
        self._add(held, Written(seq, MessageState.FAILED, None, f"not sent: {why}", 0))
        return None

    def content_begins(self, envelope: Envelope) -> None:
        """Note that the message is in doubt after a crash, but for a noted outcome. Raises EnvelopeWithdrawn."""
        message = self.under_way[envelope.seq]
        held = message.held
        if held.over:
            raise EnvelopeWithdrawn(Explanation("chunk_taken_over", chunk=held.attempt.chunk_id))
        if feed_clock() >= held.day_ends:
            raise EnvelopeWithdrawn(Explanation("quota_day_ended"))
        self.begun += 1
        held.note(message.seq, JournalEntry.BEGUN)

    def outcome(self, envelope: Envelope, outcome: Outcome) -> None:
        """Note an outcome in the journal, and keep it for the ledger."""
        message = self.under_way.pop(envelope.seq)
        held, seq = message.held, message.seq
        delivery, code, text, failure = outcome
        local = type(outcome) is LocalRefusal
        if code is not None and not local:
            self._on_answer()
        if delivery is Delivery.SENT:
            held.note(seq, code or JournalEntry.FIRST_CODE)
        elif delivery is Delivery.FAILED:
            held.note(seq, code or JournalEntry.DEFERRED)
            if not local:
                self._note_refusal(envelope, message)
                if failure is not None and failure.no_such_address:
                    held.bounced[seq] = f"{code} {text}"
        elif delivery is Delivery.DEFERRED:
            held.note(seq, JournalEntry.DEFERRED)
        tried = 0 if local or (delivery is Delivery.DEFERRED and code is None) else 1
        self._add(held, Written(seq, _STATES[delivery], code, text, tried))

    def _note_refusal(self, envelope: Envelope, message: Waiting) -> None:
        self._refused[envelope.seq] = message._replace(mail=None)
        if len(self._refused) > REFUSED_REMEMBERED:
            self._refused.popitem(last=False)

    def refused(self, tickets: list[int]) -> list[Waiting]:
        """The messages of some envelopes that a server refused, as far as they are remembered."""
        return [self._refused[ticket] for ticket in tickets if ticket in self._refused]

    def put_off(self, message: Waiting, why: str) -> None:
        """Take the mark from a message that was not begun, by an outcome."""
        message.held.put_off.add(message.seq)
        self._add(message.held, Written(message.seq, MessageState.REQUEUED, None, why, 0))

    def _add(self, held: HeldChunk, entry: Written) -> None:
        if not held.lost:
            held.done.append(entry)
            self.on_done()


def _nothing() -> None:
    pass
