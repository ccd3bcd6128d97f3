"""Sender domains as clients of the reference made them: what this installation has no other place for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.storage.named_sql import execute, fetch_row, fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredIdentity:
    """A domain that a client made."""

    domain: str
    #: 0: a DKIM key of 1024 bits, 1: of 2048, 2: both.
    dkim_option: int
    #: Objects of `TagKey` and `TagValue`.
    tags: list[dict[str, Any]]
    created_at: datetime


def identities(conn: Connection) -> list[StoredIdentity]:
    """All of them by name."""
    return fetch_rows(conn, StoredIdentity, _SQL["identities"])


def find(conn: Connection, domain: str) -> StoredIdentity | None:
    """The one of a domain; None: no client made it."""
    return fetch_row(conn, StoredIdentity, _SQL["identity"], domain=domain)


def add(conn: Connection, domain: str, *, dkim_option: int, tags: Sequence[dict[str, str]], by: str) -> bool:
    """Note a new domain; False when it is noted already."""
    written = json.dumps(list(tags))
    return execute(conn, _SQL["add_identity"], domain=domain, dkim_option=dkim_option, tags=written, by=by) > 0


def set_dkim_option(conn: Connection, domain: str, *, dkim_option: int, by: str) -> None:
    """Note the wanted length of the DKIM key."""
    execute(conn, _SQL["set_dkim_option"], domain=domain, dkim_option=dkim_option, by=by)


def remove(conn: Connection, domain: str) -> bool:
    """Forget a domain; False when it was not noted."""
    return execute(conn, _SQL["remove_identity"], domain=domain) > 0
