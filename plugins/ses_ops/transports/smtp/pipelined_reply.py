"""The replies of one whole turn of a pipelined dialogue, recognised by their octets.

With PIPELINING a server answers MAIL, RCPT, DATA at once, and in Mode.ACROSS the final dot of the message before with
them. These three are the same octets for every message of a session, with most servers; so they are parsed once, and
compared after that.
"""

from __future__ import annotations

import re
from typing import final

from ses_ops.transports.port import Delivery, Outcome
from ses_ops.transports.smtp.replies import printable

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
        if not tail or len(data) <= len(tail) or not data.endswith(tail):
            return None
        return self.taken(data[: -len(tail)])

    def taken(self, data: bytes) -> Outcome | None:
        """The outcome of a message, if `data` is one line that says that it was accepted."""
        if data != self._first:
            if not data.startswith(b"250 ") or data.find(b"\n") != len(data) - 1 or len(data) > _MOST:
                return None
            self._first, self._outcome = data, Outcome(Delivery.SENT, 250, printable(data[4:]))
        return self._outcome

    def goes_on(self, data: bytes) -> bool:
        """Whether `data` says no more and no less than that the content may go."""
        return bool(data) and data == self._tail

    def learn(self, data: bytes) -> None:
        """Remember the end of `data`, if it is one turn in which all went well."""
        if len(data) > _MOST:
            return
        lines = data.count(b"\n")
        tail = data if lines == 3 else data[data.index(b"\n") + 1 :] if lines == 4 else b""
        if _go_on(tail):
            self._tail = tail
