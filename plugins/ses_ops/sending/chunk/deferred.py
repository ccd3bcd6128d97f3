"""Deferred messages (4xx, RFC 5321 4.2.1): retries in this run, and expiry.

Later runs retry the other messages. A message expires at a 4xx that comes more than `give_up_after` seconds after its
first (RFC 5321 4.5.4.1: 4 to 5 days). So a message expires only at a reply to that message: pending mail without a
server, without quota or without a connection never expires, however long that lasts.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState

if TYPE_CHECKING:
    from ses_ops.storage.ledger.batches import Marked, Written

#: Seconds after which a deferred message is retried in the same run, attempt by attempt; then the next run retries it.
RETRY_DELAYS = (2.0, 8.0)
#: Seconds by which the delay grows at each retry of a message that lost its connection before the server judged it.
LOST_CONNECTION_DELAY = 0.2
#: Characters of the longest text in the ledger.
_MAX_TEXT = 500


class Deferrals:
    """The deferred messages of one chunk, while it is sent."""

    def __init__(self, give_up_after: float) -> None:
        self._give_up_after = give_up_after
        #: Code and text of the newest deferral.
        self.last_words: str | None = None
        #: A heap of (moment of the retry, seq, message).
        self._waiting: list[tuple[float, int, Marked]] = []
        self._tried_again: dict[int, int] = {}
        #: Numbers of the messages that expire at their next 4xx.
        self.overdue: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        """Whether any message is to be retried in this run."""
        return bool(self._waiting)

    def defer(self, entry: Written, message: Marked, *, now: float) -> None:
        """Note a deferral, and schedule a retry if RETRY_DELAYS has one left; `now` is in seconds."""
        self.last_words = f"{entry.code or ''} {entry.text}".strip()
        count = self._tried_again.get(entry.seq, 0)
        if count < len(RETRY_DELAYS):
            self._tried_again[entry.seq] = count + 1
            delay = RETRY_DELAYS[count] if entry.code else LOST_CONNECTION_DELAY * (count + 1)
            heapq.heappush(self._waiting, (now + delay, entry.seq, message))

    def due(self, now: float) -> list[Marked]:
        """The messages whose retry is due."""
        due = []
        while self._waiting and self._waiting[0][0] <= now:
            due.append(heapq.heappop(self._waiting)[2])
        return due

    def judge(self, outcomes: list[Written]) -> list[Written]:
        """The same outcomes, in which an overdue message that was deferred again has failed."""
        if not self.overdue:
            return outcomes
        return [self._expired(entry) if self._is_over(entry) else entry for entry in outcomes]

    def _is_over(self, entry: Written) -> bool:
        return entry.state is MessageState.REQUEUED and entry.code is not None and entry.seq in self.overdue

    def _expired(self, entry: Written) -> Written:
        why = f" (given up: first put off more than {_span(self._give_up_after)} ago)"
        return entry._replace(state=MessageState.FAILED, text=entry.text[: _MAX_TEXT - len(why)] + why)


def _span(seconds: float) -> str:
    days = seconds / 86_400
    return f"{days:g} days" if days >= 1 else f"{seconds:g} s"
