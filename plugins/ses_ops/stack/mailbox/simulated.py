"""The simulator addresses of the local mailbox: what becomes of mail to them, and the reports that come back.

An address is recognised by its local part, on any domain: `bounce@`, `bounce+anything@`, `bounce-12@`. A report goes to
the envelope's sender, and only where that is a bounce address with a token: another sender may be a person's mailbox.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import policy
from email.message import Message
from email.parser import BytesParser
from email.utils import format_datetime, make_msgid
from enum import StrEnum

from ses_ops.events.tokens import LENGTH

#: The name by which the mailbox calls itself in replies and reports.
HOST = "mailbox.localhost"
#: Seconds that `slow@` takes for its answer.
SLOW_SECONDS = 3.0
_LOCAL_PART = re.compile(r"(?P<name>[a-z]+)(?:\+[^@]*|-[0-9]+)?@[^@]+", re.IGNORECASE)
_WITH_TOKEN = re.compile(rf"b-[0-9a-f]{{{LENGTH}}}@[^@]+", re.IGNORECASE)


class Simulated(StrEnum):
    """A simulator address, by the name before its `@`."""

    OK = "ok"
    UNKNOWN = "unknown"
    FULL = "full"
    SLOW = "slow"
    BOUNCE = "bounce"
    SOFT_BOUNCE = "softbounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"


#: What becomes of mail to each address, for people.
MEANINGS = {
    Simulated.OK: "is delivered",
    Simulated.UNKNOWN: "is refused: there is no such address (550 5.1.1)",
    Simulated.FULL: "is refused for now: the mailbox is full (452 4.2.2)",
    Simulated.SLOW: f"is delivered, and the server takes {SLOW_SECONDS:.0f} seconds for its answer",
    Simulated.BOUNCE: "is delivered, and comes back: there is no such address (RFC 3464)",
    Simulated.SOFT_BOUNCE: "is delivered, and comes back: the mailbox is full (RFC 3464)",
    Simulated.COMPLAINT: "is delivered, and reported as spam (RFC 5965)",
    Simulated.UNSUBSCRIBE: "is delivered, and its unsubscribe link is followed",
}
#: The replies to RCPT that refuse.
REFUSALS = {
    Simulated.UNKNOWN: "550 5.1.1 User unknown in the simulator",
    Simulated.FULL: "452 4.2.2 Mailbox full in the simulator",
}
_BOUNCES = {
    Simulated.BOUNCE: ("5.1.1", "550 5.1.1 User unknown in the simulator", "There is no such address."),
    Simulated.SOFT_BOUNCE: ("5.2.2", "552 5.2.2 Mailbox full in the simulator", "The mailbox is full."),
}


def simulated(address: str) -> Simulated | None:
    """The simulator address that this is; None for any other."""
    found = _LOCAL_PART.fullmatch(address)
    try:
        return Simulated(found["name"].lower()) if found else None
    except ValueError:
        return None


def takes_reports(mail_from: str) -> bool:
    """Whether reports are sent to this envelope sender: it has a token."""
    return _WITH_TOKEN.fullmatch(mail_from) is not None


def report(what: Simulated, *, mail_from: str, recipient: str, raw: bytes, at: datetime) -> bytes | None:
    """The mail that comes back for a message, lines ending in CRLF; None where nothing does."""
    if not takes_reports(mail_from):
        return None
    if what in _BOUNCES:
        return _delivery_report(what, mail_from, recipient, raw, at)
    return _feedback_report(mail_from, recipient, raw, at) if what is Simulated.COMPLAINT else None


def unsubscribe_link(raw: bytes) -> str | None:
    """The http(s) address in List-Unsubscribe (RFC 2369); None for none."""
    headers = BytesParser(policy=policy.compat32).parsebytes(raw.partition(b"\r\n\r\n")[0], headersonly=True)
    value = "".join(str(headers.get("List-Unsubscribe", "")).split())
    found = re.search(r"<(https?://[^<>]{1,2000})>", value, re.IGNORECASE)
    return found[1] if found else None


def _delivery_report(what: Simulated, mail_from: str, recipient: str, raw: bytes, at: datetime) -> bytes:
    """A delivery status notification (RFC 3464), of the form that Postfix sends."""
    status, reply, words = _BOUNCES[what]
    text = (
        f"This is the mail system at {HOST}.\n\n"
        f"Your message could not be delivered to this address:\n\n<{recipient}>: {words}\n"
    )
    fields = (
        f"Reporting-MTA: dns; {HOST}\nArrival-Date: {format_datetime(at)}\n\n"
        f"Final-Recipient: rfc822; {recipient}\nOriginal-Recipient: rfc822; {recipient}\nAction: failed\n"
        f"Status: {status}\nRemote-MTA: dns; {HOST}\nDiagnostic-Code: smtp; {reply}\n"
    )
    return _made(
        mail_from,
        at,
        subject="Undelivered Mail Returned to Sender",
        sender=f"MAILER-DAEMON@{HOST}",
        kind="delivery-status",
        parts=(
            ("text/plain; charset=utf-8", text),
            ("message/delivery-status", fields),
            ("text/rfc822-headers", _readable(raw.partition(b"\r\n\r\n")[0])),
        ),
    )


def _feedback_report(mail_from: str, recipient: str, raw: bytes, at: datetime) -> bytes:
    """A report of spam (RFC 5965), as mailbox providers send it to whoever asked for them."""
    text = f"This is a report of spam for a message received by {HOST}.\n"
    fields = (
        f"Feedback-Type: abuse\nUser-Agent: ses-ops-simulator/1\nVersion: 1\nOriginal-Mail-From: <{mail_from}>\n"
        f"Original-Rcpt-To: <{recipient}>\nArrival-Date: {format_datetime(at)}\nReporting-MTA: dns; {HOST}\n"
    )
    return _made(
        mail_from,
        at,
        subject="FW: report of spam",
        sender=f"feedback@{HOST}",
        kind="feedback-report",
        parts=(
            ("text/plain; charset=utf-8", text),
            ("message/feedback-report", fields),
            ("message/rfc822", _readable(raw)),
        ),
    )


def _made(to: str, at: datetime, *, subject: str, sender: str, kind: str, parts: tuple[tuple[str, str], ...]) -> bytes:
    boundary = f"report-{make_msgid(domain='b')[1:-3]}"
    head = Message()
    head["Date"] = format_datetime(at.astimezone(UTC))
    head["From"] = f"Local mailbox simulator <{sender}>"
    head["To"] = to
    head["Subject"] = subject
    head["Message-ID"] = make_msgid(domain=HOST)
    head["Auto-Submitted"] = "auto-replied"
    head["MIME-Version"] = "1.0"
    lines = [f"{name}: {value}" for name, value in head.items()]
    lines += [f'Content-Type: multipart/report; report-type={kind}; boundary="{boundary}"', ""]
    for media_type, content in parts:
        eight_bit = [] if content.isascii() else ["Content-Transfer-Encoding: 8bit"]
        lines += [f"--{boundary}", f"Content-Type: {media_type}", *eight_bit, "", *_lines(content)]
    return "\r\n".join([*lines, f"--{boundary}--", ""]).encode("utf-8", "replace")


def _lines(content: str) -> list[str]:
    return content.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def _readable(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
