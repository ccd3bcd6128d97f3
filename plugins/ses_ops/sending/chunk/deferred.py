"""Messages that the server put off (4xx, RFC 5321 4.2.1): tried again in this run, then by the next ones, not for ever.

A message is given up at a 4xx that comes later than `give_up_after` from its first (RFC 5321 4.5.4.1: 4 to 5 days). So
it takes a server that says no to this message then, too: what waits because there is no server, no quota or no
connection to it is never given up, however long that lasts.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState

if TYPE_CHECKING:
    from ses_ops.storage.ledger.batches import Marked, Written

#: Seconds after which a temporarily refused message is tried again in the same run; then the next run has it.
RETRY_DELAYS = (2.0, 8.0)
#: The same for one that lost its connection before the server judged it: so many seconds more at each try.
LOST_CONNECTION_DELAY = 0.2
#: Characters of the ledger's text.
_MAX_TEXT = 500


class Deferrals:
    """One chunk's, while it is sent."""

    def __init__(self, give_up_after: float) -> None:
        self._give_up_after = give_up_after
        #: The newest temporary refusal.
        self.last_words: str | None = None
        #: (when, seq, message), a heap.
        self._waiting: list[tuple[float, int, Marked]] = []
        self._tried_again: dict[int, int] = {}
        #: Messages whose days are over: their next 4xx is the last.
        self.overdue: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        """Whether any message waits to be tried again in this run."""
        return bool(self._waiting)

    def put_off(self, entry: Written, message: Marked, *, now: float) -> None:
        """Remember the server's words, and to try again later if this run may."""
        self.last_words = f"{entry.code or ''} {entry.text}".strip()
        count = self._tried_again.get(entry.seq, 0)
        if count < len(RETRY_DELAYS):
            self._tried_again[entry.seq] = count + 1
            delay = RETRY_DELAYS[count] if entry.code else LOST_CONNECTION_DELAY * (count + 1)
            heapq.heappush(self._waiting, (now + delay, entry.seq, message))

    def due(self, now: float) -> list[Marked]:
        """The messages whose time has come."""
        due = []
        while self._waiting and self._waiting[0][0] <= now:
            due.append(heapq.heappop(self._waiting)[2])
        return due

    def judge(self, outcomes: list[Written]) -> list[Written]:
        """The same outcomes, in which a message whose days are over has failed where the server put it off again."""
        if not self.overdue:
            return outcomes
        return [self._given_up(entry) if self._is_over(entry) else entry for entry in outcomes]

    def _is_over(self, entry: Written) -> bool:
        return entry.state is MessageState.REQUEUED and entry.code is not None and entry.seq in self.overdue

    def _given_up(self, entry: Written) -> Written:
        why = f" (given up: first put off more than {_span(self._give_up_after)} ago)"
        return entry._replace(state=MessageState.FAILED, text=entry.text[: _MAX_TEXT - len(why)] + why)


def _span(seconds: float) -> str:
    days = seconds / 86_400
    return f"{days:g} days" if days >= 1 else f"{seconds:g} s"
