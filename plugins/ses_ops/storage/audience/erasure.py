"""A person who asks to be forgotten: their address and values go, what was counted and what they forbade stays.

Wherever the address stood there is a keyed hash of it then (`erased:...`): the same in every table, so that a person
who was suppressed stays suppressed when a file brings the address again. See docs/decisions/0020.
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
from ses_ops.storage.suppression.hashed_suppression import erased_address

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.address import Address

_SQL = statements(__file__)

#: The note of an entry that only keeps a sender from a message it holds already; the next erasure takes it away.
FOR_NOW = "being erased"


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """What is stored of a person now."""

    #: What stands, or will stand, for the address.
    person: str
    #: Recipients by the group's name.
    groups: dict[str, int]
    messages: int
    suppressed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """What an erasure did."""

    person: str
    groups: dict[str, int] = field(default_factory=dict)
    messages: int
    #: Messages that a sender holds at this moment: they are not sent any more unless they are on their way already, and
    #: the next erasure takes them.
    being_sent: int
    #: Whether the person is on the suppression list, under the hash.
    suppressed: bool
    #: Reports of imports that named the person.
    reports: int


def look(conn: Connection, address: Address) -> Person:
    """What would be erased."""
    person = erased_address(conn, address.key)
    key = {"address_key": address.key}
    groups = fetch_all(conn, _SQL["groups_of"], **key)
    return Person(
        person=person,
        groups={row["name"]: row["count"] for row in groups},
        messages=_messages_of(conn, address),
        suppressed=_is_suppressed(conn, address, person),
    )


def erase(conn: Connection, address: Address, *, by: str) -> Erasure:
    """Forget a person, in the caller's transaction. Safe to repeat. Raises GroupBusy while an import runs."""
    person, key = erased_address(conn, address.key), {"address_key": address.key}
    execute(conn, _SQL["hold_tasks"], **key)
    with not_waiting_for_an_import(conn, "a group of this person"):
        groups = fetch_all(conn, _SQL["take_out_of_groups"], **key)
    execute(conn, _SQL["hold_chunks"], **key)
    execute(conn, _SQL["clear_first_subjects"], **key)
    messages = execute(conn, _SQL["erase_messages"], person=person, **key)
    being_sent = _messages_of(conn, address)
    execute(conn, _SQL["hide_suppression"], person=person, for_now=FOR_NOW, **key)
    execute(conn, _SQL["remove_suppression"], **key)
    if being_sent:
        execute(conn, _SQL["suppress_for_now"], for_now=FOR_NOW, **key)
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
    """An erasure as it was noted."""

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


def _clear_reports(conn: Connection, address: Address) -> int:
    """Take the person's rows out of the reports of rows that imports left out."""
    count = 0
    for reports, keep in (
        (_SQL["import_reports"], _SQL["set_import_report"]),
        (_SQL["suppression_reports"], _SQL["set_suppression_report"]),
    ):
        for row in fetch_all(conn, reports):
            kept = _without(bytes(row["report"]), address)
            if kept is not None:
                report, rows = kept
                count += execute(conn, keep, id=row["id"], report=report, rows=rows)
    return count


def _without(report: bytes, address: Address) -> tuple[bytes, int] | None:
    """A report without the rows that name an address, and how many are left; None when none does."""
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
    """Errors and reasons that name the address."""
    execute(conn, _SQL["clear_imports"], address_key=address.key)
    values = {"address_key": address.key, "pattern": re.sub(r"([^\w@])", r"\\\1", address.key), "person": person}
    for clear in (_SQL["clear_task_errors"], _SQL["clear_chunk_reasons"], _SQL["clear_held_reasons"]):
        execute(conn, clear, **values)
