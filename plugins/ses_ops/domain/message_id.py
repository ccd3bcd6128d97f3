"""Ids of single messages: UUIDs of version 7 (RFC 9562, section 5.7), so that new ones stand at the end of an index."""

from __future__ import annotations

from uuid import UUID

_VERSION, _VARIANT = 0x7 << 76, 0x2 << 62


def new_message_id(milliseconds: int, random: bytes) -> UUID:
    """The id of a message that is made now: milliseconds since 1970, and 10 octets of randomness."""
    chance = int.from_bytes(random, "big")
    high, low = (chance >> 62) & 0xFFF, chance & ((1 << 62) - 1)
    return UUID(int=(milliseconds & 0xFFFFFFFFFFFF) << 80 | _VERSION | high << 64 | _VARIANT | low)
