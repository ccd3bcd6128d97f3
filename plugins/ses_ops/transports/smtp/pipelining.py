"""The modes of pipelining (RFC 2920), and the servers known to bear the highest.

A mode says how much of the dialogue is written before the replies have come.
"""

from __future__ import annotations

import re
import tomllib
from enum import Enum, IntEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ses_ops.transports.smtp.capabilities import Capabilities

_SERVERS = Path(__file__).with_suffix(".toml")


class Mode(IntEnum):
    """The grouping of the commands of a message; a higher mode waits for fewer replies."""

    #: One command at a time: four round trips a message.
    NONE = 0
    #: MAIL, RCPT and DATA in one write, after the reply to the message before: two round trips.
    GROUP = 1
    #: MAIL, RCPT and DATA in the same write as the final dot of the message before: one round trip.
    ACROSS = 2


class Pipelining(Enum):
    """The setting `pipelining`. No command is pipelined where the server does not offer PIPELINING."""

    #: ACROSS for the servers that are known to bear it (pipelining.toml), GROUP for all others.
    AUTO = "auto"
    NONE = "none"
    GROUP = "group"
    ACROSS = "across"


class _Server(NamedTuple):
    greeting: re.Pattern[str]
    hello: re.Pattern[str]


def bears_across(greeting: str, capabilities: Capabilities) -> bool:
    """Whether greeting and reply to EHLO are those of a server that is known to bear Mode.ACROSS."""
    return any(one.greeting.search(greeting) and one.hello.search(capabilities.hello) for one in _known())


@lru_cache(maxsize=1)
def _known() -> tuple[_Server, ...]:
    data = tomllib.loads(_SERVERS.read_text(encoding="utf-8"))
    return tuple(_Server(re.compile(one["greeting"]), re.compile(one["hello"])) for one in data["across"])
