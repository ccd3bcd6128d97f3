"""The replies of one whole turn of a pipelined dialogue, recognised by their octets.

With PIPELINING a server answers the final dot of one message and MAIL, RCPT, DATA of the next at once. The last three
are the same octets for every message of a session, with most servers; so they are parsed once, and compared after that.
"""

from __future__ import annotations

import re
from typing import final

from ses_ops.transports.port import Delivery, Outcome
from ses_ops.transports.smtp_reply import printable

#: The replies to MAIL, RCPT and DATA that let the content go, a line each.
_go_on = re.compile(rb"(?:2[0-9][0-9] [^\r\n]*\r\n){2}354 [^\r\n]*\r\n").fullmatch
#: Octets of replies that are worth remembering: far more than servers say.
_MOST = 600


@final
class KnownTurn:
    """What one server's turns look like. Anything that it does not know is for the parser."""

    __slots__ = ("_first", "_outcome", "_tail")

    def __init__(self) -> None:
        #: The three replies that let the next content go; empty until they were seen.
        self._tail = b""
        #: The newest reply to a final dot, and what it says. (It has a queue id in it with many servers.)
        self._first = b""
        self._outcome = Outcome(Delivery.SENT, 250, "")

    def accepted(self, data: bytes) -> Outcome | None:
        """The outcome of the message before, if `data` says that it was accepted and that the next content may go."""
        tail = self._tail
        if not tail or not data.endswith(tail):
            return None
        first = data[: -len(tail)]
        if first != self._first:
            if not first.startswith(b"250 ") or first.find(b"\n") != len(first) - 1 or len(first) > _MOST:
                return None
            self._first, self._outcome = first, Outcome(Delivery.SENT, 250, printable(first[4:]))
        return self._outcome

    def learn(self, data: bytes) -> None:
        """Remember the end of `data`, if it is one turn in which all went well."""
        if data.count(b"\n") == 4 and len(data) <= _MOST:
            tail = data[data.index(b"\n") + 1 :]
            if _go_on(tail):
                self._tail = tail
