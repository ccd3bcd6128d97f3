"""Single messages as they were asked for, and the rows of the ledger that they became."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ses_ops.storage.named_sql import fetch_all, fetch_rows, fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Most messages of one address that a search looks at, the newest.
MOST_OF_ADDRESS = 10_000
#: Most messages of a tag that is rare: these are looked up by their ids.
RARE = 2_000
#: Most keys that can be chosen from.
MOST_KEYS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleMessageRow:
    """A row of `single_message`, with the name of its key."""

    id: UUID
    reference_id: str | None
    key_id: str
    #: None: such a key was never here, as of a message that a person repeated.
    key_name: str | None
    #: `rest`, `tencent`, `console`.
    source: str
    sender_domain: str
    sender: str
    subject: str
    template: str | None
    template_version: int | None
    reference: str | None
    tags: tuple[str, ...]
    recipient_count: int
    cc_count: int
    bcc_count: int
    #: Of a message that did not leave at once.
    address_keys: tuple[str, ...]
    accepted_at: datetime
    send_at: datetime | None
    due_at: datetime | None
    #: Place of its first row in the ledger; None: it has none (yet).
    occurrence_id: int | None
    first_seq: int | None
    #: Code and facts of why it was not sent when its time came.
    refused: dict[str, Any] | None
    cancelled_at: datetime | None
    repeats: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientRow:
    """A row of the ledger as one recipient of a single message."""

    message_id: UUID
    occurrence_id: int
    seq: int
    #: Position among the recipients of the message, from 0.
    place: int
    address: str
    tries: int
    smtp_code: int | None
    #: The server's words, or why the message is suppressed.
    smtp_text: str | None
    changed_at: datetime | None
    #: A value of MessageStatus.
    status: str
    next_try_at: datetime | None
    #: Why a pending message is not on its way.
    waits_for: str


def keys_to(conn: Connection, address_keys: Sequence[str]) -> list[UUID]:
    """Ids of the messages with a recipient of these keys, the newest first, at most MOST_OF_ADDRESS."""
    found = fetch_values(conn, _SQL["keys_to"], address_keys=list(address_keys), limit=MOST_OF_ADDRESS)
    return [UUID(one) for one in found]


def ids_of_rare_tag(conn: Connection, tag: str) -> list[UUID] | None:
    """Ids of all messages with a tag; None: more than RARE, which are found by their time."""
    found = fetch_values(conn, _SQL["ids_of_tag"], tag=tag, limit=RARE + 1)
    return [UUID(one) for one in found] if len(found) <= RARE else None


def rows_of(conn: Connection, ids: Collection[UUID]) -> list[SingleMessageRow]:
    """Some messages, in any order."""
    return [_row(row) for row in fetch_all(conn, _SQL["rows"], ids=[str(one) for one in ids])]


def page(
    conn: Connection,
    *,
    ids: Collection[UUID] | None = None,
    domains: Collection[str] | None = None,
    tag: str | None = None,
    reference: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[SingleMessageRow]:
    """Messages that have all that is asked for, the newest first; None: anything. `since` <= accepted < `until`."""
    rows = fetch_all(
        conn,
        _SQL["page"],
        ids=None if ids is None else [str(one) for one in ids],
        domains=None if domains is None else sorted(set(domains)),
        tag=tag,
        reference=reference,
        since=since,
        until=until,
        before_at=before and before[0],
        before_id=before and str(before[1]),
        limit=limit,
    )
    return [_row(row) for row in rows]


def _row(row: dict[str, Any]) -> SingleMessageRow:
    lists = {name: tuple(row[name]) for name in ("tags", "address_keys")}
    ids = {"id": UUID(row["id"]), "repeats": UUID(row["repeats"]) if row["repeats"] else None}
    return SingleMessageRow(**{**row, **lists, **ids})


def recipients(conn: Connection, messages: Collection[SingleMessageRow]) -> list[RecipientRow]:
    """The rows of the ledger of some messages, those of each in their order; none of one without a place there."""
    keys = [
        (str(one.id), one.occurrence_id, one.first_seq + place, place)
        for one in messages
        if one.occurrence_id is not None and one.first_seq is not None
        for place in range(one.recipient_count)
    ]
    if not keys:
        return []
    ids, occurrences, seqs, places = (list(column) for column in zip(*keys, strict=True))
    asked = {"ids": ids, "occurrences": occurrences, "seqs": seqs, "places": places}
    return fetch_rows(conn, _recipient, _SQL["recipients"], **asked)


def _recipient(message_id: str, **columns: Any) -> RecipientRow:
    return RecipientRow(message_id=UUID(message_id), **columns)


def ids_at(conn: Connection, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], UUID]:
    """The messages that rows of the ledger, by `(occurrence_id, seq)`, belong to; nothing of rows of bulk mail."""
    asked = {"occurrences": [place[0] for place in places], "seqs": [place[1] for place in places]}
    rows = fetch_all(conn, _SQL["places"], **asked) if places else []
    return {(row["occurrence_id"], row["seq"]): UUID(row["id"]) for row in rows}


def repeated_by(conn: Connection, message_id: UUID) -> list[UUID]:
    """The messages that repeat one, the oldest first."""
    return [UUID(one) for one in fetch_values(conn, _SQL["repeated_by"], id=str(message_id))]


def sender_domains(conn: Connection) -> list[str]:
    """The sender domains that single messages were sent from."""
    return fetch_values(conn, _SQL["sender_domains"])


def names_of_keys(conn: Connection) -> dict[str, str]:
    """The names of keys by their ids, also of revoked ones."""
    return {row["id"]: row["name"] for row in fetch_all(conn, _SQL["keys"], limit=MOST_KEYS)}


def id_of_reference_id(conn: Connection, reference_id: str) -> UUID | None:
    """The message that a client of the reference knows by this MessageId."""
    found = fetch_value(conn, _SQL["id_of_reference_id"], reference_id=reference_id)
    return UUID(found) if found else None


def answer_to(conn: Connection, key_id: str, idempotency_key: str) -> dict[str, Any] | None:
    """The first answer to a request with an idempotency key; None: there was none, or it is no longer kept."""
    found: dict[str, Any] | None = fetch_value(conn, _SQL["answer"], key_id=key_id, idempotency_key=idempotency_key)
    return found


def content(conn: Connection, message_id: UUID) -> bytes | None:
    """What a message says (`SingleMessage.stored`); None: it is no longer kept."""
    found = fetch_value(conn, _SQL["content"], id=str(message_id))
    return None if found is None else bytes(found)
