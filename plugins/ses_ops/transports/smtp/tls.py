"""TLS on a mail connection: trust, and failed handshakes (RFC 3207, 8314)."""

from __future__ import annotations

import asyncio
import ssl

from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp.addresses import ServerAddress
from ses_ops.transports.smtp.settings import SmtpSettings, Tls

#: Reasons that OpenSSL gives, by version, for a first answer that is no TLS record.
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE", "HTTP_REQUEST"}
)


class TlsRules:
    """The TLS context of all connections, made when the first one needs it: reading the authorities takes 50 ms."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """The context. Raises SetupRefused when `ca_file` cannot be read."""
        if self._context is None:
            self._context = _context(self._settings)
        return self._context


def _context(settings: SmtpSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise ca_file_problem(settings, error) from error
    if settings.ca_file is not None:
        # Python 3.13 requires of every certificate what RFC 5280 requires of public ones (a critical basicConstraints,
        # keyUsage, authorityKeyIdentifier). Private authorities, such as easy-rsa's, lack some of these, and a person
        # who names an authority by its file trusts it as it is. Signatures, names and dates are verified as always.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def ca_file_problem(settings: SmtpSettings, error: OSError) -> SetupRefused:
    """The error for a `ca_file` that cannot be read, or that holds no certificates (an ssl.SSLError is an OSError)."""
    return SetupRefused("ca_file_not_usable", server=settings.address, file=settings.ca_file, cause=error)


def tls_failure(settings: SmtpSettings, error: OSError) -> ConnectionFailed | SetupRefused:
    """The error for a failed handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return SetupRefused("certificate_not_trusted", server=settings.address, cause=error.verify_message)
    if settings.tls is Tls.TLS and isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return SetupRefused("tls_not_spoken", server=settings.address)
    return ConnectionFailed("tls_handshake_failed", server=settings.address, cause=error or type(error).__name__)


async def speaks_tls(settings: SmtpSettings, address: ServerAddress, *, timeout: float) -> bool:
    """Whether a server answers a TLS handshake at the beginning of a connection, which is opened for that only."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            transport, _ = await loop.create_connection(
                asyncio.Protocol,
                address.host,
                address.port,
                family=address.family,
                ssl=anybody,
                server_hostname=settings.host,
            )
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # the server refuses the handshake by a TLS alert
    except (OSError, ValueError):  # ValueError: the host is no name that TLS can carry
        return False
    transport.abort()
    return True
