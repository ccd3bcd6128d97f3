"""From nothing to a session that is ready for mail: connect, banner, EHLO, TLS, login (RFC 5321, 3207, 4954)."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from ses_ops.transports.smtp_capabilities import Capabilities
from ses_ops.transports.smtp_failure import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp_route import Place, Route
from ses_ops.transports.smtp_settings import SmtpSettings, Tls
from ses_ops.transports.smtp_stream import SmtpStream

#: Octets of a command without its CRLF (RFC 5321 4.5.3.1.4).
_MOST_COMMAND = 510

StreamT = TypeVar("StreamT", bound=SmtpStream)


class TlsRules:
    """The rules for TLS, made once for all connections, and only if one needs them: reading authorities takes 50 ms."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Raises SetupRefused when `ca_file` cannot be read."""
        if self._context is None:
            self._context = _tls_context(self._settings)
        return self._context


def _tls_context(settings: SmtpSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SetupRefused(
            f"{settings.address}: ca_file {settings.ca_file!r} holds no certificates: {error}"
        ) from error
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def open_session(
    settings: SmtpSettings, tls: TlsRules, route: Route, make_stream: Callable[[str], StreamT]
) -> tuple[StreamT, Capabilities]:
    """Open one session. Raises ConnectionFailed or SetupRefused; the socket is closed then."""
    place, stream = await _connect(settings, tls, route, make_stream)
    try:
        capabilities = await _greet_and_log_in(stream, settings, tls)
    except BaseException as error:
        stream.transport.abort()
        if isinstance(error, ConnectionFailed):
            route.failed(place)
        raise
    route.worked(place)
    return stream, capabilities


async def _connect(
    settings: SmtpSettings, tls: TlsRules, route: Route, make_stream: Callable[[str], StreamT]
) -> tuple[Place, StreamT]:
    loop = asyncio.get_running_loop()
    context = tls.context() if settings.tls is Tls.TLS else None

    async def connect(place: Place) -> StreamT:
        _, stream = await loop.create_connection(
            lambda: make_stream(settings.address),
            place.host,
            place.port,
            family=place.family,
            ssl=context,
            server_hostname=settings.host if context else None,
        )
        return stream

    try:
        return await route.first_of(connect, timeout=settings.timeout)
    except TimeoutError as error:
        tried = f"{settings.timeout:g} s{_of_others(error)}"
        reason = (
            f"no TLS session within {tried}; check host, port, tls and firewall"
            if context
            else f"no connection within {tried}; check host, port and firewall"
        )
        raise ConnectionFailed(f"{settings.address}: {reason}") from None
    except ssl.SSLError as error:
        raise _tls_failure(settings, error) from error
    except socket.gaierror as error:
        raise ConnectionFailed(f"{settings.address}: no such host ({error.strerror}); check the host") from error
    except UnicodeError as error:
        raise SetupRefused(f"{settings.address}: is not a host name; check the host") from error
    except OSError as error:
        failure = f"{error.strerror or error}{_of_others(error)}"
        raise ConnectionFailed(f"{settings.address}: cannot connect ({failure}); check host and port") from error


def _of_others(error: Exception) -> str:
    """What the other addresses of the same name failed with."""
    return "".join(f", {words}" for words in getattr(error, "__notes__", ()))


async def _greet_and_log_in(stream: SmtpStream, settings: SmtpSettings, tls: TlsRules) -> Capabilities:
    banner = await stream.reply(during="waiting for the banner", timeout=settings.timeout)
    if banner.code != 220:
        raise ConnectionFailed(f"{stream.address}: the server does not want to talk: {banner.code} {banner.text}")
    encrypted = settings.tls is Tls.TLS
    capabilities = await _hello(stream, settings, encrypted=encrypted)
    if settings.tls is Tls.STARTTLS and not capabilities.starttls:
        raise SetupRefused(f"{stream.address}: does not offer STARTTLS, which the settings ask for; check port and tls")
    if capabilities.starttls and settings.tls in (Tls.STARTTLS, Tls.STARTTLS_IF_OFFERED):
        await _start_tls(stream, settings, tls)
        encrypted = True
        # What was said before TLS could have been anybody's: ask again (RFC 3207, 4.2).
        capabilities = await _hello(stream, settings, encrypted=encrypted)
    if settings.login is not None:
        await _log_in(stream, settings, capabilities, encrypted=encrypted)
    if stream.lost is not None:
        raise ConnectionFailed(f"{stream.address}: {stream.lost}")
    if stream.unread:
        raise ConnectionFailed(f"{stream.address}: the server sent more replies than it was asked for")
    return capabilities


async def _hello(stream: SmtpStream, settings: SmtpSettings, *, encrypted: bool) -> Capabilities:
    name = (settings.local_hostname or _own_name(stream)).encode("ascii")
    reply = await stream.command(b"EHLO " + name, during="EHLO", timeout=settings.timeout)
    if reply.code == 250:
        return Capabilities.of_ehlo(reply)
    if not encrypted and reply.code in (500, 502):
        # A server older than 1995 (RFC 5321, 3.2); no extensions then. Other refusals are not about the command.
        reply = await stream.command(b"HELO " + name, during="HELO", timeout=settings.timeout)
        if reply.code == 250:
            return Capabilities()
    raise ConnectionFailed(f"{stream.address}: the server refused our greeting: {reply.code} {reply.text}")


def _own_name(stream: SmtpStream) -> str:
    name = socket.gethostname()
    if "." in name and name.isascii() and all(one.isalnum() or one in "-." for one in name):
        return name
    # RFC 5321 4.1.3: a client without a full name gives its address.
    own = (stream.transport.get_extra_info("sockname") or ("127.0.0.1",))[0].split("%")[0]
    return f"[IPv6:{own}]" if ":" in own else f"[{own}]"


async def _start_tls(stream: SmtpStream, settings: SmtpSettings, tls: TlsRules) -> None:
    reply = await stream.command(b"STARTTLS", during="STARTTLS", timeout=settings.timeout)
    if reply.code != 220:
        # Not going on without: whoever can forge this reply could read the mail.
        raise ConnectionFailed(
            f"{stream.address}: the server offers STARTTLS but refuses it: {reply.code} {reply.text}"
        )
    if stream.unread:
        raise SetupRefused(f"{stream.address}: something stood between STARTTLS and the TLS handshake; not going on")
    loop = asyncio.get_running_loop()
    rules = tls.context()
    try:
        encrypted = await loop.start_tls(
            stream.transport,
            stream,
            rules,
            server_hostname=settings.host,
            ssl_handshake_timeout=settings.timeout,
        )
    except (ssl.SSLError, OSError) as error:
        raise _tls_failure(settings, error) from error
    if encrypted is None:
        raise ConnectionFailed(f"{stream.address}: the connection broke in the TLS handshake")
    stream.connection_made(encrypted)


def _tls_failure(settings: SmtpSettings, error: OSError) -> ConnectionFailed | SetupRefused:
    if isinstance(error, ssl.SSLCertVerificationError):
        return SetupRefused(
            f"{settings.address}: the server's certificate is not trusted: {error.verify_message}; "
            "name its authority in ca_file, or the right host, or set verify to false"
        )
    if settings.tls is Tls.TLS and isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return SetupRefused(f"{settings.address}: does not speak TLS from the first byte; set tls to starttls")
    return ConnectionFailed(f"{settings.address}: the TLS handshake failed: {error or type(error).__name__}")


async def _log_in(stream: SmtpStream, settings: SmtpSettings, capabilities: Capabilities, *, encrypted: bool) -> None:
    if not (encrypted or settings.allow_plaintext_auth or _is_this_machine(stream)):
        raise SetupRefused(
            f"{stream.address}: the login would go over the network unencrypted; set tls, or allow_plaintext_auth"
        )
    login, password = (settings.login or "").encode(), (settings.password or "").encode()
    if "PLAIN" in capabilities.auth:
        secrets = [base64.b64encode(b"\0" + login + b"\0" + password)]
        stream.secrets = [password, *secrets]
        # A longer answer waits until it is asked for (RFC 4954 4).
        first = b"AUTH PLAIN " + secrets[0]
        at_once = len(first) <= _MOST_COMMAND
        replies = [await stream.command(first if at_once else b"AUTH PLAIN", during="login", timeout=settings.timeout)]
        if not at_once and replies[0].code == 334:
            replies.append(await stream.command(secrets[0], during="login", timeout=settings.timeout))
    elif "LOGIN" in capabilities.auth:
        secrets = [base64.b64encode(login), base64.b64encode(password)]
        stream.secrets = [password, *secrets]
        replies = [await stream.command(b"AUTH LOGIN", during="login", timeout=settings.timeout)]
        for secret in secrets:
            if replies[-1].code != 334:
                break
            replies.append(await stream.command(secret, during="login", timeout=settings.timeout))
    else:
        offered = ", ".join(sorted(capabilities.auth)) or "no login at all"
        raise SetupRefused(
            f"{stream.address}: offers {offered}; this program can do PLAIN and LOGIN; check port and tls"
        )
    last = replies[-1]
    if last.code == 235:
        return
    said = stream.said(last)
    kind = ConnectionFailed if 400 <= last.code <= 499 else SetupRefused
    raise kind(
        f"{stream.address}: the login {settings.login!r} was refused: {last.code} {said}; check login and password"
    )


def _is_this_machine(stream: SmtpStream) -> bool:
    peer = (stream.transport.get_extra_info("peername") or ("",))[0]
    try:
        return ipaddress.ip_address(peer.split("%")[0]).is_loopback
    except ValueError:
        return False
