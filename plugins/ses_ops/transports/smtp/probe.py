"""The probe of a mail server: one session without a message, for `ses doctor`."""

from __future__ import annotations

from collections.abc import Callable

from ses_ops.transports.errors import ConnectionFailed
from ses_ops.transports.smtp.session import SessionOpener
from ses_ops.transports.smtp.settings import SmtpSettings
from ses_ops.transports.smtp.stream import SmtpStream


async def probe(settings: SmtpSettings, *, tell: Callable[[str], None] | None = None) -> str:
    """Connect, greet, encrypt, log in, quit. Returns a short description; raises TransportUnavailable.

    `tell` is called with a sentence when the server's greeting takes long.
    """
    stream, capabilities = await SessionOpener(settings, tell=tell).open(SmtpStream)
    cipher = stream.transport.get_extra_info("cipher")
    try:
        await stream.command(b"QUIT", during="QUIT", timeout=min(2.0, settings.timeout))
    except ConnectionFailed:
        pass  # The session was opened, which answers the question; the reply to QUIT does not matter.
    finally:
        stream.transport.abort()
    verified = "verified" if settings.verify else "not verified"
    parts = [
        f"{cipher[1]}, {verified}" if cipher else "not encrypted",
        f"logged in as {settings.login!r}" if settings.login is not None else "no login",
        "pipelining" if capabilities.pipelining else "no pipelining",
    ]
    if capabilities.size_limit is not None:
        parts.append(f"messages up to {capabilities.size_limit / 1e6:.1f} MB")
    return f"{settings.address}: {'; '.join(parts)}"
