"""The check that the ports of the stack are free, before any component starts."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from ses_ops.errors import SesError


@dataclass(frozen=True, kw_only=True)
class WantedPort:
    """A port that the stack will listen on."""

    #: The setting that chooses the port, for the message.
    setting: str
    host: str
    port: int
    purpose: str


def check_ports(wanted: Iterable[WantedPort]) -> None:
    """Raise SesError that names every port that is taken and the setting that chooses the port."""
    problems: list[str] = []
    seen: dict[int, str] = {}
    for one in wanted:
        if one.port in seen:
            problems.append(f"{seen[one.port]} and {one.setting} are both {one.port}: choose two different ports")
        else:
            seen[one.port] = one.setting
            if problem := _problem(one):
                problems.append(problem)
    if problems:
        raise SesError("; ".join(problems))


def _problem(one: WantedPort) -> str | None:
    place = f"port {one.port} on {one.host} ({one.purpose})"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(one.host, one.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # Servers set this option, too: an old connection that the kernel still remembers does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror:
        return f"SES_WEB_HOST: {one.host!r} is not an address of this machine"
    except OSError as cause:
        if cause.errno == errno.EADDRINUSE:
            return f"{place} is taken by another program: stop it, or set {one.setting} to a free port"
        if cause.errno == errno.EACCES:
            return f"{place} may not be used by this user: set {one.setting} to a port above 1023"
        return f"{place} cannot be used ({cause.strerror}): set {one.setting} to another one"
    return None
