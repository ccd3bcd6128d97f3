"""From nothing to a session that is ready for mail: connect, greeting, EHLO, TLS, login (RFC 5321, 3207, 4954)."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp.addresses import NoOtherPlace, Place, Route
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.greeting import Unwelcome, greeting, hello
from ses_ops.transports.smtp.login import AnotherConnection, Login
from ses_ops.transports.smtp.settings import SmtpSettings, Tls
from ses_ops.transports.smtp.stream import NoReply, SmtpStream
from ses_ops.transports.smtp.tls import TlsRules, speaks_tls, tls_failure
from ses_ops.transports.smtp.token import AccessTokens

_log = logging.getLogger(__name__)

#: Seconds of silence after which it is worth saying what we wait for, and asking whether the server waits for TLS.
#: Servers that let everybody wait on purpose do so for about 5 s, and take no word before theirs.
_SILENCE = 10.0
#: The one port where nobody speaks TLS first, and where a word before the greeting is a spammer's mark.
_MX_PORT = 25

StreamT = TypeVar("StreamT", bound=SmtpStream)


class Opener:
    """Opens the sessions of one transport: what the first has found out, the others need not try again."""

    def __init__(self, settings: SmtpSettings, *, tell: Callable[[str], None] | None = None) -> None:
        """`tell` is given a sentence when the server keeps us waiting; default: the log."""
        self._settings = settings
        self._tell = tell or _log.warning
        self._route = Route(settings.host, settings.port)
        self._tls = TlsRules(settings)
        self._login = Login(settings)
        self._tokens = AccessTokens(settings, settings.oauth2) if settings.oauth2 is not None else None
        self._asked_for_tls = False

    async def open(self, make_stream: Callable[[str], StreamT]) -> tuple[StreamT, Capabilities]:
        """Open one session. Raises ConnectionFailed or SetupRefused; the socket is closed then.

        SetupRefused is for good: a 5xx greeting is that (RFC 5321 3.1) once every address of the host has given one,
        or none of the others can be reached.
        """
        unwelcome: dict[Place, SetupRefused] = {}
        while True:
            # First, as no server need wait for it.
            token, new = await self._tokens.current() if self._tokens is not None else (None, False)
            place, stream = await self._connect(make_stream, unwelcome)
            try:
                capabilities = await self._begin(place, stream)
                if self._settings.login is not None:
                    await self._log_in(stream, capabilities, token, new=new)
                _check_quiet(stream)
            except BaseException as error:
                stream.transport.abort()
                if isinstance(error, Unwelcome):
                    unwelcome[place] = error
                    self._route.failed(place)
                    continue
                if isinstance(error, AnotherConnection):
                    continue  # each time with one mechanism less, or with a new token
                if isinstance(error, ConnectionFailed):
                    self._route.failed(place)
                raise
            self._route.worked(place)
            return stream, capabilities

    async def _connect(
        self, make_stream: Callable[[str], StreamT], unwelcome: dict[Place, SetupRefused]
    ) -> tuple[Place, StreamT]:
        settings, loop = self._settings, asyncio.get_running_loop()
        context = self._tls.context() if settings.tls is Tls.TLS else None

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
            return await self._route.first_of(connect, timeout=settings.timeout, without=unwelcome)
        except NoOtherPlace:
            raise list(unwelcome.values())[-1] from None
        except (OSError, UnicodeError) as error:
            if unwelcome:
                raise list(unwelcome.values())[-1] from error
            raise _unreachable(settings, error) from error

    async def _begin(self, place: Place, stream: SmtpStream) -> Capabilities:
        """The dialogue up to the login."""
        settings = self._settings
        await self._greeted(place, stream)
        encrypted = settings.tls is Tls.TLS
        capabilities = await hello(stream, settings, after_tls=False)
        if settings.tls is Tls.STARTTLS and not capabilities.starttls:
            raise SetupRefused("starttls_not_offered", server=stream.address)
        if capabilities.starttls and not encrypted and settings.tls is not Tls.NONE:
            await self._start_tls(stream)
            # What was said before TLS could have been anybody's: ask again (RFC 3207, 4.2).
            capabilities = await hello(stream, settings, after_tls=True)
        return capabilities

    async def _greeted(self, place: Place, stream: SmtpStream) -> None:
        """Wait for the server's first word; after some silence say so, and see whether the server waits for ours."""
        settings = self._settings
        # Where another address may serve at once, this one has no longer than for any reply.
        within = settings.timeout if self._route.has_another(place) else settings.greeting_within
        silence = min(_SILENCE, within / 3)
        try:
            await greeting(stream, timeout=silence)
            return
        except NoReply:
            pass
        self._tell(f"{stream.address}: connected, and waiting for the server's greeting for up to {within:g} s")
        waiting = asyncio.ensure_future(greeting(stream, timeout=within - silence))
        try:
            if await self._asks_for_tls(place, waiting):
                raise SetupRefused("tls_expected_by_server", server=stream.address)
            await waiting
        except NoReply:
            raise ConnectionFailed("no_greeting", server=stream.address, seconds=within) from None
        finally:
            waiting.cancel()

    async def _asks_for_tls(self, place: Place, waiting: asyncio.Future[None]) -> bool:
        """Whether the server, silent so far, speaks TLS at once. Asked once, and no longer than it is silent."""
        settings = self._settings
        if self._asked_for_tls or settings.tls is Tls.TLS or settings.port == _MX_PORT:
            return False
        self._asked_for_tls = True
        asking = asyncio.ensure_future(speaks_tls(settings, place, timeout=min(_SILENCE, settings.timeout)))
        try:
            both: list[asyncio.Future[Any]] = [waiting, asking]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            return not waiting.done() and asking.result()
        finally:
            asking.cancel()

    async def _start_tls(self, stream: SmtpStream) -> None:
        settings = self._settings
        reply = await stream.command(b"STARTTLS", during="STARTTLS", timeout=settings.timeout)
        if reply.code != 220:
            # Not going on without: whoever can forge this reply could read the mail.
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
            await self._login.log_in(stream, capabilities, encrypted=encrypted, token=token)
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
    """Why there is no connection, in words."""
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
    """What the other addresses of the same name failed with."""
    return "".join(f", {words}" for words in getattr(error, "__notes__", ()))
