"""The steps of a mail dialogue: which reply comes next (RFC 5321 4.1.1)."""

from __future__ import annotations

from enum import IntEnum


class Step(IntEnum):
    """The command that the next reply answers, or the state of a connection that awaits no reply."""

    OPENING = 0
    IDLE = 1
    #: RSET ends the transaction of a message that was refused half way.
    RSET = 2
    MAIL = 3
    RCPT = 4
    DATA = 5
    #: The final dot of a message.
    FINAL = 6
    #: The dot that ends a DATA which the server accepted although it had refused the recipient.
    LONE_DOT = 7
    QUIT = 8
    CLOSED = 9
