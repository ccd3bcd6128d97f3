"""What the parts of the sender of single messages share: chunks, feed, mail server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_ops.errors import Explanation, LedgerBehind, SesError
from ses_ops.sending.chunk.deferred import Deferrals
from ses_ops.sending.chunk.feed import feed_clock
from ses_ops.sending.chunk.journal import open_journal
from ses_ops.sending.single.feed import SingleFeed
from ses_ops.sending.single.held import HeldChunk, Waiting
from ses_ops.sending.single.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ses_ops.sending.chunk.claim import Attempt
    from ses_ops.sending.single.bounces import BouncesOfProcess
    from ses_ops.sending.single.open_chunk import Admitted, OpenChunk
    from ses_ops.transports.smtp.kept_transport import KeptTransport
    from ses_ops.transports.smtp.settings import SmtpSettings

_log = logging.getLogger(__name__)

#: Seconds of `SmtpSettings.give_up_after` until the settings were read.
_GIVE_UP_AFTER = 4 * 86_400.0


class Work:
    """The state of one sender. It belongs to the event loop."""

    def __init__(self) -> None:
        self.relay = Relay()
        self.feed = SingleFeed(self.relay.answered)
        #: The chunks of this process, by number.
        self.held: dict[int, HeldChunk] = {}
        self.transport: KeptTransport | None = None
        #: Those of the newest transport.
        self.settings: SmtpSettings | None = None
        #: Whether nothing new is begun.
        self.stopping = False

    @property
    def give_up_after(self) -> float:
        """Seconds from its first deferral after which a message expires."""
        return self.settings.give_up_after if self.settings else _GIVE_UP_AFTER

    def hold_open(self, chunk: OpenChunk) -> HeldChunk:
        """Hold a chunk that acceptance has opened."""
        held = self.held[chunk.attempt.chunk_id] = HeldChunk(
            attempt=chunk.attempt,
            journal=chunk.journal,
            day_ends=chunk.day_ends,
            deferrals=Deferrals(self.give_up_after),
            open=chunk,
        )
        return held

    def hold_claimed(self, attempt: Attempt, seconds_left: float) -> HeldChunk:
        """Hold a chunk that was claimed for another try, whose messages are in hand: they are yet to be read."""
        journal = open_journal(attempt.journal_id, first_seq=attempt.first_seq, last_seq=attempt.last_seq)
        held = self.held[attempt.chunk_id] = HeldChunk(
            attempt=attempt,
            journal=journal,
            day_ends=feed_clock() + seconds_left,
            deferrals=Deferrals(self.give_up_after),
            locked=True,
            in_hand=1,
        )
        return held

    def add(self, admitted: Sequence[Admitted]) -> None:
        """Send recipients of accepted messages."""
        for chunk, seq, address, place, mail in admitted:
            held = self.held.get(chunk.attempt.chunk_id) or self.hold_open(chunk)
            held.added += 1
            if not held.over:
                message = held.marked[seq] = Waiting(held, seq, address, place, mail)
                self.feed.ready.append(message)
        self.wake_transport()

    def wake_transport(self) -> None:
        """There may be something to send."""
        if self.transport is not None:
            self.transport.wake()

    def lose(self, held: HeldChunk, problem: SesError) -> None:
        """Another attempt has a chunk, or the database has lost commits of it: nothing more of it is begun."""
        _log.warning("chunk %s of single messages: %s", held.attempt.chunk_id, problem)
        held.lost = held.over = True
        held.behind = isinstance(problem, LedgerBehind)
        held.waiting.clear()
        held.done.clear()
        held.kept = 0

    def bounces_to_suppress(self, held: HeldChunk, bounces: BouncesOfProcess) -> dict[int, str]:
        """The hard bounces of a chunk whose addresses are put on the suppression list now."""
        if not held.bounced or self.settings is None or not self.settings.suppress_hard_bounces:
            return {}
        return bounces.believed(held, most_share=self.settings.most_unknown_users)

    def why_it_waits(self) -> str:
        """Why messages lose their mark without being begun."""
        problem = self.relay.problem
        return problem.sentence if problem is not None else Explanation("waits_for_its_turn").sentence

    def marked(self) -> int:
        """Number of messages that are marked without an outcome in the ledger."""
        return sum(len(held.marked) for held in self.held.values())

    def undone(self) -> int:
        """Number of outcomes that are not in the ledger."""
        return sum(len(held.done) for held in self.held.values())

    def waiting(self) -> int:
        """Number of messages that wait for another try in this process."""
        return sum(len(held.waiting) for held in self.held.values())
