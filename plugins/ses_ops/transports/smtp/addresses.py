"""The addresses that a mail server's name stands for, tried one after the other (RFC 5321 5.1)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Container
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Place(NamedTuple):
    """One address, as a connection is made to it."""

    host: str
    port: int
    family: int


class NoOtherPlace(Exception):
    """All addresses were left out."""


class Route:
    """Remembers which addresses failed: the next connection begins with the others. One for all connections."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        #: Failures in a row, by address.
        self._failures: dict[Place, int] = {}
        #: All addresses, as they were when they were looked up last.
        self._places: list[Place] = []

    async def first_of(
        self, connect: Callable[[Place], Awaitable[T]], *, timeout: float, without: Container[Place] = ()
    ) -> tuple[Place, T]:
        """What `connect` gives for the first address with which it does not fail with OSError.

        Each address has its share of `timeout` seconds: one that swallows everything, such as an IPv6 address behind a
        firewall, must leave time for the others. Raises socket.gaierror, UnicodeError, or the error of the last
        address, whose notes tell those of the others; NoOtherPlace when all addresses are among those left out.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        async with asyncio.timeout_at(end):
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        self._places = list(dict.fromkeys(_place(family, address) for family, _, _, _, address in found))
        places = [place for place in self._places if place not in without]
        if self._places and not places:
            raise NoOtherPlace
        places.sort(key=lambda place: self._failures.get(place, 0))
        failed: list[str] = []
        for number, place in enumerate(places):
            share = (end - loop.time()) / (len(places) - number)
            try:
                async with asyncio.timeout(max(0.0, share)):
                    return place, await connect(place)
            except OSError as error:  # a TimeoutError is one
                self.failed(place)
                if number == len(places) - 1:
                    for words in failed:
                        error.add_note(words)
                    raise
                failed.append(f"{place.host}: {_words(error)}")
        raise socket.gaierror(socket.EAI_NONAME, "no address")

    def has_another(self, place: Place) -> bool:
        """Whether there is an address that has not failed more often than this one."""
        failures = self._failures
        return any(one != place and failures.get(one, 0) <= failures.get(place, 0) for one in self._places)

    def failed(self, place: Place) -> None:
        """No session could be opened there."""
        self._failures[place] = self._failures.get(place, 0) + 1

    def worked(self, place: Place) -> None:
        """A session was opened there."""
        self._failures.pop(place, None)


def _place(family: int, address: tuple[Any, ...]) -> Place:
    host = str(address[0])
    if family == socket.AF_INET6 and len(address) > 3 and address[3] and "%" not in host:
        host = f"{host}%{address[3]}"
    return Place(host, int(address[1]), family)


def _words(error: OSError) -> str:
    return error.strerror or str(error) or "no connection in time"
