"""Addresses that the server says do not exist: no mail goes there again (domain.md: a hard bounce suppresses)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState

if TYPE_CHECKING:
    from ses_ops.storage.ledger.batches import Written

#: Recipients of a chunk after whose answers it shows whether the server knows who exists. The wrong relay, or one whose
#: directory is broken, knows nobody; and an entry of the list lasts for ever.
ENOUGH = 100


class HardBounces:
    """One chunk's, from the server's answer until they are on the suppression list."""

    def __init__(self, *, wanted: bool, most_share: float) -> None:
        self._wanted = wanted
        #: A greater share of unknown recipients than this is not believed.
        self._most_share = most_share
        #: What the server said, by the message's number, of those whose outcome is not being written yet.
        self._new: dict[int, str] = {}
        #: The same of those that are not on the list yet.
        self._waiting: dict[int, str] = {}
        #: Recipients that the server did not know, and messages that it accepted, as far as the ledger has them.
        self.count = self.accepted = 0
        #: Of those whose outcome is not being written yet, those that a person asked to be tried again.
        self._known: set[int] = set()

    def __bool__(self) -> bool:
        """Whether there were any."""
        return bool(self._new or self._waiting or self.count)

    def add(self, seq: int, words: str, *, known: bool = False) -> None:
        """The server answered so; `known`: of one that it had refused before, which tells nothing of the list."""
        self._new[seq] = words
        if known:
            self._known.add(seq)

    def count_in(self, outcomes: list[Written], *, accepted_before: int) -> None:
        """These outcomes are written next, after so many messages that were accepted."""
        self.accepted = accepted_before + sum(entry.state is MessageState.SENT for entry in outcomes)
        for entry in outcomes:
            words = self._new.pop(entry.seq, None)
            if words is not None:
                self.count += entry.seq not in self._known
                if self._wanted:
                    self._waiting[entry.seq] = words

    def believed(self, *, last: bool) -> dict[int, str]:
        """Those to be put on the list now; `last`: no more answers will come.

        None while the server has accepted nothing, and none while too few recipients have been answered for to tell.
        """
        enough = last or self.count + self.accepted >= ENOUGH
        return dict(self._waiting) if self.accepted and enough and not self.too_many else {}

    @property
    def too_many(self) -> bool:
        """Whether a person must see why so many recipients do not exist."""
        answered = self.count + self.accepted
        return bool(self.accepted) and answered >= ENOUGH and self.count > self._most_share * answered

    def landed(self, written: dict[int, str]) -> None:
        """These are on the list."""
        for seq in written:
            self._waiting.pop(seq, None)
