"""The erasure of a person: address and values go, counts and suppression stay.

In every table the address is replaced by the same keyed hash (`erased:...`), so that a person who was suppressed stays
suppressed when a file brings the address again. See docs/decisions/0020.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.storage.audience.recipients import not_waiting_for_an_import
from ses_ops.storage.named_sql import execute, fetch_all, fetch_rows, fetch_value, statements
from ses_ops.storage.single_messages.erasing import erase_from_messages
from ses_ops.storage.suppression.hashed_suppression import erased_address

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.address import Address

_SQL = statements(__file__)

#: The note of an entry that only stops a sender from a message that it holds already; the next erasure removes the
#: entry.
FOR_NOW = "being erased"


#: Largest number of events of a person that are shown.
MOST_EVENTS = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class EventOfPerson:
    """An event of a message to a person."""

    task: str
    occurred_at: datetime
    received_at: datetime
    kind: str
    hard: bool
    source: str
    diagnostic: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """The data that is stored of a person."""

    #: The hash that replaces the address.
    person: str
    #: Number of recipients by the group's name.
    groups: dict[str, int]
    messages: int
    suppressed: bool
    #: What others told of these messages, by the sources' clocks; the first MOST_EVENTS.
    events: list[EventOfPerson]


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """The result of an erasure."""

    person: str
    groups: dict[str, int] = field(default_factory=dict)
    messages: int
    #: Number of messages that a sender holds at this moment: they are not sent any more unless they are under way
    #: already, and the next erasure erases them.
    being_sent: int
    #: Whether the person is on the suppression list, under the hash.
    suppressed: bool
    #: Number of reports of imports that named the person.
    reports: int


def look(conn: Connection, address: Address) -> Person:
    """The data that an erasure would erase."""
    person = erased_address(conn, address.key)
    key = {"address_key": address.key}
    groups = fetch_all(conn, _SQL["groups_of"], **key)
    return Person(
        person=person,
        groups={row["name"]: row["count"] for row in groups},
        messages=_messages_of(conn, address),
        suppressed=_is_suppressed(conn, address, person),
        events=fetch_rows(conn, EventOfPerson, _SQL["events_of"], limit=MOST_EVENTS, **key),
    )


def erase(conn: Connection, address: Address, *, by: str) -> Erasure:
    """Erase a person, in the caller's transaction. Safe to repeat. Raises GroupBusy while an import runs."""
    person, key = erased_address(conn, address.key), {"address_key": address.key}
    execute(conn, _SQL["hold_events"])
    execute(conn, _SQL["hold_tasks"], **key)
    with not_waiting_for_an_import(conn, "a group of this person"):
        groups = fetch_all(conn, _SQL["take_out_of_groups"], **key)
    execute(conn, _SQL["hold_chunks"], **key)
    execute(conn, _SQL["clear_first_subjects"], **key)
    erase_from_messages(conn, address.key, person)
    messages = execute(conn, _SQL["erase_messages"], person=person, **key)
    being_sent = _messages_of(conn, address)
    execute(conn, _SQL["hide_suppression"], person=person, for_now=FOR_NOW, **key)
    execute(conn, _SQL["remove_suppression"], **key)
    if being_sent:
        execute(conn, _SQL["suppress_for_now"], for_now=FOR_NOW, **key)
    _hide_events(conn, address, person)
    reports = _clear_reports(conn, address)
    _clear_texts(conn, address, person)
    done = Erasure(
        person=person,
        groups={row["name"]: row["count"] for row in groups},
        messages=messages,
        being_sent=being_sent,
        suppressed=_is_suppressed(conn, address, person),
        reports=reports,
    )
    execute(conn, _SQL["note"], person=person, by=by, facts=json.dumps(asdict(done)))
    return done


@dataclass(frozen=True, kw_only=True, slots=True)
class PastErasure:
    """An erasure in the log."""

    person: str
    erased_by: str
    erased_at: datetime
    #: The fields of `Erasure`.
    facts: dict[str, Any]


def erasures(conn: Connection, *, limit: int) -> list[PastErasure]:
    """The newest erasures."""
    return fetch_rows(conn, PastErasure, _SQL["erasures"], limit=limit)


def _messages_of(conn: Connection, address: Address) -> int:
    return int(fetch_value(conn, _SQL["messages_of"], address_key=address.key))


def _is_suppressed(conn: Connection, address: Address, person: str) -> bool:
    return bool(fetch_value(conn, _SQL["is_suppressed"], address_key=address.key, person=person, for_now=FOR_NOW))


def _hide_events(conn: Connection, address: Address, person: str) -> None:
    """Keep what was told of the person's messages, without the words, and held suppressions under the hash."""
    both = {"address_key": address.key, "person": person}
    execute(conn, _SQL["hide_held"], **both)
    execute(conn, _SQL["remove_held"], address_key=address.key)
    execute(conn, _SQL["clear_events"], **both)
    execute(conn, _SQL["clear_callbacks"], **both)
    execute(conn, _SQL["clear_waiting_callbacks"], **both)
    execute(conn, _SQL["clear_devices"], **both)
    execute(conn, _SQL["clear_unmatched"], address_key=address.key)


def _clear_reports(conn: Connection, address: Address) -> int:
    """Remove the person's rows from the reports of rejected rows."""
    count = 0
    for row in fetch_all(conn, _SQL["import_reports"]):
        kept = _without(bytes(row["report"]), address)
        if kept is not None:
            report, rows = kept
            count += execute(conn, _SQL["set_import_report"], id=row["id"], report=report, rows=rows)
    return count


def _without(report: bytes, address: Address) -> tuple[bytes, int] | None:
    """A report without the rows that name an address, and the number of its rows; None when no row names it."""
    text = gzip.decompress(report).decode("utf-8-sig", "replace")
    named = re.compile(re.escape(address.key), re.IGNORECASE)
    if not named.search(text):
        return None
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    kept = [row for row in rows if not any(named.search(cell) for cell in row)]
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerows([header, *kept])
    return gzip.compress(("\ufeff" + target.getvalue()).encode()), len(kept)


def _clear_texts(conn: Connection, address: Address, person: str) -> None:
    """Remove the address from stored errors and reasons."""
    execute(conn, _SQL["clear_imports"], address_key=address.key)
    values = {"address_key": address.key, "pattern": re.sub(r"([^\w@])", r"\\\1", address.key), "person": person}
    for clear in (_SQL["clear_task_errors"], _SQL["clear_chunk_reasons"], _SQL["clear_held_reasons"]):
        execute(conn, clear, **values)
