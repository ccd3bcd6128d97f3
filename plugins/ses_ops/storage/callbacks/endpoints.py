"""Endpoints of callbacks, and the processes that post to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.storage.named_sql import execute, explained, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Largest number of waiting events that is counted.
MOST_COUNTED = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """An endpoint without its secrets. `url` is the whole address: only its shown form may leave the application."""

    id: int
    name: str
    url: str
    sender_domain: str | None
    format: str
    kinds: list[str]
    concurrency: int
    per_second: int
    created_at: datetime
    created_by: str | None
    paused_at: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    stopped_at: datetime | None
    stopped_why: str | None
    #: Until when the secret before the last rotation signs too.
    former_until: datetime | None
    #: Number of events that wait, at most MOST_COUNTED, and since when the oldest of them.
    waiting: int
    oldest_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveEndpoint:
    """An endpoint as a deliverer needs it."""

    id: int
    name: str
    url: str
    format: str
    concurrency: int
    per_second: int
    failing_since: datetime | None
    failing_too_long: bool | None
    secret: bytes
    former_secret: bytes | None

    @property
    def valid_secrets(self) -> tuple[bytes, ...]:
        """The secrets that sign now, the newest first."""
        return tuple(bytes(one) for one in (self.secret, self.former_secret) if one)


@dataclass(frozen=True, kw_only=True, slots=True)
class Troubled:
    """An endpoint that a person should look at."""

    name: str
    #: False: it has failed for more than an hour.
    stopped: bool


def endpoints(conn: Connection, *, name: str | None = None) -> list[Endpoint]:
    """The endpoints, or the one of a name."""
    return fetch_rows(conn, Endpoint, _SQL["endpoints"], name=name, most=MOST_COUNTED)


def active(conn: Connection, *, stop_after_days: int) -> list[ActiveEndpoint]:
    """The endpoints that are posted to now."""
    return fetch_rows(conn, ActiveEndpoint, _SQL["active"], stop_after_days=stop_after_days)


def insert(
    conn: Connection,
    *,
    name: str,
    url: str,
    sender_domain: str | None,
    made_as: str,
    kinds: Sequence[str],
    concurrency: int,
    per_second: int,
    secret: bytes,
    created_by: str,
) -> int:
    """Write an endpoint; returns its number. Raises KeyTaken when another one has the name."""
    values: dict[str, Any] = {"name": name, "url": url, "sender_domain": sender_domain, "format": made_as}
    values |= {"kinds": list(kinds), "concurrency": concurrency, "per_second": per_second, "secret": secret}
    return int(fetch_value(conn, _SQL["insert"], **values, created_by=created_by))


def lock(conn: Connection, name: str) -> int | None:
    """Lock the endpoint of a name; its number, None without one."""
    found = fetch_value(conn, _SQL["lock"], name=name)
    return None if found is None else int(found)


def rotate(conn: Connection, endpoint_id: int, *, secret: bytes, hours: int) -> None:
    """Sign with a new secret, and for `hours` hours with the present one too."""
    execute(conn, _SQL["rotate"], id=endpoint_id, secret=secret, hours=hours)


def pause(conn: Connection, endpoint_id: int) -> bool:
    """Post nothing more to an endpoint; False when it is paused already."""
    return execute(conn, _SQL["pause"], id=endpoint_id) > 0


def resume(conn: Connection, endpoint_id: int) -> bool:
    """Post to an endpoint again; False when it was neither paused nor stopped."""
    changed = execute(conn, _SQL["resume"], id=endpoint_id) > 0
    if changed:
        execute(conn, _SQL["due_now"], id=endpoint_id)
    return changed


def remove(conn: Connection, endpoint_id: int, *, shown: str) -> None:
    """Remove an endpoint and forget its secrets and its address. Its waiting events are removed by and by."""
    execute(conn, _SQL["remove"], id=endpoint_id, shown=shown)


def stop(conn: Connection, endpoint_id: int, *, why: str) -> bool:
    """Stop an endpoint for what a deliverer found; False when it is stopped already."""
    return execute(conn, _SQL["stop"], id=endpoint_id, **explained(why=why)) > 0


def note_failing(conn: Connection, endpoint_id: int) -> bool:
    """Note since when an endpoint fails; False when that is noted already."""
    return execute(conn, _SQL["note_failing"], id=endpoint_id) > 0


def note_success(conn: Connection, endpoint_id: int) -> None:
    """Note that an endpoint took a post."""
    execute(conn, _SQL["note_success"], id=endpoint_id)


def url_of(conn: Connection, endpoint_id: int) -> str:
    """The whole address of an endpoint."""
    return str(fetch_value(conn, _SQL["url_of"], id=endpoint_id))


def troubled(conn: Connection) -> list[Troubled]:
    """The endpoints that a person should look at."""
    return fetch_rows(conn, Troubled, _SQL["troubled"])


def beat(conn: Connection, *, name: str, host: str) -> None:
    """Note that a deliverer is alive."""
    execute(conn, _SQL["beat"], name=name, host=host)


def forget_deliverers(conn: Connection, *, name: str) -> None:
    """Forget a deliverer that ends, and those that have not been alive for a day."""
    execute(conn, _SQL["forget_deliverers"], name=name)


def deliverers_alive(conn: Connection, *, host: str | None = None) -> int:
    """Number of deliverers that were alive within a minute, on all hosts or on one."""
    return int(fetch_value(conn, _SQL["deliverers"], host=host))
