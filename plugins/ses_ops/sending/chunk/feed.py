"""The feed of a transport: marked messages of the ledger in, outcomes out."""

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
    from ses_ops.sending.chunk.made_messages import Made

_STATES = {
    Delivery.SENT: MessageState.SENT,
    Delivery.FAILED: MessageState.FAILED,
    Delivery.DEFERRED: MessageState.REQUEUED,
    Delivery.UNKNOWN: MessageState.UNKNOWN,
}
# Members of enums are plain constants here, because Python looks a member up by a call.
_SENT, _STATE_SENT = Delivery.SENT, MessageState.SENT


#: Number of attempts that lost their connection after the final dot, after which a message stays in doubt whatever its
#: task says: to a server that accepts each message and never answers it would be resent for ever.
MOST_TRIES_IN_DOUBT = 3
#: Seconds of the clock of `MessageFeed.day_ends`. Unlike Python's own monotonic clock it runs while the machine is
#: suspended, and it is never set. (It is a `partial` and not a function because it is read twice a message.)
feed_clock = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
#: Number of messages in a row that cannot be made, after which the template is at fault and not the recipients' values.
MOST_UNMADE = 50


class MessageFeed:
    """The transport's feed. Messages are rendered when a connection has room for them."""

    def __init__(self, make: Callable[[Marked], Made], journal: Journal | None, *, resends: bool = False) -> None:
        self.ready: deque[Marked] = deque()
        self.done: deque[Written] = deque()
        #: Taken from `ready`, without an outcome in the ledger yet.
        self.in_flight: dict[int, Marked] = {}
        #: Called when so many outcomes are there as to be worth a commit.
        self.on_batch: Callable[[], None] = _nothing
        self.batch = 0
        self.hard_bounces = HardBounces(wanted=True, most_share=1.0)
        self.has_journal = journal is not None
        #: The moment of `feed_clock` from which on no message begins, because the quota day that pays for it is over.
        self.day_ends = 0.0
        #: Numbers of the messages in `done` that are retried although the server may have them.
        self.doubtful: set[int] = set()
        #: What the task does with messages in doubt.
        self._resends = resends
        #: Number of attempts of each message that lost its connection after the final dot.
        self._doubts: dict[int, int] = {}
        self._make = self._made = make
        #: Number of messages in a row that could not be made.
        self._unmade = 0
        self._note = journal.write if journal else _nothing_of

    def next_envelope(self) -> Envelope | None:
        """The next marked message, rendered. A message that cannot be made of its values has failed.

        Raises MailCannotBeMade after MOST_UNMADE of these in a row, and any other error of rendering, which is a bug.
        """
        if feed_clock() >= self.day_ends:
            return None
        while self.ready:
            message = self.ready.popleft()
            self.in_flight[message.seq] = message
            try:
                sender, content = self._make(message)
            except (TemplateError, InvalidInput) as problem:
                self._add(Written(message.seq, MessageState.FAILED, None, f"not sent: {_one_line(problem)}", 0))
                if not message.retried:
                    self._could_not_make(problem)
                continue
            except BaseException:
                self.ready.appendleft(self.in_flight.pop(message.seq))
                raise
            # No line of a rendered message begins with a dot.
            return Envelope(message.seq, sender, message.address, content, True, message.retried)
        return None

    def _could_not_make(self, problem: Exception) -> None:
        self._unmade += 1
        # From now on a message that can be made has to be noticed, because it ends the row.
        self._make = self._made_again
        if self._unmade >= MOST_UNMADE:
            raise MailCannotBeMade("mail_cannot_be_made", count=self._unmade, problem=problem)

    def _made_again(self, message: Marked) -> Made:
        made = self._made(message)
        self._unmade, self._make = 0, self._made
        return made

    def content_begins(self, envelope: Envelope) -> None:
        """Note that the message is in doubt after a crash, unless its outcome is noted too. Raises EnvelopeWithdrawn.

        The envelope may have been taken long ago: this process can be stopped, and its machine suspended, at any time.
        """
        if feed_clock() >= self.day_ends:
            raise EnvelopeWithdrawn(Explanation("quota_day_ended"))
        self._note(envelope[0], JournalEntry.BEGUN)

    def outcome(self, envelope: Envelope, outcome: Outcome) -> None:
        """Note an outcome in the journal, and keep it for the ledger."""
        delivery, code, text, _ = outcome
        seq = envelope[0]
        if delivery is _SENT and code:
            # The case of nearly all messages, so without the tests below.
            self._note(seq, code)
            self._add(Written(seq, _STATE_SENT, code, text, 1))
            return
        if delivery is Delivery.FAILED:
            self._note(seq, code or JournalEntry.DEFERRED)
        elif delivery is Delivery.DEFERRED:
            self._note(seq, JournalEntry.DEFERRED)
        elif self._resends and self._doubts.get(seq, self.in_flight[seq].tries) < MOST_TRIES_IN_DOUBT - 1:
            # The task says `resend`, which holds for a lost connection as for a dead process.
            self._doubts[seq] = self._doubts.get(seq, self.in_flight[seq].tries) + 1
            # The journal's entry stays BEGUN until this outcome is written: after a crash it has to be charged, too.
            self.doubtful.add(seq)
            self._add(Written(seq, MessageState.REQUEUED, code, text, 1))
            return
        self._add(Written(seq, _STATES[delivery], code, text, self._tried(seq, outcome)))

    def _tried(self, seq: int, outcome: Outcome) -> int:
        """1 when the server was asked, or may have been, else 0."""
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
        """Number of these outcomes that are retries of messages which the server may have."""
        if not self.doubtful:
            return 0
        found = self.doubtful.intersection(entry.seq for entry in outcomes)
        self.doubtful -= found
        return len(found)

    @property
    def idle(self) -> bool:
        """Whether no message is marked without an outcome in the ledger."""
        return not self.ready and not self.in_flight

    @property
    def marked(self) -> int:
        """Number of messages that are marked without an outcome in the ledger."""
        return len(self.ready) + len(self.in_flight)

    def take_done(self, most: int) -> list[Written]:
        """At most `most` outcomes to be written now, in the order in which they came."""
        done = self.done
        return [done.popleft() for _ in range(min(len(done), most))]

    def confirm(self, written: list[Written]) -> list[tuple[Written, Marked]]:
        """Drop the messages whose outcomes are in the ledger now; returns the requeued ones with their messages."""
        requeued = []
        for entry in written:
            message = self.in_flight.pop(entry.seq)
            if entry.state is MessageState.REQUEUED:
                self._note(entry.seq, JournalEntry.DEFERRED)
                requeued.append((entry, message))
        return requeued

    def give_back(self, why: str) -> list[Written]:
        """Requeue the messages that were marked and never taken, when the transport has ended: a retry is safe."""
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
