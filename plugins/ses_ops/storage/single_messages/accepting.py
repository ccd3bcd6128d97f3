"""The acceptance of single messages: what refuses them, and their rows, a group of them in one round trip."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.storage.array_literals import texts, words
from ses_ops.storage.named_sql import execute, fetch_all, fetch_value, statements
from ses_ops.storage.single_messages.processes import ACCEPTING_LOCK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.message_state import MessageState

_SQL = statements(__file__)


class HeldKey(NamedTuple):
    """A request's key: whether this transaction holds it, and what an equal request was answered."""

    held: bool
    fingerprint: bytes | None
    status: int | None
    answer: Mapping[str, Any] | None


class RefusalFacts(NamedTuple):
    """What refuses messages or recipients, at a moment by the database's clock."""

    now: datetime
    revoked: frozenset[str]
    #: Scope ('': all mail, or a sender domain) and address key to the reason.
    suppressed: Mapping[tuple[str, str], str]


class RecentMail(NamedTuple):
    """How many messages an address got of a sender domain within an hour, and when that is one less."""

    messages: int
    seconds: float


class LedgerRow(NamedTuple):
    """A recipient's row of the ledger."""

    occurrence_id: int
    seq: int
    state: MessageState
    address: str
    address_key: str
    #: Why the recipient is suppressed, and the attempt that counts it.
    reason: str | None = None
    attempt_id: int | None = None


class Growth(NamedTuple):
    """How an open chunk grows. Counts are messages."""

    chunk_id: int
    attempt_id: int
    #: After it has grown.
    last_seq: int
    rows: int
    pending: int
    suppressed: int
    #: Places of the quota day that are added.
    reserved: int


class MessageRow(NamedTuple):
    """A single message; `address_keys` are of one without rows of the ledger."""

    id: str
    reference_id: str | None
    key_id: str
    source: str
    sender_domain: str
    sender: str
    subject: str
    template: str | None
    template_version: int | None
    reference: str | None
    tags: Sequence[str]
    recipient_count: int
    cc_count: int
    bcc_count: int
    address_keys: Sequence[str]
    send_at: datetime | None
    occurrence_id: int | None
    first_seq: int | None
    due_at: datetime | None
    repeats: str | None
    #: False: it was accepted before, and its time has come.
    is_new: bool
    content: bytes


class AnswerRow(NamedTuple):
    """A request's key and what it is answered."""

    key_id: str
    key: str
    fingerprint: bytes
    #: Hours for which it is kept.
    hours: float
    answer: str


def prepare(conn: Connection) -> None:
    """Prepare the statements of `look` and `write`, once a connection."""
    execute(conn, _SQL["prepare_look"])
    execute(conn, _SQL["prepare_accept"])


def take_process(conn: Connection, process_id: int) -> None:
    """Hold the process for this transaction: nobody else finds out meanwhile whether it was committed."""
    fetch_value(conn, _SQL["take_process"], lock=ACCEPTING_LOCK, process_id=process_id)


def wait_at_most(conn: Connection, *, seconds: float) -> None:
    """Have this transaction wait for no lock any longer."""
    fetch_value(conn, _SQL["wait_at_most"], milliseconds=int(seconds * 1000))


def hold(conn: Connection, keys: Sequence[tuple[str, str]]) -> list[HeldKey]:
    """Hold the keys of requests (each once) to the end of the transaction, as far as nobody else does."""
    rows = fetch_all(conn, _SQL["hold"], key_ids=[one[0] for one in keys], keys=[one[1] for one in keys])
    return [_held(**row) for row in rows]


def _held(*, held: bool, fingerprint: memoryview | None, status: int | None, answer: Any) -> HeldKey:
    return HeldKey(held, None if fingerprint is None else bytes(fingerprint), status, answer)


def answered(conn: Connection, key_id: str, keys: Iterable[str]) -> dict[str, HeldKey]:
    """By the key of a request what it was answered, without holding any; free ones and those under way are left out."""
    rows = fetch_all(conn, _SQL["answered"], key_id=key_id, keys=list(keys))
    return {row.pop("key"): _held(held=False, **row) for row in map(dict, rows)}


def look(
    conn: Connection, *, key_ids: Iterable[str], domains: Iterable[str], address_keys: Iterable[str]
) -> RefusalFacts:
    """What refuses messages of these keys from these sender domains to these addresses."""
    given = {"key_ids": texts(key_ids), "domains": texts(domains), "address_keys": texts(address_keys)}
    rows = fetch_all(conn, _SQL["look"], **given)
    return RefusalFacts(
        now=next(datetime.fromisoformat(row["key"]) for row in rows if row["kind"] == "now"),
        revoked=frozenset(row["key"] for row in rows if row["kind"] == "revoked"),
        suppressed={(row["scope"], row["key"]): row["reason"] for row in rows if row["kind"] == "suppressed"},
    )


def recent_of_addresses(conn: Connection, addresses: Sequence[tuple[str, str]]) -> dict[tuple[str, str], RecentMail]:
    """The last hour of pairs of address key and sender domain; locks their rows, and leaves out others."""
    given = {"address_keys": [one[0] for one in addresses], "domains": [one[1] for one in addresses]}
    rows = fetch_all(conn, _SQL["recent_of_addresses"], **given)
    return {(row["address_key"], row["sender_domain"]): RecentMail(row["count"], row["seconds"]) for row in rows}


def write(
    conn: Connection,
    *,
    now: datetime,
    most_per_hour: int,
    rates: Mapping[tuple[str, str], int],
    ledger: Sequence[LedgerRow],
    growths: Sequence[Growth],
    messages: Sequence[MessageRow],
    answers: Sequence[AnswerRow],
) -> tuple[bool, bool]:
    """Write a group of messages; `rates` are messages by address key and sender domain, which count for the hour.

    Whether all those addresses have room within the hour, and whether all chunks have grown: else roll back.
    """
    of_ledger = _columns(ledger, LedgerRow)
    said = _columns(messages, MessageRow)
    asked = _columns(answers, AnswerRow)
    by_address = ([one[0] for one in rates], [one[1] for one in rates])
    values = (
        *(now, most_per_hour, texts(by_address[0]), texts(by_address[1]), words(rates.values())),
        *(words(of_ledger[0]), words(of_ledger[1]), words(of_ledger[2])),
        *(texts(of_ledger[3]), texts(of_ledger[4]), texts(of_ledger[5]), words(of_ledger[6])),
        *(words(column) for column in _columns(growths, Growth)),
        *_of_messages(said),
        *(texts(asked[0]), texts(asked[1]), words(one.hex() for one in asked[2]), words(asked[3]), texts(asked[4])),
    )
    done = fetch_all(conn, _SQL["accept"], values=values)[0]
    return done["rated"] == len(rates), done["grown"] == len(growths)


#: Of a MessageRow, the places of what has no character that an array's literal would have to escape.
_PLAIN = frozenset(
    map(MessageRow._fields.index, ("id", "template_version", "recipient_count", "cc_count", "bcc_count"))
)
_PLAIN |= frozenset(map(MessageRow._fields.index, ("occurrence_id", "first_seq", "repeats", "is_new")))
_LISTS = frozenset(map(MessageRow._fields.index, ("tags", "address_keys")))
_MOMENTS = frozenset(map(MessageRow._fields.index, ("send_at", "due_at")))


def _of_messages(columns: Sequence[Sequence[Any]]) -> Iterable[str]:
    for place, column in enumerate(columns[:-1]):
        if place in _PLAIN:
            yield words(column)
        elif place in _LISTS:
            yield texts(texts(one) if one else "{}" for one in column)
        elif place in _MOMENTS:
            yield texts(None if one is None else one.isoformat() for one in column)
        else:
            yield texts(column)
    yield words(one.hex() for one in columns[-1])


def _columns(rows: Sequence[Any], of: Any) -> Sequence[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * len(of._fields)


def written(conn: Connection, messages: Sequence[tuple[str, tuple[int, int] | None]]) -> bool:
    """Whether messages are there that one transaction wrote: of each its id, and occurrence and place of its rows."""
    rows = [(id, *(first or (None, None))) for id, first in messages]
    ids, occurrence_ids, first_seqs = ([row[place] for row in rows] for place in range(3))
    given = {"ids": ids, "occurrence_ids": occurrence_ids, "first_seqs": first_seqs}
    return bool(fetch_value(conn, _SQL["written"], **given))


def as_json(answer: Mapping[str, Any]) -> str:
    """An answer as it is stored."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
