"""Whether a database has the schema that this code was written for, asked at each new connection of the console.

Alembic, which brings a schema to its newest version (`migrate`), is too heavy for that.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ses_ops.errors import NotSetUp

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_VERSIONS = Path(__file__).with_name("migrations") / "versions"


@cache
def known_versions() -> tuple[str, ...]:
    """The versions that this code knows, the newest last: the numbers that the names of the migrations begin with."""
    return tuple(sorted(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.sql")))


def check_schema(conn: Connection) -> None:
    """Raise NotSetUp, which says what to do, for a database that has not the newest schema, or a newer one."""
    with conn.cursor() as cursor:
        cursor.execute("SELECT to_regclass('ses_schema_version')")
        is_there = cursor.fetchone() != (None,)
        if is_there:
            cursor.execute("SELECT version_num FROM ses_schema_version")
        row = cursor.fetchone() if is_there else None
    conn.rollback()
    newest = known_versions()[-1]
    if row is None:
        raise NotSetUp("schema_missing")
    if row[0] == newest:
        return
    if row[0] in known_versions():
        raise NotSetUp("schema_older", there=row[0], needed=newest)
    raise NotSetUp("schema_newer", there=row[0], needed=newest)
