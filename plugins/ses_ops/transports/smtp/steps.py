"""The steps of a mail dialogue: which reply comes next (RFC 5321 4.1.1)."""

from __future__ import annotations

from enum import IntEnum


class Step(IntEnum):
    """Which reply comes next."""

    OPENING = 0
    IDLE = 1
    #: To RSET, which ends the transaction of a message that was refused half way.
    RSET = 2
    MAIL = 3
    RCPT = 4
    DATA = 5
    #: To the final dot.
    FINAL = 6
    #: To the dot that ends a DATA which the server let begin although it had refused the recipient.
    LONE_DOT = 7
    QUIT = 8
    CLOSED = 9
