"""The mailbox provider of an address: who runs the recipient's mailbox.

Known by the MX of the domain where that was looked up; else by a table of names, which is data
(mailbox_providers.txt); else it is the domain itself.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIST = Path(__file__).with_name("mailbox_providers.txt")
_HOSTS = Path(__file__).with_name("mailbox_exchangers.txt")
#: The provider of an address that was erased.
UNKNOWN = "unknown"
#: The provider of the addresses that a sending provider simulates; they are in no rate.
SIMULATOR = "simulator"
#: What counts have in the place of a provider that is not known by name.
OTHER = "other"
#: Characters of the longest name of a provider (a domain, RFC 1035 2.3.4).
_LONGEST = 253


@cache
def providers_by_domain() -> dict[str, str]:
    """Names of providers, by the domains of their addresses; all in lower case."""
    return _table(_LIST)


@cache
def providers_by_host() -> dict[str, str]:
    """Names of providers, by suffixes of the hosts of their MX records; all in lower case."""
    return _table(_HOSTS)


@cache
def _names() -> frozenset[str]:
    return frozenset(providers_by_domain().values()) | frozenset(providers_by_host().values())


def counted_provider(domain: str, known: str | None) -> str:
    """The name by which mail to a domain is counted; `known`: its provider by MX. `OTHER` for one without a name."""
    provider = known or mailbox_provider(domain)
    return provider if provider in _names() else OTHER


def _table(file: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, domains = line.partition(":")
            found |= dict.fromkeys(domains.split(), name.strip())
    return found


def domain_of(address_key: str) -> str:
    """The domain of an address key; "" of an erased one, which is a hash."""
    return address_key.rpartition("@")[2] if "@" in address_key else ""


def mailbox_provider(domain: str) -> str:
    """The provider of a domain by the table of names: of the domain, or of one that it is a part of; else the domain.

    The table never has a public suffix (`co.jp`), so that a longest match of whole labels is enough.
    """
    domain = domain.lower()[:_LONGEST]
    return _of_suffix(providers_by_domain(), domain) or domain or UNKNOWN


def provider_by_mx(domain: str, hosts: Sequence[str]) -> str:
    """The provider of a domain by the hosts of its MX records, the preferred one first; else by the table of names."""
    if mailbox_provider(domain) == SIMULATOR:
        return SIMULATOR  # whatever runs its mail
    known = providers_by_host()
    found = (_of_suffix(known, host.lower()) for host in hosts)
    return next((name for name in found if name), None) or mailbox_provider(domain)


def _of_suffix(known: dict[str, str], name: str) -> str | None:
    while name:
        if provider := known.get(name):
            return provider
        name = name.partition(".")[2]
    return None
