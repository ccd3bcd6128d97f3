"""The pace of messages: one for all connections of a transport."""

from __future__ import annotations

#: Seconds lost to late timers that may be made up for: the bound by which one second can exceed the rate.
_CATCH_UP = 0.02


class Pace:
    """Spaces messages evenly (the generic cell rate algorithm): no burst at the beginning, none after a break."""

    __slots__ = ("_interval", "_next")

    def __init__(self, messages_per_second: float | None) -> None:
        self._next = 0.0
        self._interval = 0.0
        self.set_rate(messages_per_second)

    @property
    def unlimited(self) -> bool:
        """Whether no rate is set."""
        return self._interval == 0.0

    def set_rate(self, messages_per_second: float | None) -> None:
        """Change the pace from now on; a message due under the old pace may begin at its old time or sooner."""
        if messages_per_second is not None and not messages_per_second > 0:
            raise ValueError("a rate is a positive number of messages a second, or None")
        interval = 0.0 if messages_per_second is None else 1.0 / messages_per_second
        # A change from one message an hour to a thousand a second must not wait for the end of the hour.
        self._next += min(0.0, interval - self._interval)
        self._interval = interval

    def delay(self, now: float) -> float:
        """Seconds until the next message may begin; 0 or less: now."""
        return self._next - now if self._interval else 0.0

    def take(self, now: float) -> None:
        """Count a message that begins now."""
        if self._interval:
            self._next = max(self._next, now - _CATCH_UP) + self._interval
