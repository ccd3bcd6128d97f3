"""What a server has shown of itself: how much it bears at once, and how many messages over one connection."""

from __future__ import annotations

import logging

from ses_ops.domain.delivery_failure import Reason
from ses_ops.errors import Explanation
from ses_ops.transports.port import Outcome
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.pipelining import Mode, Pipelining, bears_across

_log = logging.getLogger(__name__)

#: More messages than any connection carries.
NO_LIMIT = 1 << 62


class Habits:
    """One server's, for all connections of a transport: what one of them finds out holds for all."""

    def __init__(self, server: str, pipelining: Pipelining, messages_per_connection: int | None) -> None:
        self._server = server
        self._pipelining = pipelining
        self._limit_is_fixed = messages_per_connection is not None
        self._ended_after: set[int] = set()
        #: More than this it does not bear.
        self.most_mode = Mode.ACROSS
        #: A connection that has begun this many messages is closed.
        self.most_messages = messages_per_connection or NO_LIMIT

    def mode(self, greeting: str, capabilities: Capabilities) -> Mode:
        """The mode for a session that was opened with this greeting and this reply to EHLO."""
        if not capabilities.pipelining or self._pipelining is Pipelining.NONE:
            return Mode.NONE
        if self._pipelining is Pipelining.AUTO:
            mode = Mode.ACROSS if bears_across(greeting, capabilities) else Mode.GROUP
        else:
            mode = Mode.ACROSS if self._pipelining is Pipelining.ACROSS else Mode.GROUP
        return min(mode, self.most_mode)

    def not_borne(self, mode: Mode, reason: Explanation) -> bool:
        """It did not bear this mode: no connection writes so any more. Whether that is news."""
        lower = Mode(max(Mode.NONE, mode - 1))
        if self.most_mode <= lower:
            return False
        self.most_mode = lower
        _log.warning("%s: %s; going on with pipelining: %s", self._server, reason, lower.name.lower())
        return True

    def session_used_up(self, after: int, outcome: Outcome) -> bool:
        """A connection that had carried `after` messages was refused the next one. Whether that is a limit, and new.

        It is one if the server's words are about messages a session, or if it is not the first time at this number:
        else a trouble of a moment would make every connection a short one.
        """
        said_so = outcome.failure is not None and outcome.failure.reason is Reason.SESSION_USED_UP
        if self._limit_is_fixed or after >= self.most_messages:
            return False
        if not said_so and after not in self._ended_after:
            self._ended_after.add(after)
            return False
        self.most_messages = max(1, after)
        _log.info("%s takes %d messages a connection: %s", self._server, after, outcome.text)
        return True
