"""The listener for bounces, complaints and unsubscribing by mail: SMTP, or LMTP behind a mail server (RFC 5321, 2033).

It takes mail to valid tokens only (`b-TOKEN@`, `u-TOKEN@` of any domain, as a bounce domain may have had another name
when the message left), refuses the rest at RCPT, and answers 250 after what the mail says is kept, in PostgreSQL or in
the spool; else 451, and the other server tries again. It never sends anything.
"""

from __future__ import annotations

import asyncio
import logging
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aiosmtpd.smtp import TLSSetupException

from ses_ops.application.event_intake import EventIntake
from ses_ops.application.token_secrets import TokenSecrets
from ses_ops.errors import Explanation, NotSetUp, SesError
from ses_ops.events.report_records import BOUNCE_MAIL, records_for_each
from ses_ops.events.tokens import LENGTH, Purpose
from ses_ops.public.rates import RequestRate, network_of
from ses_ops.public.report_smtp import SIZE_LIMIT, LmtpDialogue, SmtpDialogue, tls_of
from ses_ops.public.starttls import ServedCertificate
from ses_ops.web.fault_log import log_to_stderr

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

#: Connections at once, recipients of one mail, and mails of one connection.
MOST_CONNECTIONS, MOST_RECIPIENTS, MOST_MAILS = 100, 50, 500
#: Wrong recipients of one client in an hour; then its connections end.
MOST_WRONG = 200
#: Mails to one address in an hour. A message has a few reports; spam comes to any address that stands in a mail.
MOST_OF_ONE = 100
#: Servers that a mail has passed; one that has passed more is in a loop (RFC 5321 6.3).
MOST_HOPS = 50
#: Seconds without a command.
IDLE = 60.0
_ADDRESS = re.compile(rf"<?([bu])-([0-9a-f]{{{LENGTH}}})@[^@\s]+>?", re.IGNORECASE)
_PURPOSES = {"b": Purpose.BOUNCE, "u": Purpose.UNSUBSCRIBE}
_log = logging.getLogger(__name__)


class ReportHandler:
    """The hooks of aiosmtpd."""

    def __init__(self, intake: EventIntake, secrets: TokenSecrets) -> None:
        self._intake = intake
        self._secrets = secrets
        self._wrong = RequestRate(most=MOST_WRONG, seconds=3600)
        self._of_one = RequestRate(most=MOST_OF_ONE, seconds=3600)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take the address of a valid token."""
        del server
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        try:
            version = self._secrets.version
            known = self._is_ours(address)
            if not known and _ADDRESS.fullmatch(address):
                # Its secret may have been made a moment ago, and what is refused here is lost.
                if self._intake.away:
                    return "451 4.3.0 Try again later"
                known = await asyncio.to_thread(self._secrets.newer_than, version) and self._is_ours(address)
        except NotSetUp:
            return "451 4.3.0 Try again later"
        if not known:
            self._intake.note_refused(BOUNCE_MAIL, Explanation("mail_recipient_refused"))
            client = network_of(str(session.peer[0])) if isinstance(session.peer, tuple) else "local"
            if not self._wrong.allows(client):
                return "421 4.7.0 Too many wrong recipients"
            return "550 5.1.1 No such address"
        if not self._of_one.allows(address.partition("@")[0].lower()):
            return "452 4.7.1 Too many mails to this address"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 Recipient accepted"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep what the mail says, then accept it."""
        del server, session
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content or "").encode("utf-8", "replace")
        return await self._answer(raw, envelope.rcpt_tos)

    async def handle_exception(self, error: Exception) -> str:
        """Whatever fails here is our fault, so the other server is to try again, and learns nothing of it."""
        if isinstance(error, TLSSetupException):
            _log.info("a client began TLS and did not finish: %s", error.__cause__)
        else:
            _log.warning("a dialogue failed", exc_info=error)
        return "451 4.3.0 Try again later"

    def _is_ours(self, address: str) -> bool:
        found = _ADDRESS.fullmatch(address)
        return found is not None and self._secrets.read(found[2].lower(), _PURPOSES[found[1].lower()]) is not None

    async def _answer(self, raw: bytes, recipients: list[str]) -> str:
        head = raw[:64_000].partition(b"\r\n\r\n")[0].lower()
        if head.count(b"\nreceived:") + head.startswith(b"received:") > MOST_HOPS:
            return "554 5.4.6 Too many hops"
        try:
            found = await asyncio.to_thread(records_for_each, raw, self._secrets.read, came_to=recipients)
            if records := [record for one in found for record in one.records]:
                await self._intake.take(records)
        except SesError as cause:
            _log.warning("a mail is not taken now: %s", cause)
            return "451 4.3.0 Try again later"
        except Exception:
            _log.exception("a mail is not taken now")
            return "451 4.3.0 Try again later"
        return "250 2.0.0 Kept"


class _Connections:
    """The protocols of connections, as many at once as are allowed."""

    def __init__(self, handler: ReportHandler, *, lmtp: bool, certificate: ServedCertificate | None) -> None:
        self._handler = handler
        self._class = LmtpDialogue if lmtp else SmtpDialogue
        self._certificate = certificate
        self._open = 0

    def protocol(self) -> asyncio.Protocol:
        connections = self

        class Counted(self._class):  # type: ignore[name-defined]
            def connection_made(self, transport: asyncio.Transport) -> None:
                if self.transport is not None:  # the same connection, within TLS now
                    super().connection_made(transport)
                    return
                connections._open += 1
                if connections._open > MOST_CONNECTIONS:
                    transport.write(b"421 4.3.2 Too many connections\r\n")
                    transport.close()
                    return
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                connections._open -= 1
                if self.transport is not None:
                    super().connection_lost(error)

        made: asyncio.Protocol = Counted(
            self._handler,
            hostname="ses-ops",
            ident="ses-ops",
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            decode_data=False,
            timeout=IDLE,
            **tls_of(self._certificate),
            command_call_limit={"DATA": MOST_MAILS, "RCPT": MOST_MAILS * 2, "*": MOST_MAILS * 4},
        )
        return made


def serve(
    *,
    dsn: str,
    spool_folder: Path,
    host: str,
    port: int,
    lmtp: bool = False,
    certificate: ServedCertificate | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; what was answered by then is kept."""
    log_to_stderr()
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd writes addresses there
    intake, secrets = EventIntake(dsn, spool_folder), TokenSecrets(dsn, spool_folder)
    intake.start()
    secrets.start()
    try:
        connections = _Connections(ReportHandler(intake, secrets), lmtp=lmtp, certificate=certificate)
        asyncio.run(_serve(connections, host=host, port=port))
    finally:
        secrets.close()
        intake.close()


async def _serve(connections: _Connections, *, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    ends = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ends.set)
    server = await loop.create_server(connections.protocol, host, port)
    await ends.wait()
    server.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 5)
