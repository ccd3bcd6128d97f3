"""The check of a database's schema version, at each new connection of the console.

Alembic, which upgrades a schema (`migrate`), is too slow to import for that.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ses_ops.errors import NewerSchema, NotSetUp
from ses_ops.storage.named_sql import fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)
_VERSIONS = Path(__file__).with_name("migrations") / "versions"


@cache
def known_versions() -> tuple[str, ...]:
    """The versions that this code knows, newest last: the numbers at the beginning of the migrations' file names."""
    return tuple(sorted(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.sql")))


def check_schema(conn: Connection) -> None:
    """Raise NotSetUp, with what to do, for a database that has an older schema, or a newer one."""
    version = _version(conn) if fetch_value(conn, _SQL["is_there"]) else None
    conn.rollback()
    newest = known_versions()[-1]
    if version is None:
        raise NotSetUp("schema_missing")
    if version == newest:
        return
    if version in known_versions():
        raise NotSetUp("schema_older", there=version, needed=newest)
    raise NewerSchema("schema_newer", there=version, needed=newest)


def refuse_newer(conn: Connection) -> None:
    """Raise NewerSchema for a version that this code does not know; a part of the caller's transaction.

    Other versions are left to what the statements then say.
    """
    version = _version(conn)
    if version is not None and version not in known_versions():
        raise NewerSchema("schema_newer", there=version, needed=known_versions()[-1])


def _version(conn: Connection) -> str | None:
    found: str | None = fetch_value(conn, _SQL["version"])
    return found
