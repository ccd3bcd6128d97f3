"""Postfix's smtp-source: C, no rendering, no record; a message of the same size, connections kept (-d)."""

from __future__ import annotations

from bench import messages
from bench.sent import Sent, measured_child
from bench.sink import program

NAME = "smtp-source -d (C)"
#: Bytes of the headers that it adds to what `-l` says.
_OWN_HEADERS = 200


def send(port: int, count: int, *, connections: int = 20) -> Sent:
    """Send, and measure its process alone."""
    size = str(messages.wire_bytes() - _OWN_HEADERS)
    command = [program("smtp-source"), "-d", "-s", str(connections), "-l", size, "-m", str(count)]
    addresses = ["-f", f"news@{messages.DOMAIN}", "-t", messages.address(1)]
    return measured_child(count, [*command, *addresses, f"127.0.0.1:{port}"])
