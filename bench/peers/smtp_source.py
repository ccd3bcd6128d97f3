"""Postfix's smtp-source (C): no rendering, no record, messages of the same size.

Connections are kept (-d).
"""

from __future__ import annotations

from bench import messages
from bench.sent import SenderResult, measured_child
from bench.sink import program

NAME = "smtp-source -d (C)"
#: Bytes of the headers that smtp-source adds to the length of `-l`.
_OWN_HEADERS = 200


def send(port: int, count: int, *, connections: int = 20) -> SenderResult:
    """Send, and measure the process of smtp-source alone."""
    size = str(messages.wire_bytes() - _OWN_HEADERS)
    command = [program("smtp-source"), "-d", "-s", str(connections), "-l", size, "-m", str(count)]
    addresses = ["-f", f"news@{messages.DOMAIN}", "-t", messages.address(1)]
    return measured_child(count, [*command, *addresses, f"127.0.0.1:{port}"])
