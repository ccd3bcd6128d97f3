"""The replies of one turn of a pipelined dialogue, recognised by their octets.

With PIPELINING a server answers MAIL, RCPT, DATA at once, and in Mode.ACROSS together with the final dot of the message
before. With most servers these three replies have the same octets for every message of a session, so they are parsed
once and only compared after that.
"""

from __future__ import annotations

import re
from typing import final

from ses_ops.transports.port import Delivery, Outcome
from ses_ops.transports.smtp.replies import printable

#: The replies to MAIL, RCPT and DATA that accept the content, a line each.
_go_on = re.compile(rb"(?:2[0-9][0-9] [^\r\n]*\r\n){2}354 [^\r\n]*\r\n").fullmatch
#: Octets of the longest replies that are remembered: far more than servers send.
_MAX_OCTETS = 600


@final
class KnownReplies:
    """The replies that one server gives while all goes well. Any other reply is left to the parser."""

    __slots__ = ("_first", "_outcome", "_tail")

    def __init__(self) -> None:
        #: The three replies that accept the next content; empty until they were seen.
        self._tail = b""
        #: The newest reply to a final dot, and its outcome. (With many servers the reply has a queue id.)
        self._first = b""
        self._outcome = Outcome(Delivery.SENT, 250, "")

    def accepted(self, data: bytes) -> Outcome | None:
        """The outcome of the message before, if `data` accepts that message and the content of the next; else None."""
        tail = self._tail
        if not tail or len(data) <= len(tail) or not data.endswith(tail):
            return None
        return self.taken(data[: -len(tail)])

    def taken(self, data: bytes) -> Outcome | None:
        """The outcome of a message, if `data` is one line of 250, which accepts the message; else None."""
        if data != self._first:
            if not data.startswith(b"250 ") or data.find(b"\n") != len(data) - 1 or len(data) > _MAX_OCTETS:
                return None
            self._first, self._outcome = data, Outcome(Delivery.SENT, 250, printable(data[4:]))
        return self._outcome

    def goes_on(self, data: bytes) -> bool:
        """Whether `data` is exactly the three replies that accept the content."""
        return bool(data) and data == self._tail

    def learn(self, data: bytes) -> None:
        """Remember the last three replies of `data`, if `data` is one turn in which all went well."""
        if len(data) > _MAX_OCTETS:
            return
        lines = data.count(b"\n")
        tail = data if lines == 3 else data[data.index(b"\n") + 1 :] if lines == 4 else b""
        if _go_on(tail):
            self._tail = tail
