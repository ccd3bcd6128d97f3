"""The data of the rules that tell people from machines: networks, user agents and spans, read from a dated file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("engagement_verdict.toml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Within:
    """Spans, in seconds; engagement_verdict.toml says of what."""

    bare_agent: float
    image_proxy: float
    too_soon: float
    clock_skew: float
    many_links: float
    in_order: float
    second_device: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Numbers:
    """Limits; engagement_verdict.toml says of what."""

    many_links: int
    in_order: int
    devices: int


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules as data."""

    as_of: date
    bare_agents: frozenset[str]
    within: Within
    numbers: Numbers
    apple_relay: tuple[IPv4Network | IPv6Network, ...]
    image_proxy: re.Pattern[str]
    #: Each with the name of its rule.
    machines: tuple[tuple[str, re.Pattern[str]], ...]
    systems: tuple[tuple[str, re.Pattern[str]], ...]

    def is_relay(self, ip: str) -> bool:
        """Whether an address is one of Apple's relays."""
        try:
            address = ip_address(ip)
        except ValueError:
            return False
        return any(address in network for network in self.apple_relay if network.version == address.version)


def read_rules(text: str) -> Rules:
    """The rules of a TOML text. Raises ValueError, KeyError or TypeError for one that is wrong."""
    data: dict[str, Any] = tomllib.loads(text)
    return Rules(
        as_of=data["as_of"],
        bare_agents=frozenset(data["bare_agents"]),
        within=Within(**data["within"]),
        numbers=Numbers(**data["numbers"]),
        apple_relay=tuple(ip_network(one) for one in data["apple_relay"]["networks"]),
        image_proxy=_pattern("|".join(one["text"] for one in data["image_proxy"])),
        machines=tuple((one["rule"], _pattern(one["text"])) for one in data["machine"]),
        systems=tuple((one["name"], _pattern(one["text"])) for one in data["system"]),
    )


@cache
def rules() -> Rules:
    """The rules of this version."""
    return read_rules(_FILE.read_text(encoding="utf-8"))


@lru_cache(maxsize=4096)
def machine_rule(user_agent: str) -> str | None:
    """The name of the rule by which a user agent is no person; None: none."""
    return next((name for name, pattern in rules().machines if pattern.search(user_agent)), None)


@lru_cache(maxsize=4096)
def system_of(user_agent: str) -> str:
    """The operating system that a user agent names; "" for none."""
    return next((name for name, pattern in rules().systems if pattern.search(user_agent)), "")


@lru_cache(maxsize=4096)
def network_of_client(ip: str) -> str:
    """The network of a client: 24 bits of IPv4, 48 of IPv6; "" where it is not known."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ""
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
