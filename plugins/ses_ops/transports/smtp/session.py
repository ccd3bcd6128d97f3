"""The opening of a session: connect, greeting, EHLO, TLS, login (RFC 5321, 3207, 4954)."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp.access_token import AccessTokens
from ses_ops.transports.smtp.addresses import AddressFailover, NoOtherAddress, ServerAddress
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.greeting import GreetingRefused, greeting, hello
from ses_ops.transports.smtp.login import AnotherConnection, Authenticator
from ses_ops.transports.smtp.settings import SmtpSettings, Tls
from ses_ops.transports.smtp.stream import NoReply, SmtpStream
from ses_ops.transports.smtp.tls import TlsRules, speaks_tls, tls_failure

_log = logging.getLogger(__name__)

#: Seconds without a greeting after which the wait is reported, and the server is tested for TLS from the first byte.
#: Servers that delay every client on purpose do so for about 5 s, and refuse a client that speaks first.
_SILENCE = 10.0
#: The port on which no server speaks TLS first, and on which a client that speaks before the greeting is a spammer.
_MX_PORT = 25

StreamT = TypeVar("StreamT", bound=SmtpStream)


class SessionOpener:
    """Opens the sessions of one transport; later sessions use what the first has found out."""

    def __init__(self, settings: SmtpSettings, *, tell: Callable[[str], None] | None = None) -> None:
        """`tell` is called with a sentence when the server's greeting takes long; default: the log."""
        self._settings = settings
        self._tell = tell or _log.warning
        self._failover = AddressFailover(settings.host, settings.port)
        self._tls = TlsRules(settings)
        self._authenticator = Authenticator(settings)
        self._tokens = AccessTokens(settings, settings.oauth2) if settings.oauth2 is not None else None
        self._tested_for_tls = False

    async def open(self, make_stream: Callable[[str], StreamT]) -> tuple[StreamT, Capabilities]:
        """Open one session. Raises ConnectionFailed or SetupRefused; the socket is closed then.

        SetupRefused is final. A 5xx greeting (RFC 5321 3.1) counts as final once every address of the host has given
        one, or none of the other addresses can be reached.
        """
        refused: dict[ServerAddress, SetupRefused] = {}
        while True:
            # The token is fetched first, so that no server has to wait for it.
            token, new = await self._tokens.current() if self._tokens is not None else (None, False)
            address, stream = await self._connect(make_stream, refused)
            try:
                capabilities = await self._begin(address, stream)
                if self._settings.login is not None:
                    await self._log_in(stream, capabilities, token, new=new)
                _check_quiet(stream)
            except BaseException as error:
                stream.transport.abort()
                if isinstance(error, GreetingRefused):
                    refused[address] = error
                    self._failover.failed(address)
                    continue
                if isinstance(error, AnotherConnection):
                    continue  # the loop ends: each turn has one mechanism less, or a new token
                if isinstance(error, ConnectionFailed):
                    self._failover.failed(address)
                raise
            self._failover.succeeded(address)
            return stream, capabilities

    async def _connect(
        self, make_stream: Callable[[str], StreamT], refused: dict[ServerAddress, SetupRefused]
    ) -> tuple[ServerAddress, StreamT]:
        settings, loop = self._settings, asyncio.get_running_loop()
        context = self._tls.context() if settings.tls is Tls.TLS else None

        async def connect(address: ServerAddress) -> StreamT:
            _, stream = await loop.create_connection(
                lambda: make_stream(settings.address),
                address.host,
                address.port,
                family=address.family,
                ssl=context,
                server_hostname=settings.host if context else None,
            )
            return stream

        try:
            return await self._failover.connect_first(connect, timeout=settings.timeout, without=refused)
        except NoOtherAddress:
            raise list(refused.values())[-1] from None
        except (OSError, UnicodeError) as error:
            if refused:
                raise list(refused.values())[-1] from error
            raise _unreachable(settings, error) from error

    async def _begin(self, address: ServerAddress, stream: SmtpStream) -> Capabilities:
        """Hold the dialogue up to the login: greeting, EHLO, TLS. Returns the server's newest capabilities."""
        settings = self._settings
        await self._wait_for_greeting(address, stream)
        encrypted = settings.tls is Tls.TLS
        capabilities = await hello(stream, settings, after_tls=False)
        if settings.tls is Tls.STARTTLS and not capabilities.starttls:
            raise SetupRefused("starttls_not_offered", server=stream.address)
        if capabilities.starttls and not encrypted and settings.tls is not Tls.NONE:
            await self._start_tls(stream)
            # The capabilities sent before TLS may be forged, so EHLO is sent again (RFC 3207, 4.2).
            capabilities = await hello(stream, settings, after_tls=True)
        return capabilities

    async def _wait_for_greeting(self, address: ServerAddress, stream: SmtpStream) -> None:
        """Wait for the greeting; after some silence report the wait, and test whether the server waits for TLS."""
        settings = self._settings
        # Where another address may serve at once, this address has no longer than for any other reply.
        within = settings.timeout if self._failover.has_another(address) else settings.greeting_within
        silence = min(_SILENCE, within / 3)
        try:
            await greeting(stream, timeout=silence)
            return
        except NoReply:
            pass
        self._tell(f"{stream.address}: connected, and waiting for the server's greeting for up to {within:g} s")
        waiting = asyncio.ensure_future(greeting(stream, timeout=within - silence))
        try:
            if await self._waits_for_tls(address, waiting):
                raise SetupRefused("tls_expected_by_server", server=stream.address)
            await waiting
        except NoReply:
            raise ConnectionFailed("no_greeting", server=stream.address, seconds=within) from None
        finally:
            waiting.cancel()

    async def _waits_for_tls(self, address: ServerAddress, waiting: asyncio.Future[None]) -> bool:
        """Whether the server, silent so far, speaks TLS from the first byte.

        A transport tests that once, on a connection of its own, and stops when the greeting comes meanwhile.
        """
        settings = self._settings
        if self._tested_for_tls or settings.tls is Tls.TLS or settings.port == _MX_PORT:
            return False
        self._tested_for_tls = True
        test = asyncio.ensure_future(speaks_tls(settings, address, timeout=min(_SILENCE, settings.timeout)))
        try:
            both: list[asyncio.Future[Any]] = [waiting, test]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            return not waiting.done() and test.result()
        finally:
            test.cancel()

    async def _start_tls(self, stream: SmtpStream) -> None:
        settings = self._settings
        reply = await stream.command(b"STARTTLS", during="STARTTLS", timeout=settings.timeout)
        if reply.code != 220:
            # The session does not go on without TLS: an attacker who can forge this reply could read the mail.
            kind = SetupRefused if reply.code >= 500 else ConnectionFailed
            raise kind("starttls_refused", server=stream.address, code=reply.code, text=reply.text)
        if stream.unread:
            raise SetupRefused("starttls_injection", server=stream.address)
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                stream.transport,
                stream,
                self._tls.context(),
                server_hostname=settings.host,
                ssl_handshake_timeout=settings.timeout,
            )
        except (ssl.SSLError, OSError) as error:
            raise tls_failure(settings, error) from error
        if encrypted is None:
            raise ConnectionFailed("tls_handshake_broken", server=stream.address)
        stream.connection_made(encrypted)

    async def _log_in(self, stream: SmtpStream, capabilities: Capabilities, token: str | None, *, new: bool) -> None:
        encrypted = stream.transport.get_extra_info("cipher") is not None
        try:
            await self._authenticator.log_in(stream, capabilities, encrypted=encrypted, token=token)
        except SetupRefused as error:
            if token is not None and self._tokens is not None and self._tokens.refused(token, new=new):
                raise AnotherConnection from error
            raise


def _check_quiet(stream: SmtpStream) -> None:
    if stream.lost is not None:
        raise ConnectionFailed("connection_lost", server=stream.address, why=stream.lost)
    if stream.unread:
        raise ConnectionFailed("too_many_replies", server=stream.address)


def _unreachable(settings: SmtpSettings, error: OSError | UnicodeError) -> ConnectionFailed | SetupRefused:
    """The error for a connection that could not be opened."""
    if isinstance(error, TimeoutError):
        code = "no_tls_session" if settings.tls is Tls.TLS else "no_connection"
        tried = f"{settings.timeout:g} s{_of_others(error)}"
        return ConnectionFailed(code, server=settings.address, time=tried)
    if isinstance(error, ssl.SSLError):
        return tls_failure(settings, error)
    if isinstance(error, socket.gaierror):
        return ConnectionFailed("no_such_host", server=settings.address, cause=error.strerror)
    if isinstance(error, UnicodeError):
        return SetupRefused("not_a_host_name", server=settings.address)
    failure = f"{error.strerror or error}{_of_others(error)}"
    return ConnectionFailed("cannot_connect", server=settings.address, why=failure)


def _of_others(error: Exception) -> str:
    """The errors of the other addresses of the same name, as the notes of `error` have them."""
    return "".join(f", {words}" for words in getattr(error, "__notes__", ()))
