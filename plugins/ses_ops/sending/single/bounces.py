"""Hard bounces of single messages: addresses that do not exist by the server, to be suppressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState
from ses_ops.sending.chunk.hard_bounces import MIN_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ses_ops.sending.single.held import HeldChunk
    from ses_ops.storage.ledger.batches import Written

#: Number of answers of which one is forgotten for each new one: what a server said last week tells nothing of today.
REMEMBERED = 1_000


class BouncesOfProcess:
    """What a server knows of recipients, over all chunks of a process: whether it is believed that there is no mailbox.

    The wrong relay, or one with a broken directory, knows nobody, and an entry of the suppression list lasts for ever.
    """

    def __init__(self) -> None:
        self._accepted = self._unknown = 0.0

    def count_in(self, held: HeldChunk, outcomes: Iterable[Written]) -> None:
        """Count outcomes that are written next."""
        for entry in outcomes:
            if entry.state is MessageState.SENT:
                self._accepted += 1
            elif entry.seq in held.bounced:
                self._unknown += 1
        if (total := self._accepted + self._unknown) > REMEMBERED:
            self._accepted *= REMEMBERED / total
            self._unknown *= REMEMBERED / total

    def believed(self, held: HeldChunk, *, most_share: float) -> dict[int, str]:
        """The replies whose addresses are to be put on the list now; `most_share` of unknown ones is believed."""
        answered = self._accepted + self._unknown
        too_many = answered >= MIN_ANSWERS and self._unknown > most_share * answered
        return dict(held.bounced) if self._accepted and not too_many else {}
