"""What a mail server's log says that it took: Message-IDs of ours, and addresses, in lines of any form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: Our Message-IDs: installation, occurrence, number in it (`rendering/message.py`).
_MESSAGE_ID = re.compile(r"\b([0-9a-z]{1,64})\.([0-9]{1,18})\.([0-9]{1,9})@")
_ADDRESS = re.compile(r"[^\s<>,;:=\"'()\[\]]+@[^\s<>,;:=\"'()\[\]]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenByRelay:
    """The messages that a mail server took."""

    #: Installation, occurrence and number of each message whose Message-ID is there.
    message_ids: frozenset[tuple[str, int, int]]
    #: Keys of addresses; a Message-ID is among them and harms nobody.
    address_keys: frozenset[str]


def read_taken(lines: Iterable[str]) -> TakenByRelay:
    """All Message-IDs and addresses of some lines. Which lines say that a message was taken, the caller knows."""
    message_ids: set[tuple[str, int, int]] = set()
    keys: set[str] = set()
    for line in lines:
        message_ids.update((one[1], int(one[2]), int(one[3])) for one in _MESSAGE_ID.finditer(line))
        keys.update(one.rstrip(".").casefold() for one in _ADDRESS.findall(line))
    return TakenByRelay(message_ids=frozenset(message_ids), address_keys=frozenset(keys))
