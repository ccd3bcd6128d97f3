"""What the kernel says of a container: its processes, their rights, its sockets and its limits."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")
_LISTENING = "0A"
#: /proc/net/udp: a socket that is bound, and connected to nobody.
_BOUND = "07"


@dataclass(frozen=True)
class Process:
    """One process of a container."""

    pid: int
    command: str
    #: /proc/PID/status: name -> value.
    status: dict[str, str]

    @property
    def users(self) -> set[int]:
        """Real, effective, saved and file system user."""
        return {int(one) for one in self.status["Uid"].split()}

    @property
    def capabilities(self) -> set[str]:
        """Names of the sets in /proc/PID/status that hold any."""
        return {name for name, value in self.status.items() if name.startswith("Cap") and int(value, 16)}


def processes(first: int) -> list[Process]:
    """All processes in the namespace of processes of a container whose first process is `first`."""
    namespace = os.readlink(_PROC / str(first) / "ns/pid")
    return [one for one in map(_process, _pids()) if one and _namespace(one.pid) == namespace]


def _pids() -> Iterator[int]:
    yield from (int(one.name) for one in _PROC.iterdir() if one.name.isdecimal())


def _namespace(pid: int) -> str:
    with suppress(OSError):
        return os.readlink(_PROC / str(pid) / "ns/pid")
    return ""


def _process(pid: int) -> Process | None:
    with suppress(OSError):
        status = dict(
            line.split(":\t", 1) for line in (_PROC / str(pid) / "status").read_text().splitlines() if ":\t" in line
        )
        if not status["State"].startswith("Z"):
            return Process(
                pid, (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"), status
            )
    return None


def open_ports(pid: int) -> set[tuple[str, IPv4Address | IPv6Address, int]]:
    """("tcp" or "udp", address, port) of everything that can be reached in the network of process `pid`."""
    found = set()
    for kind, state in (("tcp", _LISTENING), ("udp", _BOUND)):
        for version in ("", "6"):
            file = _PROC / str(pid) / "net" / f"{kind}{version}"
            for line in file.read_text().splitlines()[1:] if file.exists() else ():
                _, local, _, its_state, *_ = line.split()
                if its_state == state:
                    address, port = local.split(":")
                    found.add((kind, _address(address), int(port, 16)))
    return found


def _address(hexadecimal: str) -> IPv4Address | IPv6Address:
    words = [int(hexadecimal[place : place + 8], 16) for place in range(0, len(hexadecimal), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return ip_address(socket.inet_ntop(socket.AF_INET6 if len(words) > 1 else socket.AF_INET, packed))


@dataclass(frozen=True)
class Group:
    """A container's cgroups, of whichever version the machine has."""

    pid: int

    def file(self, controller: str, old: str, new: str) -> Path | None:
        """The controller's file: named `old` in version 1 and `new` in version 2; None where there is none."""
        for line in (_PROC / str(self.pid) / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                return _GROUPS / controller / path.lstrip("/") / old
            if not controllers and (found := _GROUPS / path.lstrip("/") / new).exists():
                return found
        return None

    def number(self, controller: str, old: str, new: str) -> int | None:
        """What such a file says; None for `max` and where there is none."""
        file = self.file(controller, old, new)
        text = file.read_text().strip() if file else "max"
        return None if text == "max" else int(text)

    def table(self, old: str, new: str) -> dict[str, int]:
        """A file of the memory controller with a name and a number in each line."""
        file = self.file("memory", old, new)
        lines = file.read_text().splitlines() if file else []
        return {name: int(value) for name, value in map(str.split, lines)}

    @property
    def memory_limit(self) -> int | None:
        """Octets."""
        return self.number("memory", "memory.limit_in_bytes", "memory.max")

    @property
    def pids_limit(self) -> int | None:
        """Processes and threads together."""
        return self.number("pids", "pids.max", "pids.max")

    @property
    def memory_peak(self) -> int | None:
        """Octets, with the page cache."""
        return self.number("memory", "memory.max_usage_in_bytes", "memory.peak")

    @property
    def memory_without_cache(self) -> int:
        """Octets that the kernel cannot drop, now."""
        found = self.table("memory.stat", "memory.stat")
        return found.get("total_rss", found.get("anon", 0)) + found.get("total_shmem", found.get("shmem", 0))

    @property
    def out_of_memory_kills(self) -> int:
        """How many of its processes the kernel killed for want of memory."""
        return self.table("memory.oom_control", "memory.events").get("oom_kill", 0)
