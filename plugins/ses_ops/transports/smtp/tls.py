"""The rules for TLS on a mail connection: who is trusted, and what a failed handshake means (RFC 3207, 8314)."""

from __future__ import annotations

import asyncio
import ssl

from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp.addresses import Place
from ses_ops.transports.smtp.settings import SmtpSettings, Tls

#: What OpenSSL says, by version, of a first answer that is no TLS record.
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE", "HTTP_REQUEST"}
)


class TlsRules:
    """The rules for TLS, made once for all connections, and only if one needs them: reading authorities takes 50 ms."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Raises SetupRefused when `ca_file` cannot be read."""
        if self._context is None:
            self._context = _context(self._settings)
        return self._context


def _context(settings: SmtpSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SetupRefused("ca_file_not_usable", server=settings.address, file=settings.ca_file, cause=error) from error
    if settings.ca_file is not None:
        # Python 3.13 asks of every certificate what RFC 5280 asks of public ones (a critical basicConstraints,
        # keyUsage, authorityKeyIdentifier). Private authorities, such as easy-rsa's, lack some of it, and whoever
        # names one by its file trusts it as it is: signatures, names and dates are judged all the same.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def tls_failure(settings: SmtpSettings, error: OSError) -> ConnectionFailed | SetupRefused:
    """A failed handshake in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return SetupRefused("certificate_not_trusted", server=settings.address, cause=error.verify_message)
    if settings.tls is Tls.TLS and isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return SetupRefused("tls_not_spoken", server=settings.address)
    return ConnectionFailed("tls_handshake_failed", server=settings.address, cause=error or type(error).__name__)


async def speaks_tls(settings: SmtpSettings, place: Place, *, timeout: float) -> bool:
    """Whether a server answers a TLS handshake as the first thing on a connection of its own; nothing else is said."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            transport, _ = await loop.create_connection(
                asyncio.Protocol,
                place.host,
                place.port,
                family=place.family,
                ssl=anybody,
                server_hostname=settings.host,
            )
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # it refuses our handshake, in TLS
    except (OSError, ValueError):  # ValueError: the host is no name that TLS can carry
        return False
    transport.abort()
    return True
