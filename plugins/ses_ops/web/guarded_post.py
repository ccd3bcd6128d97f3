"""POST to an address that a person entered: never to a private network, never redirected, never for long.

The name is resolved by ourselves at each new connection, every address is judged, and the connection goes to an address
that was judged: a name that answers differently the second time (DNS rebinding) gains nothing. TLS still asks for the
name. No proxy of the environment is used.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore

from ses_ops.domain.callback_target import Network, is_allowed

#: Seconds for a whole post, from the look-up of the name to the last octet of the answer that is read.
TIME_LIMIT = 10.0
#: Octets of an answer that are read, and characters of it that are kept.
MOST_READ, MOST_KEPT = 4_096, 300
#: Seconds for which an idle connection is kept, and of the longest wait that an endpoint may ask for.
_IDLE, _LONGEST_WAIT = 20.0, 3_600.0

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class NoAnswer(StrEnum):
    """Why a post got no HTTP status."""

    TIMED_OUT = "timed_out"
    NO_SUCH_HOST = "no_such_host"
    #: An address of the host is private, loopback, link-local or the like.
    TARGET_REFUSED = "target_refused"
    NOT_CONNECTED = "not_connected"
    TLS_FAILED = "tls_failed"
    #: The connection broke, or the answer was no HTTP.
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of a post."""

    #: The HTTP status; None: there was none, and `text` is a value of NoAnswer.
    status: int | None
    #: The first characters of the answer.
    text: str
    took_ms: int
    #: Seconds for which the endpoint asked to be left alone; None: it did not.
    retry_after: float | None = None

    @property
    def taken(self) -> bool:
        """Whether the endpoint took the event: any 2xx, and nothing else."""
        return self.status is not None and 200 <= self.status < 300


class _Refused(Exception):
    """Why no connection is made; for within this module."""

    def __init__(self, why: NoAnswer) -> None:
        self.why = why
        super().__init__(why)


class GuardedClient:
    """Connections to one endpoint. It belongs to the running event loop."""

    def __init__(self, *, connections: int, allowed: Iterable[Network] = (), resolve: Resolver | None = None) -> None:
        # Threads of its own: a name server that hangs delays this endpoint only.
        self._names = ThreadPoolExecutor(2, thread_name_prefix="names")
        self._backend = _CheckedBackend(tuple(allowed), resolve or self._resolve)
        self._most_idle = connections
        # The last one used is taken first. (httpcore's own pool looks at all connections for every request: 16 of them
        # took as much time as all the rest.)
        self._idle: list[httpcore.AsyncHTTPConnection] = []

    async def post(self, url: str, body: bytes, headers: dict[str, str], *, within: float = TIME_LIMIT) -> Answer:
        """Post a body of JSON; never raises for what the other side does."""
        began = time.monotonic()
        status, text, wait = None, "", None
        try:
            async with asyncio.timeout(within):
                status, text, wait = await self._exchange(url, body, headers, within)
        except TimeoutError:
            text = NoAnswer.TIMED_OUT
        except _Refused as refused:
            text = refused.why
        except httpcore.TimeoutException:
            text = NoAnswer.TIMED_OUT
        except httpcore.ConnectError as problem:
            text = NoAnswer.TLS_FAILED if _is_tls(problem) else NoAnswer.NOT_CONNECTED
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError):
            text = NoAnswer.BROKEN
        took = int((time.monotonic() - began) * 1000)
        return Answer(status=status, text=str(text), took_ms=took, retry_after=wait)

    async def close(self) -> None:
        """Close the connections."""
        while self._idle:
            await self._idle.pop().aclose()
        self._names.shutdown(wait=False, cancel_futures=True)

    async def _exchange(
        self, url: str, body: bytes, headers: dict[str, str], within: float
    ) -> tuple[int, str, float | None]:
        request = _request(url, body, headers, within)
        connection = await self._connection(request)
        kept = False
        try:
            answer = await connection.handle_async_request(request)
            text = await _beginning(answer)
            await answer.aclose()
            kept = connection.is_idle() and len(self._idle) < self._most_idle
        finally:
            if kept:
                self._idle.append(connection)
            else:
                await _closed(connection)
        return answer.status, text, _wait_of(answer.headers)

    async def _connection(self, request: httpcore.Request) -> httpcore.AsyncHTTPConnection:
        """An idle connection that is still open, or a new one, which connects with its first request."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await _closed(connection)
        return httpcore.AsyncHTTPConnection(
            origin=request.url.origin,
            ssl_context=_tls() if request.url.scheme == b"https" else None,
            keepalive_expiry=_IDLE,
            network_backend=self._backend,
        )

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._names, _look_up, host, port)
        return list(dict.fromkeys(str(one[4][0]) for one in found))


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were judged, and to nothing else."""

    def __init__(self, allowed: tuple[Network, ...], resolve: Resolver) -> None:
        self._allowed, self._resolve = allowed, resolve
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        problem: Exception = _Refused(NoAnswer.NO_SUCH_HOST)
        for address in await checked_addresses(host, port, self._allowed, self._resolve):
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                problem = failed
        raise problem

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise _Refused(NoAnswer.TARGET_REFUSED)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def checked_addresses(host: str, port: int, allowed: Sequence[Network], resolve: Resolver) -> Sequence[str]:
    """The addresses of a host; none of them may be refused, or the host is."""
    try:
        found = await resolve(host, port)
    except (OSError, UnicodeError):
        raise _Refused(NoAnswer.NO_SUCH_HOST) from None
    if not found:
        raise _Refused(NoAnswer.NO_SUCH_HOST)
    if not all(is_allowed(address, allowed) for address in found):
        raise _Refused(NoAnswer.TARGET_REFUSED)
    return found


def target_problem(host: str, port: int, allowed: Sequence[Network]) -> NoAnswer | None:
    """Why callbacks to a host would be refused now; None: they would not. It waits for the name server."""
    try:
        found = {str(one[4][0]) for one in _look_up(host, port)}
    except (OSError, UnicodeError):
        return NoAnswer.NO_SUCH_HOST
    return None if found and all(is_allowed(one, allowed) for one in found) else NoAnswer.TARGET_REFUSED


def _request(url: str, body: bytes, headers: dict[str, str], within: float) -> httpcore.Request:
    parts = urlsplit(url)
    sent = {"host": parts.netloc, "user-agent": "ses-ops callbacks", "accept-encoding": "identity"}
    sent |= {"content-type": "application/json", "content-length": str(len(body)), **headers}
    limits = dict.fromkeys(("connect", "read", "write", "pool"), within)
    return httpcore.Request("POST", url, headers=list(sent.items()), content=body, extensions={"timeout": limits})


async def _beginning(answer: httpcore.Response) -> str:
    """The first characters of an answer; the rest of a long one is not read, and its connection ends."""
    read = bytearray()
    # The status has come, and that is what counts.
    with suppress(httpcore.NetworkError, httpcore.ProtocolError):
        async for part in answer.aiter_stream():
            read += part[:MOST_READ]
            if len(read) >= MOST_READ:
                break
    return _readable(bytes(read[:MOST_READ]))


async def _closed(connection: httpcore.AsyncHTTPConnection) -> None:
    with suppress(Exception):
        await connection.aclose()


def _look_up(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)


@cache
def _tls() -> ssl.SSLContext:
    """The authorities of the system (also SSL_CERT_FILE), and the usual ones where the system has none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _is_tls(problem: BaseException | None) -> bool:
    while problem is not None:
        if isinstance(problem, ssl.SSLError):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _readable(octets: bytes) -> str:
    text = octets.decode("utf-8", "replace")
    return "".join(one if one.isprintable() else " " for one in text)[:MOST_KEPT].strip()


def _wait_of(headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    """`Retry-After` in seconds (RFC 9110 10.2.3); its form as a date is not read."""
    for name, value in headers:
        if name.lower() == b"retry-after" and value.strip().isdigit() and len(value) < 10:
            return min(float(value), _LONGEST_WAIT)
    return None
