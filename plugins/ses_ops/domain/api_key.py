"""Keys of programs: what each may do, and for which sender domains."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: In place of the sender domains of a key: every one.
ANY_DOMAIN = "*"


class Scope(StrEnum):
    """What a key is for. `MANAGE` holds the other two."""

    SEND = "send"
    READ = "read"
    MANAGE = "manage"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key that a request has proved to have."""

    id: str
    name: str
    scopes: frozenset[Scope]
    #: Sender domains, lower case; or ANY_DOMAIN alone.
    domains: frozenset[str]
    #: Requests a second; None: the installation's setting.
    per_second: int | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the key is for this."""
        return scope in self.scopes or Scope.MANAGE in self.scopes

    def may_use(self, domain: str) -> bool:
        """Whether the key is for mail of this sender domain."""
        return ANY_DOMAIN in self.domains or domain in self.domains
