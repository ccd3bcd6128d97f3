"""One socket to an SMTP server, as a stream of replies.

`session` awaits the replies one by one; `mail_stream` extends the class for the dialogue with messages.
"""

from __future__ import annotations

import asyncio
from typing import cast

from ses_ops.errors import Explanation
from ses_ops.transports.errors import ConnectionFailed
from ses_ops.transports.flow.timers import awake_timeout
from ses_ops.transports.smtp.replies import Reply, ReplyParser, printable

#: Largest number of unread replies. No command is pipelined before the first message, so a server may send one.
_MAX_UNREAD = 20


class NoReply(ConnectionFailed, TimeoutError):
    """The server sent no reply in time."""


class SmtpStream(asyncio.Protocol):
    """Commands out, replies in, one at a time and awaited: the dialogue before the first message."""

    transport: asyncio.Transport

    def __init__(self, address: str) -> None:
        #: `host:port`, for messages.
        self.address = address
        #: Why the connection was lost; None while it is open.
        self.lost: Explanation | None = None
        #: The text of the server's first reply; None before it.
        self.greeting: str | None = None
        self._parser = ReplyParser()
        self._replies: list[Reply] = []
        #: Secrets that the login sent, to be masked: some servers repeat the command that they refuse.
        self.secrets: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket. (The event loop calls this, and `session` once more after STARTTLS.)"""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Keep the replies until `reply` is called."""
        self._replies += self._parser.feed(data)
        broken = self._parser.broken
        if broken and self.secrets:
            broken = Explanation("something_else")  # the malformed line may have a part of a secret
        elif len(self._replies) > _MAX_UNREAD:
            broken = Explanation("far_too_many_replies")
            self._replies.clear()
        if broken:
            self.lost = self.lost or Explanation("not_smtp_spoken", why=broken)
            self.transport.abort()
        self._awake()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Keep the reason."""
        reason = Explanation("connection_broken", cause=exc) if exc else Explanation("server_closed_connection")
        self.lost = self.lost or reason
        self._awake()

    async def command(self, line: bytes, *, during: str, timeout: float) -> Reply:
        """Write one command line (without CRLF) and wait for its reply. Raises ConnectionFailed."""
        if self.lost is None:
            self.transport.write(line + b"\r\n")
        return await self.reply(during=during, timeout=timeout)

    async def reply(self, *, during: str, timeout: float) -> Reply:
        """The next reply. `during` names the step in messages; `timeout` is in seconds. Raises ConnectionFailed."""
        try:
            async with awake_timeout(timeout):
                while not self._replies:
                    if self.lost is not None:
                        raise ConnectionFailed("connection_lost", server=self.address, during=during, why=self.lost)
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
        except TimeoutError:
            raise NoReply("no_reply", server=self.address, during=during, seconds=timeout) from None
        reply = self._replies.pop(0)
        if self.greeting is None:
            self.greeting = reply.text
        if reply.code == 421:
            said = self.said(reply)
            raise ConnectionFailed("connection_closed_by_server", server=self.address, during=during, reply=said)
        return reply

    def said(self, reply: Reply) -> str:
        """The reply's text with the secrets of the login masked."""
        raw = reply.raw
        for secret in self.secrets:
            if secret:
                raw = raw.replace(secret, b"***")
        return printable(raw)

    @property
    def unread(self) -> bool:
        """Whether the server sent more than the replies that were read."""
        return bool(self._replies) or self._parser.unread

    def _awake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
