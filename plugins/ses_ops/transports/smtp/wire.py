"""SMTP commands and data of one envelope (RFC 5321, 1870, 6152, 6531).

Every byte of a message that reaches the socket passes here, and what would break the dialogue is refused: an address
that could end its command, and content that could end its DATA early (by a lone dot after a CR or LF that some server
takes for a line end).
"""

from __future__ import annotations

import re
from typing import final

from ses_ops.domain.delivery_failure import DeliveryFailure, Reason
from ses_ops.transports.port import Delivery, Envelope, LocalRefusal, Outcome
from ses_ops.transports.smtp.capabilities import Capabilities

# The characters beyond ASCII that an address may have: no C1 control, no space, no line separator, no surrogate.
_BEYOND = (
    r"\u00a1-\u167f\u1681-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff\ue000-\ufefe\uff00-\U0010fffd"
)
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.\-{_BEYOND}]+"
_QUOTED = rf'"(?:[ !#-\[\]-~{_BEYOND}]|\\[ -~])*"'
_DOMAIN = rf"[A-Za-z0-9._\-{_BEYOND}]+|\[[!-Z^-~]+\]"
# Nearly all addresses: in a third of the time, and within the limits of RFC 5321 4.5.3.1.
_is_plain = re.compile(r"[A-Za-z0-9.+=_-]{1,64}@[A-Za-z0-9.-]{1,189}").fullmatch
_is_address = re.compile(rf"(?:{_ATOM}|{_QUOTED})@(?:{_DOMAIN})").fullmatch
#: Octets of the longest address. RFC 5321 4.5.3.1.3: a path has at most 256 octets, its two brackets included.
_MAX_ADDRESS_BYTES = 254

# This search goes from dot to dot, of which there are few: twice as fast as a look at every line end.
_dot_first_in_line = re.compile(rb"\.(?<=[\r\n]\.)").search

_BARE_LINE_END = LocalRefusal(Delivery.FAILED, 554, "5.6.0 the content has a CR or LF that is not part of a CRLF")
# The mails of a task have one kind of content and one sender, or senders of one form. So _NEEDS_8BITMIME and
# _SENDER_NEEDS_SMTPUTF8 have a DeliveryFailure, as if the server had refused the message, and many in a row end the
# run.
_NEEDS_8BITMIME = LocalRefusal(
    Delivery.FAILED,
    554,
    "5.6.3 the content has 8 bit bytes, and this server lacks 8BITMIME",
    DeliveryFailure(Reason.CONTENT_REJECTED, "5.6.3"),
)
_NEEDS_SMTPUTF8 = LocalRefusal(Delivery.FAILED, 553, "5.6.7 a non-ASCII address, and this server lacks SMTPUTF8")
_SENDER_NEEDS_SMTPUTF8 = LocalRefusal(*_NEEDS_SMTPUTF8[:3], DeliveryFailure(Reason.SENDER_REJECTED, "5.6.7"))


@final
class WireMessage:
    """An envelope with the bytes to write for it: MAIL, RCPT and the data."""

    __slots__ = ("data", "envelope", "mail", "rcpt")

    def __init__(self, envelope: Envelope, mail: bytes, rcpt: bytes, data: bytes) -> None:
        self.envelope = envelope
        self.mail = mail
        self.rcpt = rcpt
        #: The content, dot-stuffed, its last line ended. The final dot follows it.
        self.data = data


class WireWriter:
    """Writes the commands and data of envelopes for a server with these capabilities."""

    __slots__ = ("_capabilities", "_limit", "_mail", "_sender")

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._limit = capabilities.size_limit or 1 << 62
        # The messages of a run have one sender, which is checked and encoded once, or each has its own (VERP).
        self._sender: str | None = None
        self._mail = b""

    def write(self, envelope: Envelope) -> WireMessage | Outcome:
        """The bytes to write for this envelope; a LocalRefusal when it cannot go to this server."""
        _, sender, recipient, content, dotless, _ = envelope
        if sender != self._sender:
            if sender and not _is_plain(sender) and (wrong := _wrong_address(sender)):
                failure = DeliveryFailure(Reason.SENDER_REJECTED, "5.1.7")
                return LocalRefusal(Delivery.FAILED, 553, f"5.1.7 the sender {wrong}", failure)
            self._mail = b"MAIL FROM:<%b>" % sender.encode()
            self._sender = sender
        if not _is_plain(recipient) and (wrong := _wrong_address(recipient)):
            return LocalRefusal(Delivery.FAILED, 553, f"5.1.3 the recipient {wrong}")
        capabilities = self._capabilities
        size = len(content)
        if size > self._limit:
            text = f"5.3.4 the message has {size} bytes, and this server takes at most {self._limit}"
            return LocalRefusal(Delivery.FAILED, 552, text, DeliveryFailure(Reason.TOO_BIG, "5.3.4"))
        parameters = b" SIZE=%d" % size if capabilities.size else b""
        if not content.isascii():
            if not capabilities.eight_bit_mime:
                return _NEEDS_8BITMIME
            parameters += b" BODY=8BITMIME"
        if not (recipient.isascii() and sender.isascii()):
            if not capabilities.smtp_utf8:
                return _NEEDS_SMTPUTF8 if sender.isascii() else _SENDER_NEEDS_SMTPUTF8
            parameters += b" SMTPUTF8"
        data = content if dotless else stuffed(content)
        if data is None:
            return _BARE_LINE_END
        return WireMessage(
            envelope, b"%b%b\r\n" % (self._mail, parameters), b"RCPT TO:<%b>\r\n" % recipient.encode(), data
        )


def stuffed(content: bytes) -> bytes | None:
    """Content with its leading dots doubled (RFC 5321, 4.5.2) and its last line ended: the final dot can follow.

    None when the content needs stuffing and has a CR or LF that is not part of a CRLF: some servers take such a line
    end before a dot for the end of the message, and the bytes behind it for commands ("SMTP smuggling",
    CVE-2023-51764 and similar).
    """
    if _dot_first_in_line(content) or content[-2:] != b"\r\n" or content[:1] == b".":
        if not content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r"):
            return None
        content = content.replace(b"\r\n.", b"\r\n..")
        if content.startswith(b"."):
            content = b"." + content
        if content and not content.endswith(b"\r\n"):
            content += b"\r\n"
    return content


def _wrong_address(address: str) -> str | None:
    """The fault of an address, in words; None for a good address."""
    if not _is_address(address):
        return f"{address[:100]!a} is not an address that SMTP can carry"
    size = len(address.encode())
    return f"has {size} bytes, SMTP carries at most {_MAX_ADDRESS_BYTES}" if size > _MAX_ADDRESS_BYTES else None
