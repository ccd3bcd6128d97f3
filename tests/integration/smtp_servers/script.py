"""What a scripted server offers, and how it misbehaves: the values that a test is written in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Literal, NamedTuple

Step = Literal[
    "banner",
    "ehlo",
    "helo",
    "starttls",
    #: In place of the TLS handshake: after the reply to STARTTLS, or where TLS is from the first byte.
    "tls",
    #: EHLO once more, encrypted.
    "ehlo again",
    #: The reply that asks for the first and for the second answer of AUTH LOGIN.
    "login",
    "password",
    "auth",
    "mail",
    "rcpt",
    "data",
    #: In the content: after its first line.
    "content",
    "final",
    #: Unasked, in one segment with the good reply to the final dot.
    "between",
    "rset",
    "quit",
]


#: What becomes of commands that stand behind the final dot in the same segment: each is answered with 503; thrown away;
#: half of them thrown away; or the server dies, with the message stored and no reply.
Behind = Literal["borne", "refused", "discarded", "halved", "crash"]
#: What becomes of commands that stand behind a MAIL in the same segment; "mail refused": with them MAIL itself, by
#: Script.out_of_step; "thrown away": only behind a refused RCPT, or behind an RSET.
Group = Literal["borne", "refused", "discarded", "crash", "mail refused", "thrown away"]


class Act(NamedTuple):
    """What is done in place of the right reply."""

    name: str
    #: Bytes to write first, if any.
    say: bytes = b""
    #: What follows: go on as if nothing was; close (FIN, under TLS its end first); drop (RST); truncate (FIN in the
    #: middle of TLS); garble (write something that is not TLS); hang (be silent till the client goes); drip (go on with
    #: one byte every Script.drip seconds, which never become a reply); freeze (read nothing any more either).
    then: Literal["go on", "close", "drop", "truncate", "garble", "hang", "drip", "freeze"] = "go on"
    #: At the final dot: take the message all the same, before misbehaving.
    accept: bool = False


DROP = Act("drop", then="drop")
CLOSE = Act("close", then="close")
HANG = Act("hang", then="hang")
DRIP = Act("a byte now and then", b"2", "drip")
TRUNCATE = Act("TLS cut off", then="truncate")
GARBLE = Act("TLS garbled", then="garble")
FREEZE = Act("reads no more", then="freeze")
GARBAGE = Act("garbage", b"\x00\xff\xfe what?\r\n")
HALF_LINE = Act("half line, then hang", b"25", "hang")
HALF_LINE_CLOSE = Act("half line, then close", b"250 2.0", "close")
HALF_REPLY = Act("half of a multi-line reply", b"250-2.0.0 first\r\n", "hang")
OVERLONG = Act("overlong line", b"250 " + b"x" * 20_000 + b"\r\n")
ENDLESS = Act("endless line", b"250 " + b"x" * 200_000, "hang")
CLOSING = Act("421", b"421 4.3.2 shutting down\r\n", "close")
TEMPORARY = Act("451", b"451 4.3.0 try later\r\n")
PERMANENT = Act("550", b"550 5.1.1 no\r\n")
WRONG_CODE = Act("354 in the wrong place", b"354 go ahead?\r\n")
TAKEN_THEN_DROP = Act("accept, then drop", then="drop", accept=True)
TAKEN_THEN_HANG = Act("accept, then hang", then="hang", accept=True)
TAKEN_THEN_GARBAGE = Act("accept, then garbage", b"ok ok\r\n", accept=True)


@dataclass(frozen=True)
class Fault:
    """At the `at`-th time (1 is the first) that the server reaches `step`, and `times` times in all, do `act`."""

    step: Step
    act: Act
    at: int = 1
    #: None: for ever.
    times: int | None = 1
    #: Only for this recipient (step mail: this sender), counted among its own; steps mail to between.
    recipient: str | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """What the server offers and where it misbehaves."""

    faults: tuple[Fault, ...] = ()
    pipelining: bool = True
    esmtp: bool = True
    behind: Behind = "borne"
    group: Group = "borne"
    out_of_step: bytes = b"503 5.5.1 bad sequence\r\n"
    #: The text of the greeting and of the first line of the reply to EHLO.
    greeting: str = "scripted ESMTP"
    hello: str = "scripted"
    #: MAIL after so many messages is refused so.
    last_words: bytes = b"421 4.7.0 too many messages\r\n"
    last_act: Literal["go on", "close"] = "close"
    size: int | None = None
    eight_bit_mime: bool = True
    smtp_utf8: bool = False
    starttls: ssl.SSLContext | None = None
    implicit_tls: ssl.SSLContext | None = None
    #: Bytes slipped in behind the reply to STARTTLS.
    injected: bytes = b""
    #: login -> password; None: no AUTH.
    logins: dict[str, str] | None = None
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    #: More connections than this get 421 in place of a banner.
    max_connections: int | None = None
    #: MAIL after so many messages gets `last_words`.
    max_messages_per_connection: int | None = None
    #: DATA gets 354 although the recipient was refused (RFC 2920, 3.1 allows it).
    data_without_recipient: bool = False
    #: A MAIL that was refused begins a message all the same: RCPT and DATA are answered as if nothing was.
    mail_despite_refusal: bool = False
    #: What it refused at the final dot is still there: the next MAIL is one too many, until RSET.
    keeps_refused: bool = False
    #: Replies leave one byte a segment.
    dribble: bool = False
    #: Seconds between two bytes of a server that drips.
    drip: float = 0.1
    #: Seconds before each reply to a final dot.
    delay: float = 0.0
    #: Seconds before each 64 KiB of content are read: a slow line.
    slow_reading: float = 0.0
