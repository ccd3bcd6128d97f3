"""The mailbox's SMTP server (aiosmtpd), on the loopback address only.

The server accepts every message, and stores it before the reply 250. What else becomes of mail to the simulator's
addresses is in simulated.py.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

from ses_ops.stack.mailbox.answers import Answers
from ses_ops.stack.mailbox.reading import printable
from ses_ops.stack.mailbox.simulated import REFUSALS, SLOW_SECONDS, Simulated, simulated
from ses_ops.stack.mailbox.store import MessageWriter

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

#: Bytes of the largest message; larger messages are refused with 552 (RFC 1870).
SIZE_LIMIT = 10 * 1024 * 1024

_log = logging.getLogger(__name__)


class KeepingHandler:
    """The hooks of aiosmtpd, which store every message."""

    def __init__(self, writer: MessageWriter, answers: Answers | None = None) -> None:
        self._writer = writer
        self._answers = answers

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Announce PIPELINING (RFC 2920), which holds, because aiosmtpd reads a stream and answers in order."""
        del server, envelope
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take an address, or answer as the simulator's address does."""
        del server, session
        what = simulated(address)
        if what is not None and what in REFUSALS:
            return REFUSALS[what]
        if what is Simulated.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 Recipient accepted"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Store the message, then accept it; 451 (the client tries again later) if the disk refuses."""
        del server, session
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content or "").encode()
        try:
            # aiosmtpd turns bytes that are not UTF-8 into surrogates, which SQLite cannot store.
            recipients = tuple(printable(address) for address in envelope.rcpt_tos)
            await self._writer.add(printable(envelope.mail_from or ""), recipients, raw)
        except sqlite3.Error as error:
            _log.error("not stored: %s", error)
            return "451 4.3.0 The mailbox cannot store mail now"
        if self._answers is not None:
            self._answers.begin(envelope.mail_from or "", recipients, raw)
        return "250 2.0.0 Stored"


def smtp_server(writer: MessageWriter, answers: Answers | None = None, *, reject_login: bool = False) -> SMTP:
    """The protocol of one connection. With `reject_login` it requires a login and refuses every login (for tests)."""
    from aiosmtpd.smtp import SMTP, AuthResult

    login: dict[str, Any] = {}
    if reject_login:
        login = {
            "auth_required": True,
            "auth_require_tls": False,
            "authenticator": lambda *_: AuthResult(success=False, handled=False, message="535 5.7.8 Login refused"),
        }
    return SMTP(
        KeepingHandler(writer, answers),
        hostname="mailbox.localhost",
        ident="ses-ops local mailbox",
        data_size_limit=SIZE_LIMIT,
        enable_SMTPUTF8=True,
        decode_data=False,
        **login,
    )
