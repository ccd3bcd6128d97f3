"""The addresses behind a mail server's name, tried one after the other (RFC 5321 5.1)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Container
from typing import Any, NamedTuple, TypeVar

from ses_ops.transports.flow.timers import awake_timeout

T = TypeVar("T")


class ServerAddress(NamedTuple):
    """One address and port that a connection can be made to."""

    host: str
    port: int
    family: int


class NoOtherAddress(Exception):
    """Every address of the name is one of those to leave out."""


class AddressFailover:
    """Remembers which addresses failed, for all connections: the next connection tries the other addresses first."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        #: Number of failures in a row, by address.
        self._failures: dict[ServerAddress, int] = {}
        #: All addresses of the name by the newest look-up.
        self._addresses: list[ServerAddress] = []

    async def connect_first(
        self,
        connect: Callable[[ServerAddress], Awaitable[T]],
        *,
        timeout: float,
        without: Container[ServerAddress] = (),
    ) -> tuple[ServerAddress, T]:
        """The first address with which `connect` does not fail with OSError, and what `connect` gave for that address.

        Each address has its share of `timeout` seconds: one that swallows all packets, such as an IPv6 address behind a
        firewall, must leave time for the others. The addresses in `without` are left out. Raises socket.gaierror,
        UnicodeError, or the error of the last address, whose notes name the errors of the others; NoOtherAddress when
        every address is left out.
        """
        loop = asyncio.get_running_loop()
        left = timeout
        async with awake_timeout(left):
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        self._addresses = list(dict.fromkeys(_address(family, sockaddr) for family, _, _, _, sockaddr in found))
        addresses = [address for address in self._addresses if address not in without]
        if self._addresses and not addresses:
            raise NoOtherAddress
        addresses.sort(key=lambda address: self._failures.get(address, 0))
        failed: list[str] = []
        for number, address in enumerate(addresses):
            share, began = left / (len(addresses) - number), loop.time()
            try:
                async with awake_timeout(share):
                    return address, await connect(address)
            except OSError as error:  # TimeoutError is a subclass of OSError
                left -= min(share, loop.time() - began)
                self.failed(address)
                if number == len(addresses) - 1:
                    for words in failed:
                        error.add_note(words)
                    raise
                failed.append(f"{address.host}: {_words(error)}")
        raise socket.gaierror(socket.EAI_NONAME, "no address")

    def has_another(self, address: ServerAddress) -> bool:
        """Whether there is another address that has not failed more often than this address."""
        failures = self._failures
        return any(one != address and failures.get(one, 0) <= failures.get(address, 0) for one in self._addresses)

    def failed(self, address: ServerAddress) -> None:
        """Count a failure: no session could be opened at this address."""
        self._failures[address] = self._failures.get(address, 0) + 1

    def succeeded(self, address: ServerAddress) -> None:
        """Forget the failures of an address at which a session was opened."""
        self._failures.pop(address, None)


def _address(family: int, sockaddr: tuple[Any, ...]) -> ServerAddress:
    host = str(sockaddr[0])
    if family == socket.AF_INET6 and len(sockaddr) > 3 and sockaddr[3] and "%" not in host:
        host = f"{host}%{sockaddr[3]}"
    return ServerAddress(host, int(sockaddr[1]), family)


def _words(error: OSError) -> str:
    return error.strerror or str(error) or "no connection in time"
