"""The mailbox provider of an address: who runs the recipient's mailbox.

Known by the MX of the domain where that was looked up; else by a table of names, which is data
(mailbox_providers.txt); else it is the domain itself.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_LIST = Path(__file__).with_name("mailbox_providers.txt")
#: The provider of an address that was erased.
UNKNOWN = "unknown"
#: Characters of the longest name of a provider (a domain, RFC 1035 2.3.4).
_LONGEST = 253


@cache
def providers_by_domain() -> dict[str, str]:
    """Names of providers, by the domains of their addresses; all in lower case."""
    found: dict[str, str] = {}
    for line in _LIST.read_text(encoding="utf-8").splitlines():
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
    known, rest = providers_by_domain(), domain
    while rest:
        if name := known.get(rest):
            return name
        rest = rest.partition(".")[2]
    return domain or UNKNOWN
