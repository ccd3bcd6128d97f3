"""Keys of programs: what each may do, and for which sender domains."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ses_ops.domain.address import parse_domain
from ses_ops.errors import InvalidInput

#: In place of the sender domains of a key: every one.
ANY_DOMAIN = "*"
#: What the id of a key begins with, as SecretId of the reference does.
ID_PREFIX = "AKID"
#: Characters behind the prefix, and of a secret: letters and digits, 190 bits.
ID_LENGTH = SECRET_LENGTH = 32
_ID = re.compile(rf"{ID_PREFIX}[A-Za-z0-9]{{{ID_LENGTH}}}")
_SECRET = re.compile(rf"[A-Za-z0-9]{{{SECRET_LENGTH}}}")
#: Characters of a name.
LONGEST_NAME = 63
#: Requests a second.
MOST_PER_SECOND = 100_000


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


def is_key_id(given: str) -> bool:
    """Whether a text can be the id of a key."""
    return _ID.fullmatch(given) is not None


def is_secret(given: str) -> bool:
    """Whether a text can be the secret of a key."""
    return _SECRET.fullmatch(given) is not None


def parse_key_name(given: str) -> str:
    """The name of a key, for people. Raises InvalidInput."""
    name = given.strip()
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
        raise InvalidInput("api_key_name_not_usable", given=name[:100], field="name")
    return name


def parse_scopes(given: Iterable[str]) -> list[str]:
    """Scopes, each once, in the order of Scope. Raises InvalidInput for none, and for an unknown one."""
    wanted = {one.strip().lower() for one in given if one.strip()}
    if not wanted or wanted - set(Scope):
        raise InvalidInput("api_key_scopes_not_usable", known=[scope.value for scope in Scope], field="scopes")
    return [scope.value for scope in Scope if scope in wanted]


def parse_domains(given: Iterable[str]) -> list[str]:
    """Sender domains as they are compared, sorted, or ANY_DOMAIN alone. Raises InvalidInput."""
    wanted = {one.strip() for one in given if one.strip()}
    if not wanted or (ANY_DOMAIN in wanted and len(wanted) > 1):
        raise InvalidInput("api_key_domains_not_usable", field="domains")
    return sorted({one if one == ANY_DOMAIN else parse_domain(one) for one in wanted})


def parse_per_second(given: int | None) -> int | None:
    """Requests a second, None for the installation's setting. Raises InvalidInput."""
    if given is not None and not 1 <= given <= MOST_PER_SECOND:
        raise InvalidInput("api_key_per_second_not_usable", field="per_second")
    return given
