"""Hard bounces of a chunk: addresses that do not exist by the server, to be suppressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState

if TYPE_CHECKING:
    from ses_ops.storage.ledger.batches import Written

#: Number of answered recipients of a chunk from which on the share of unknown ones is judged. The wrong relay, or one
#: with a broken directory, knows nobody, and an entry of the suppression list lasts for ever.
MIN_ANSWERS = 100


class HardBounces:
    """The hard bounces of one chunk, from the server's reply until they are on the suppression list."""

    def __init__(self, *, wanted: bool, most_share: float) -> None:
        self._wanted = wanted
        #: Share of unknown recipients above which the server is not believed.
        self._most_share = most_share
        #: The server's replies, by the message's number, whose outcome is not being written yet.
        self._new: dict[int, str] = {}
        #: The replies whose outcome is written, and whose address is not on the list yet.
        self._waiting: dict[int, str] = {}
        #: Number of recipients that the server did not know, and of messages that it accepted, as the ledger has them.
        self.count = self.accepted = 0
        #: Numbers of the messages in `_new` whose retry a person asked for.
        self._known: set[int] = set()

    def __bool__(self) -> bool:
        """Whether there were any hard bounces."""
        return bool(self._new or self._waiting or self.count)

    def add(self, seq: int, words: str, *, known: bool = False) -> None:
        """Note a reply; `known`: the server had refused the message before, which tells nothing about the list."""
        self._new[seq] = words
        if known:
            self._known.add(seq)

    def count_in(self, outcomes: list[Written], *, accepted_before: int) -> None:
        """Count outcomes that are written next; `accepted_before` messages were accepted before them."""
        self.accepted = accepted_before + sum(entry.state is MessageState.SENT for entry in outcomes)
        for entry in outcomes:
            words = self._new.pop(entry.seq, None)
            if words is not None:
                self.count += entry.seq not in self._known
                if self._wanted:
                    self._waiting[entry.seq] = words

    def believed(self, *, last: bool) -> dict[int, str]:
        """The replies whose addresses are to be put on the list now; `last`: no more replies will come.

        Empty while the server has accepted no message, and while fewer than MIN_ANSWERS recipients were answered.
        """
        enough = last or self.count + self.accepted >= MIN_ANSWERS
        return dict(self._waiting) if self.accepted and enough and not self.too_many else {}

    @property
    def too_many(self) -> bool:
        """Whether the share of unknown recipients is so large that a person must look into it."""
        answered = self.count + self.accepted
        return bool(self.accepted) and answered >= MIN_ANSWERS and self.count > self._most_share * answered

    def confirm(self, written: dict[int, str]) -> None:
        """Drop replies whose addresses are on the list now."""
        for seq in written:
            self._waiting.pop(seq, None)
