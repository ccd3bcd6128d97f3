"""The mail server as the sender of single messages sees it, over all transports that it had for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.timers import AwakeClock

if TYPE_CHECKING:
    from ses_ops.errors import SesError

#: Seconds of the first and of the longest pause after a transport ended in trouble; each is twice the one before.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
#: Largest number of messages that are marked while it is not known whether the server is back.
MARKED_ON_TRIAL = 4
#: Seconds without an answer, while messages wait for one, after which the server counts as silent.
SILENT_FOR = 10.0
#: Largest number of seconds between two looks that count: in a longer time this process stood still, and read nothing.
_LOOKED_WITHIN = 2.0


@dataclass(slots=True)
class Relay:
    """Whether the mail server is there."""

    #: Whether a transport runs.
    running: bool = False
    #: Why the last transport ended; None since a server has answered after that.
    problem: SesError | None = None
    #: The moment of `time.monotonic` of the first trouble.
    since: float = field(default=0.0)
    _pause: float = 0.0
    _clock: AwakeClock = field(default_factory=AwakeClock)
    #: The moment of `_clock` of the newest answer, or of the last time that there was nothing to answer.
    _answered_at: float = 0.0

    @property
    def there(self) -> bool:
        """Whether mail may be given to it: a transport runs, and there is no trouble."""
        return self.running and self.problem is None

    def answered(self) -> None:
        """The server has answered a message."""
        self._answered_at = self._clock.seconds
        self.connected()

    def connected(self) -> None:
        """The server has let a connection in, and was not in trouble for refusing mail."""
        if self.problem is not None:
            self.problem, self._pause = None, 0.0

    def failed(self, problem: SesError) -> float:
        """A transport has ended in trouble; returns the seconds of the pause until the next."""
        if self.problem is None:
            self.since = time.monotonic()
        self.problem = problem
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
        return self._pause

    def look(self, *, waited_for: bool) -> None:
        """Note whether any message waits for an answer; called every second or so."""
        self._clock.tick(time.monotonic(), at_most=_LOOKED_WITHIN)
        if not waited_for:
            self._answered_at = self._clock.seconds

    @property
    def why_not(self) -> SesError | None:
        """Why mail does not leave: as `problem`, or an error once the server is silent for SILENT_FOR seconds."""
        silence = self._clock.seconds - self._answered_at
        if self.problem is None and silence >= SILENT_FOR:
            return TransportUnavailable("mail_server_silent", seconds=silence)
        return self.problem

    def room(self, most: int) -> int:
        """Largest number of messages that may be marked."""
        if not self.running:
            return 0
        return most if self.problem is None else MARKED_ON_TRIAL
