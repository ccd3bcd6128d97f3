"""SMTP and LMTP as the listener for bounces speaks them: reports are taken as servers really write them.

The differences to aiosmtpd's own dialogue: lines may have any length (RFC 5321 allows 998 octets, and a report that is
refused for a longer one is lost, because nobody reports the loss of a report), only the beginning of a mail is kept in
memory, a slow mail is waited for as long as it goes on coming, and LMTP has an answer for each recipient of any mail.
"""

from __future__ import annotations

from asyncio import LimitOverrunError
from typing import TYPE_CHECKING, Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, syntax

if TYPE_CHECKING:
    from ses_ops.public.starttls import ServedCertificate

#: Octets of the largest mail: most servers return the headers of a message, some the whole of it.
SIZE_LIMIT = 10 * 1024 * 1024
#: Octets of a mail that are kept; no reader looks further (events/mime_parts.py, MAX_OCTETS).
MOST_KEPT = 1024 * 1024
#: Octets of a mail that have to come within the idle time, or the connection ends.
_PACE = 64 * 1024
_END = b".\r\n"


class ReportDialogue(SMTP):
    """A connection of a mail server that brings reports."""

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        """Take a mail, and answer for it."""
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
        elif arg:
            await self.push("501 Syntax: DATA")
        else:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            content, size = await self._content()
            if size > SIZE_LIMIT:
                answer = "552 5.3.4 Error: Too much mail data"
            else:
                self.envelope.content = self.envelope.original_content = content
                answer = await self._call_handler_hook("DATA")
            # LMTP has an answer for each recipient (RFC 2033 4.2).
            answers = len(self.envelope.rcpt_tos) if isinstance(self, LMTP) else 1
            self._set_post_data_state()
            await self.push("\r\n".join([answer] * answers))

    async def _content(self) -> tuple[bytes, int]:
        """The beginning of a mail, without the dots of RFC 5321 4.5.2, and the octets of all of it.

        Only a line with nothing but a dot, between two CR LF, ends a mail: an LF alone never does.
        """
        kept, size, paced, begins = bytearray(), 0, 0, True
        while True:
            whole = True
            try:
                piece = await self._reader.readuntil(b"\r\n")
            except LimitOverrunError as more:
                piece, whole = await self._reader.read(more.consumed), False
            if begins and piece == _END:
                return bytes(kept), size
            if begins and piece.startswith(b"."):
                piece = piece[1:]
            begins = whole
            size += len(piece)
            kept += piece[: max(0, MOST_KEPT - len(kept))]
            if size - paced >= _PACE:
                paced = size
                self._reset_timeout()


class SmtpDialogue(ReportDialogue):
    """A connection that speaks SMTP."""


class LmtpDialogue(ReportDialogue, LMTP):
    """A connection that speaks LMTP."""


def tls_of(certificate: ServedCertificate | None) -> dict[str, Any]:
    """The arguments of a dialogue that offers STARTTLS, where there is a certificate; nobody is made to use it."""
    return {} if certificate is None else {"tls_context": certificate.context()}
