"""Between the ledger and the transport: marked messages one way, outcomes the other."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState
from ses_ops.errors import Explanation, InvalidInput, MailCannotBeMade, TemplateError
from ses_ops.sending.chunk.hard_bounces import HardBounces
from ses_ops.sending.chunk.journal import JournalEntry
from ses_ops.storage.ledger.batches import Marked, Written
from ses_ops.transports.port import Delivery, Envelope, EnvelopeWithdrawn, LocalRefusal, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from ses_ops.sending.chunk.journal import Journal

_STATES = {
    Delivery.SENT: MessageState.SENT,
    Delivery.FAILED: MessageState.FAILED,
    Delivery.DEFERRED: MessageState.REQUEUED,
    Delivery.UNKNOWN: MessageState.UNKNOWN,
}
# Members of an enum, which Python looks up by a call, as plain constants.
_SENT, _STATE_SENT = Delivery.SENT, MessageState.SENT


#: A message that lost its connection after its final dot so often stays in doubt, whatever its task says: a server that
#: takes each and never answers would be sent it for ever.
MOST_TRIES_IN_DOUBT = 3
#: Seconds of the clock that `MessageFeed.day_ends` is a moment of. It goes on while the machine is suspended, unlike
#: Python's own monotonic clock, and nobody sets it. (No function of our own: it is read twice a message.)
feed_clock = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
#: So many messages in a row that cannot be made are no fault of their recipients' values.
MOST_UNMADE = 50


class MessageFeed:
    """The transport's feed. Messages are rendered when a connection has room for them."""

    def __init__(
        self, render: Callable[[Marked], bytes], sender_address: str, journal: Journal | None, *, resends: bool = False
    ) -> None:
        self.ready: deque[Marked] = deque()
        self.done: deque[Written] = deque()
        #: Taken from `ready`, without an outcome in the ledger yet.
        self.in_flight: dict[int, Marked] = {}
        #: Called when so many outcomes are there as to be worth a commit.
        self.on_batch: Callable[[], None] = _nothing
        self.batch = 0
        self.hard_bounces = HardBounces(wanted=True, most_share=1.0)
        self.has_journal = journal is not None
        #: No message begins from this moment of `feed_clock` on: the quota day that pays for it is over.
        self.day_ends = 0.0
        #: Of `done`: those that are tried again though the server may have them.
        self.doubtful: set[int] = set()
        #: What the task does with messages in doubt.
        self._resends = resends
        #: Tries of those whose connection was lost after the final dot.
        self._doubts: dict[int, int] = {}
        self._render = self._rendered = render
        #: Messages in a row that could not be made.
        self._unmade = 0
        self._sender = sender_address
        self._note = journal.write if journal else _nothing_of

    def next_envelope(self) -> Envelope | None:
        """The next marked message, rendered. One that cannot be made of its values has failed.

        Raises MailCannotBeMade when too many in a row cannot; and any other error of rendering, which is ours.
        """
        if feed_clock() >= self.day_ends:
            return None
        while self.ready:
            message = self.ready.popleft()
            self.in_flight[message.seq] = message
            try:
                content = self._render(message)
            except (TemplateError, InvalidInput) as problem:
                self._add(Written(message.seq, MessageState.FAILED, None, f"not sent: {_one_line(problem)}", 0))
                if not message.retried:
                    self._could_not_make(problem)
                continue
            except BaseException:
                self.ready.appendleft(self.in_flight.pop(message.seq))
                raise
            # What `render` makes has no line that begins with a dot.
            return Envelope(message.seq, self._sender, message.address, content, True, message.retried)
        return None

    def _could_not_make(self, problem: Exception) -> None:
        self._unmade += 1
        # Only now does a message that can be made have to be looked at: it ends the row.
        self._render = self._rendered_again
        if self._unmade >= MOST_UNMADE:
            raise MailCannotBeMade("mail_cannot_be_made", count=self._unmade, problem=problem)

    def _rendered_again(self, message: Marked) -> bytes:
        content = self._rendered(message)
        self._unmade, self._render = 0, self._rendered
        return content

    def content_begins(self, envelope: Envelope) -> None:
        """After a crash this one is in doubt, unless its outcome was noted too. Raises EnvelopeWithdrawn.

        It may have been taken long ago: this process can be stopped, and its machine suspended, at any moment.
        """
        if feed_clock() >= self.day_ends:
            raise EnvelopeWithdrawn(Explanation("quota_day_ended"))
        self._note(envelope[0], JournalEntry.BEGUN)

    def outcome(self, envelope: Envelope, outcome: Outcome) -> None:
        """Note it, and keep it for the ledger."""
        delivery, code, text, _ = outcome
        seq = envelope[0]
        if delivery is _SENT and code:
            # Nearly all of them, so without the questions below.
            self._note(seq, code)
            self._add(Written(seq, _STATE_SENT, code, text, 1))
            return
        if delivery is Delivery.FAILED:
            self._note(seq, code or JournalEntry.DEFERRED)
        elif delivery is Delivery.DEFERRED:
            self._note(seq, JournalEntry.DEFERRED)
        elif self._resends and self._doubts.get(seq, self.in_flight[seq].tries) < MOST_TRIES_IN_DOUBT - 1:
            # The task wants it, whether it is the process or the connection that was lost.
            self._doubts[seq] = self._doubts.get(seq, self.in_flight[seq].tries) + 1
            # In the journal it stays begun until this is written: who settles it after a crash has to charge it, too.
            self.doubtful.add(seq)
            self._add(Written(seq, MessageState.REQUEUED, code, text, 1))
            return
        self._add(Written(seq, _STATES[delivery], code, text, self._tried(seq, outcome)))

    def _tried(self, seq: int, outcome: Outcome) -> int:
        """Whether the server was asked (or may have been)."""
        if type(outcome) is LocalRefusal:
            return 0
        if outcome.delivery is Delivery.FAILED and outcome.failure is not None and outcome.failure.no_such_address:
            self.hard_bounces.add(seq, f"{outcome.code} {outcome.text}", known=self.in_flight[seq].retried)
        return 0 if outcome.delivery is Delivery.DEFERRED and outcome.code is None else 1

    def _add(self, entry: Written) -> None:
        self.done.append(entry)
        if len(self.done) == self.batch:
            self.on_batch()

    def take_doubts(self, outcomes: list[Written]) -> int:
        """How many of these outcomes are of messages that the server may have and that are tried again."""
        if not self.doubtful:
            return 0
        found = self.doubtful.intersection(entry.seq for entry in outcomes)
        self.doubtful -= found
        return len(found)

    @property
    def idle(self) -> bool:
        """Nothing is marked without an outcome in the ledger."""
        return not self.ready and not self.in_flight

    @property
    def marked(self) -> int:
        """Messages that are marked without an outcome in the ledger."""
        return len(self.ready) + len(self.in_flight)

    def take_done(self, most: int) -> list[Written]:
        """Outcomes to be written now, in the order in which they came."""
        done = self.done
        return [done.popleft() for _ in range(min(len(done), most))]

    def landed(self, written: list[Written]) -> list[tuple[Written, Marked]]:
        """Their outcome is in the ledger: forget them. Returns those to be tried again with their messages."""
        requeued = []
        for entry in written:
            message = self.in_flight.pop(entry.seq)
            if entry.state is MessageState.REQUEUED:
                self._note(entry.seq, JournalEntry.DEFERRED)
                requeued.append((entry, message))
        return requeued

    def give_back(self, why: str) -> list[Written]:
        """Messages that were marked and never taken, once the transport has ended: safe to be tried again later."""
        given = list(self.ready)
        self.ready.clear()
        self.in_flight.update((message.seq, message) for message in given)
        return [Written(message.seq, MessageState.REQUEUED, None, why, 0) for message in given]


def _nothing() -> None:
    pass


def _nothing_of(seq: int, entry: int) -> None:
    pass


def _one_line(problem: BaseException) -> str:
    return " ".join(f"{problem}".split())[:400] or type(problem).__name__
