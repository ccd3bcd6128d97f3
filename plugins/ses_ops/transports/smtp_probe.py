"""Can this server be used? One session without a message, for `ses doctor`."""

from __future__ import annotations

from ses_ops.transports.smtp_failure import ConnectionFailed
from ses_ops.transports.smtp_opening import TlsRules, open_session
from ses_ops.transports.smtp_route import Route
from ses_ops.transports.smtp_settings import SmtpSettings
from ses_ops.transports.smtp_stream import SmtpStream


async def probe(settings: SmtpSettings) -> str:
    """Connect, greet, encrypt, log in, leave. Returns a short description; raises TransportUnavailable."""
    route = Route(settings.host, settings.port)
    stream, capabilities = await open_session(settings, TlsRules(settings), route, SmtpStream)
    cipher = stream.transport.get_extra_info("cipher")
    try:
        await stream.command(b"QUIT", during="QUIT", timeout=min(2.0, settings.timeout))
    except ConnectionFailed:
        pass  # It let us in; how it lets us out does not matter.
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
