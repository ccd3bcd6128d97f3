"""Entries of the suppression list that events make, and those that wait for a person."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from ses_ops.domain.mailbox_provider import mailbox_provider
from ses_ops.domain.storm_guard import SPAN
from ses_ops.storage.named_sql import execute, fetch_all, fetch_rows, fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: The first keys of the advisory locks: of an address and sender domain, and of a mailbox provider.
_CHOICE_LOCK, _PROVIDER_LOCK = 7_366, 7_367
#: Number of newest chunks that an estimate looks at, and about how many messages of each: 10,000 rows by key, 40 ms.
_CHUNKS, _LOOKS = 50, 200


class Held(NamedTuple):
    """What an entry holds for."""

    address_key: str
    #: '': all mail; else the bulk mail of this sender domain.
    scope: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSuppression:
    """An entry that an event asks for."""

    address_key: str
    scope: str
    address: str
    reason: str
    note: str
    source: str
    occurrence_id: int
    seq: int
    mailbox_provider: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewestChoice:
    """What an address last chose about the bulk mail of a sender domain, by the clocks of the sources."""

    address_key: str
    scope: str
    unsubscribed_at: datetime | None
    resubscribed_at: datetime | None

    @property
    def unsubscribed(self) -> bool:
        """Whether it wants no more mail: of two moments that are equal, the unsubscription counts."""
        if self.unsubscribed_at is None:
            return False
        return self.resubscribed_at is None or self.resubscribed_at <= self.unsubscribed_at


def suppress(conn: Connection, entries: Sequence[EventSuppression]) -> int:
    """Put addresses on the list; returns the number of entries that are new or last longer now."""
    return execute(conn, _SQL["suppress"], entries=json.dumps([asdict(one) for one in entries]))


def hold(conn: Connection, entries: Sequence[EventSuppression]) -> int:
    """Keep entries for a person; returns the number of those that did not wait yet."""
    return execute(conn, _SQL["hold"], entries=json.dumps([asdict(one) for one in entries]))


def lock_choices(conn: Connection, choices: Iterable[Held]) -> None:
    """Let nobody else decide about these addresses until the end of the transaction."""
    _lock(conn, _CHOICE_LOCK, [f"{one.address_key} {one.scope}" for one in choices])


def lock_providers(conn: Connection, providers: Iterable[str]) -> None:
    """Let nobody else count hard bounces of these providers until the end of the transaction."""
    _lock(conn, _PROVIDER_LOCK, providers)


def _lock(conn: Connection, lock: int, names: Iterable[str]) -> None:
    numbers = sorted({crc32(name.encode()) - 2**31 for name in names})
    execute(conn, _SQL["lock"], lock=lock, numbers=numbers)


def unknown_addresses(conn: Connection, keys: Iterable[str]) -> set[str]:
    """Those of some addresses that are neither suppressed for all mail and for ever, nor wait for a person."""
    return set(fetch_values(conn, _SQL["unknown_addresses"], keys=list(keys)))


def recent_hard_bounces(conn: Connection, provider: str) -> int:
    """Number of addresses of a provider that events suppressed or held in the last hour as hard bounces."""
    return int(fetch_value(conn, _SQL["recent_hard_bounces"], provider=provider, span=SPAN))


def mailed_by_provider(conn: Connection) -> dict[str, int]:
    """Recipients mailed in the last 24 hours by mailbox provider, estimated."""
    mailed: dict[str, int] = {}
    for row in fetch_all(conn, _SQL["mailed_by_domain"], chunks=_CHUNKS, looks=_LOOKS):
        provider = row["known_provider"] or mailbox_provider(row["domain"])
        mailed[provider] = mailed.get(provider, 0) + row["mailed"]
    return mailed


def newest_choices(conn: Connection, choices: Iterable[Held]) -> list[NewestChoice]:
    """What these addresses last chose, over all their messages of that sender domain."""
    return fetch_rows(conn, NewestChoice, _SQL["newest_choices"], **_arrays(choices))


def take_back(conn: Connection, choices: Iterable[Held]) -> int:
    """Remove unsubscriptions from the bulk mail of a sender domain, whether an event or a file made them."""
    return execute(conn, _SQL["take_back"], **_arrays(choices))


def _arrays(choices: Iterable[Held]) -> dict[str, list[str]]:
    both = sorted(choices)
    return {"keys": [one.address_key for one in both], "scopes": [one.scope for one in both]}
