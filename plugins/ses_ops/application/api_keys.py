"""Use cases of keys of programs: create, list, revoke.

An entry of the audit log has a key's id and name, never its secret.
"""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed
from ses_ops.application.secret_box import SecretBox
from ses_ops.domain.api_key import (
    ID_LENGTH,
    ID_PREFIX,
    SECRET_LENGTH,
    ApiKey,
    Scope,
    parse_domains,
    parse_key_name,
    parse_per_second,
    parse_scopes,
)
from ses_ops.errors import Conflict, NotFound
from ses_ops.storage.access import api_keys
from ses_ops.storage.connection import KeyTaken, transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.storage.access.api_keys import CredentialRow, KeyRow

_CHARACTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyMade(Changed):
    """A new key with its secret: shown once, and nowhere again. It unpacks as (key, secret)."""

    key: ApiKey
    secret: str = field(repr=False)

    def __iter__(self) -> Iterator[ApiKey | str]:
        return iter((self.key, self.secret))


def create_key(
    conn: Connection,
    actor: Actor,
    name: str,
    scopes: Iterable[str],
    domains: Iterable[str],
    per_second: int | None = None,
    *,
    box: SecretBox | None = None,
) -> KeyMade:
    """Make a key; `box` is used in place of that of Airflow's Fernet key.

    Raises InvalidInput, Conflict for a name that a valid key has, NotSetUp without a Fernet key.
    """
    name, scope_list, domain_list = parse_key_name(name), parse_scopes(scopes), parse_domains(domains)
    per_second = parse_per_second(per_second)
    id, secret = ID_PREFIX + _random(ID_LENGTH), _random(SECRET_LENGTH)
    boxed = (box or SecretBox.of_airflow()).close(secret.encode())
    with actor.recorded("create_api_key", key=id, name=name, scopes=scope_list, domains=domain_list):
        try:
            with transaction(conn):
                api_keys.insert(
                    conn,
                    id=id,
                    name=name,
                    scopes=scope_list,
                    domains=domain_list,
                    secret_hash=secret_hash(secret),
                    secret_box=boxed,
                    per_second=per_second,
                    created_by=actor.name,
                )
        except KeyTaken:
            raise Conflict("api_key_name_taken", name=name) from None
    scope_set = frozenset(map(Scope, scope_list))
    made = ApiKey(id=id, name=name, scopes=scope_set, domains=frozenset(domain_list), per_second=per_second)
    return KeyMade(key=made, secret=secret)


def list_keys(conn: Connection, *, revoked_too: bool = True) -> list[KeyRow]:
    """The keys without their secrets, valid ones first."""
    with transaction(conn):
        return api_keys.keys(conn, revoked_too=revoked_too)


def find_key(conn: Connection, given: str) -> KeyRow:
    """The key of an id, or the valid one of a name. Raises NotFound."""
    with transaction(conn):
        found = api_keys.find(conn, given)
    if found is None:
        raise NotFound("API key", given, code="api_key_not_found")
    return found


def revoke_key(conn: Connection, actor: Actor, given: str) -> Changed:
    """Revoke the key of an id or a name, for all requests that come after this. Raises NotFound."""
    found = find_key(conn, given)
    with actor.recorded("revoke_api_key", key=found.id, name=found.name), transaction(conn):
        changed = api_keys.revoke(conn, found.id, by=actor.name)
    return Changed(changed=changed)


def valid_keys(conn: Connection) -> list[tuple[ApiKey, CredentialRow]]:
    """The valid keys, each with what its secret is proved by."""
    with transaction(conn):
        rows = api_keys.credentials(conn)
    return [(_key(row), row) for row in rows]


def note_use(conn: Connection, ids: Sequence[str]) -> None:
    """Note that keys are used now."""
    with transaction(conn):
        api_keys.note_used(conn, ids)


def secret_hash(secret: str) -> bytes:
    """What proves a secret of `SECRET_LENGTH` random characters: its SHA-256, which needs no salt and no stretching."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _key(row: CredentialRow) -> ApiKey:
    scopes = frozenset(map(Scope, row.scopes))
    return ApiKey(id=row.id, name=row.name, scopes=scopes, domains=frozenset(row.domains), per_second=row.per_second)


def _random(length: int) -> str:
    return "".join(secrets.choice(_CHARACTERS) for _ in range(length))
