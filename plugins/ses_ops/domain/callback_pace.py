"""How fast an endpoint is posted to: slowly at first and after an outage, one post at a time while it fails."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Failures in a row after which an endpoint is failing.
FAILING_AFTER = 5
#: Posts a second with which an endpoint begins, also after an outage; twice as many a second later, and so on.
FIRST_RATE = 20.0
#: Seconds from one post to the next while the endpoint is failing: the first pause, doubled each time up to the last.
FIRST_PAUSE, LAST_PAUSE = 5.0, 300.0


@dataclass(slots=True)
class EndpointPace:
    """The pace of one endpoint. `now` is any clock in seconds that never goes back."""

    concurrency: int
    per_second: float
    #: Whether the endpoint has failed so often in a row that it is only tried now and then.
    failing: bool = False
    busy: int = 0
    in_a_row: int = 0
    _rate: float = FIRST_RATE
    _raised_at: float = 0.0
    _room: float = 1.0
    _filled_at: float = 0.0
    _pause: float = FIRST_PAUSE
    _not_before: float = field(default=0.0)

    def free(self, now: float) -> int:
        """Number of posts that may begin now."""
        if now < self._not_before:
            return 0
        if self.failing:
            return 1 if self.busy == 0 else 0
        rate = min(self._rate, self.per_second)
        self._room = min(self._room + (now - self._filled_at) * rate, max(1.0, rate / 4))
        self._filled_at = now
        return max(0, min(self.concurrency - self.busy, int(self._room)))

    def wait(self, now: float) -> float:
        """Seconds after which it is worth asking again, if nothing ends before."""
        if now < self._not_before:
            return self._not_before - now
        return max(0.005, 1.0 / min(self._rate, self.per_second))

    def begin(self) -> None:
        """A post begins."""
        self.busy += 1
        self._room -= 1

    def succeeded(self, now: float) -> bool:
        """A post was taken; True when the endpoint is well again, after it was failing."""
        self.busy -= 1
        well_again = self.failing
        self.in_a_row = 0
        self._pause = FIRST_PAUSE
        if well_again:
            self.failing = False
            self._slow(now)
        elif now - self._raised_at >= 1.0:
            self._rate = min(self._rate * 2, max(self.per_second, FIRST_RATE))
            self._raised_at = now
        return well_again

    def failed(self, now: float, *, asked_for: float | None, chance: float) -> bool:
        """A post failed; True when the endpoint has begun to fail by that. `chance` is in [0, 1).

        `asked_for`: seconds for which the endpoint wants to be left alone.
        """
        self.busy -= 1
        self.in_a_row += 1
        begins = not self.failing and self.in_a_row >= FAILING_AFTER
        if begins:
            self.failing = True
            self._slow(now)
        else:
            self._rate = max(FIRST_RATE, self._rate / 2)
        if self.failing and now >= self._not_before:  # what was on its way when it began says nothing new
            self._not_before = now + self._pause * (1 + 0.2 * chance)
            self._pause = min(self._pause * 2, LAST_PAUSE)
        if asked_for:
            self._not_before = max(self._not_before, now + asked_for)
        return begins

    def _slow(self, now: float) -> None:
        self._rate, self._raised_at, self._room, self._filled_at = FIRST_RATE, now, 1.0, now
