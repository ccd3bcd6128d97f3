"""The capabilities of a server, from its reply to EHLO (RFC 5321, 4.1.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

from ses_ops.transports.smtp.replies import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The SMTP extensions that a sender uses; all are absent after HELO in place of EHLO."""

    pipelining: bool = False
    starttls: bool = False
    eight_bit_mime: bool = False
    smtp_utf8: bool = False
    #: SIZE was offered (RFC 1870); `size_limit` is the limit in bytes, None when the server names none.
    size: bool = False
    size_limit: int | None = None
    #: Mechanisms of AUTH (RFC 4954), in upper case.
    auth: frozenset[str] = frozenset()
    #: The first line of the reply to EHLO: the server's name, and its greeting.
    hello: str = ""

    @classmethod
    def of_ehlo(cls, reply: Reply) -> Capabilities:
        """Read a reply to EHLO: one extension a line after the first line, which is a greeting."""
        lines = reply.lines
        offered: dict[str, list[str]] = {}
        mechanisms: set[str] = set()
        for line in lines[1:]:
            # Servers older than RFC 2554 write "AUTH=LOGIN", beside "AUTH LOGIN" or in place of that.
            keyword, *values = line.upper().replace("AUTH=", "AUTH ", 1).split() or [""]
            offered[keyword] = values
            if keyword == "AUTH":
                mechanisms.update(values)
        limit = offered.get("SIZE", [])
        return cls(
            pipelining="PIPELINING" in offered,
            starttls="STARTTLS" in offered,
            eight_bit_mime="8BITMIME" in offered,
            smtp_utf8="SMTPUTF8" in offered,
            size="SIZE" in offered,
            # "SIZE 0" says that there is no fixed limit.
            size_limit=int(limit[0]) or None if limit and limit[0].isdecimal() else None,
            auth=frozenset(mechanisms),
            hello=lines[0],
        )
