"""The limits of a server: the mode of pipelining that it bears, and messages a connection."""

from __future__ import annotations

import logging

from ses_ops.domain.delivery_failure import Reason
from ses_ops.errors import Explanation
from ses_ops.transports.port import Outcome
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.pipelining import Mode, Pipelining, bears_across

_log = logging.getLogger(__name__)

#: Number of messages that no connection ever reaches.
NO_LIMIT = 1 << 62


class ServerLimits:
    """The limits of one server, shared by all connections of a transport: each connection's finding holds for all."""

    def __init__(self, server: str, pipelining: Pipelining, messages_per_connection: int | None) -> None:
        self._server = server
        self._pipelining = pipelining
        self._limit_is_fixed = messages_per_connection is not None
        self._ended_after: set[int] = set()
        #: The highest mode that the server is taken to bear.
        self.highest_mode = Mode.ACROSS
        #: Number of messages after which a connection is closed.
        self.max_messages = messages_per_connection or NO_LIMIT

    def mode(self, greeting: str, capabilities: Capabilities) -> Mode:
        """The mode for a session that was opened with this greeting and this reply to EHLO."""
        if not capabilities.pipelining or self._pipelining is Pipelining.NONE:
            return Mode.NONE
        if self._pipelining is Pipelining.AUTO:
            mode = Mode.ACROSS if bears_across(greeting, capabilities) else Mode.GROUP
        else:
            mode = Mode.ACROSS if self._pipelining is Pipelining.ACROSS else Mode.GROUP
        return min(mode, self.highest_mode)

    def lower_mode(self, mode: Mode, reason: Explanation) -> bool:
        """Stop using a mode that the server did not bear, on every connection. Returns whether it was in use."""
        lower = Mode(max(Mode.NONE, mode - 1))
        if self.highest_mode <= lower:
            return False
        self.highest_mode = lower
        _log.warning("%s: %s; going on with pipelining: %s", self._server, reason, lower.name.lower())
        return True

    def session_used_up(self, after: int, outcome: Outcome) -> bool:
        """Note that a connection which had carried `after` messages was refused the next one.

        Returns whether that sets a lower limit of messages a connection: when the reply is about messages a session, or
        when another connection was refused at the same number. One refusal alone may be a short trouble, which must not
        make every connection a short one.
        """
        said_so = outcome.failure is not None and outcome.failure.reason is Reason.SESSION_USED_UP
        if self._limit_is_fixed or after >= self.max_messages:
            return False
        if not said_so and after not in self._ended_after:
            self._ended_after.add(after)
            return False
        self.max_messages = max(1, after)
        _log.info("%s takes %d messages a connection: %s", self._server, after, outcome.text)
        return True
