"""What each attempt did, by mailbox provider: the counts that rates and statistics are made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_all, fetch_rows, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: The columns of `send_count` that have numbers of messages.
COUNTED = ("accepted", "invalid", "spam_refused", "other_refused", "infrastructure", "suppressed", "unknown")


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeCount:
    """Messages of an attempt to one domain with the same outcome."""

    #: "" for one that is not known any more (an erased person).
    domain: str
    #: Its mailbox provider by MX; None: not looked up.
    known_provider: str | None
    #: `sent`, `failed`, `suppressed` or `unknown`; code and text only of failed ones.
    state: str
    code: int | None
    text: str | None
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptOutcome:
    """Messages of an attempt with the same outcome, to whatever domains."""

    attempt_id: int
    state: str
    code: int | None
    text: str | None
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCounts:
    """What is stored of an attempt, over all providers, by column."""

    #: Failed messages of the start were tried again, and stay counted where they had failed.
    retried: bool
    counts: dict[str, int]


def outcomes(conn: Connection, attempt_id: int) -> list[OutcomeCount]:
    """The messages that an attempt has ended, by outcome."""
    return fetch_rows(conn, OutcomeCount, _SQL["outcomes"], attempt_id=attempt_id)


def write(conn: Connection, attempt_id: int, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Write what an attempt did, by mailbox provider and column; what is written already is replaced.

    Waits while the domain's reputation is judged, for some milliseconds.
    """
    execute(conn, _SQL["hold"], attempt_id=attempt_id)
    rows = [{**dict.fromkeys(COUNTED, 0), **of, "mailbox_provider": provider} for provider, of in counts.items()]
    execute(conn, _SQL["write"], attempt_id=attempt_id, counts=json.dumps(rows))


def in_doubt(conn: Connection, chunk_id: int) -> list[int]:
    """The attempts that have messages of a chunk in doubt."""
    return fetch_values(conn, _SQL["in_doubt"], chunk_id=chunk_id)


def assume_sent(conn: Connection, attempt_ids: Sequence[int]) -> None:
    """Count messages in doubt as accepted, because a person says so."""
    execute(conn, _SQL["assume_sent"], attempt_ids=list(attempt_ids))


def send_again(conn: Connection, attempt_ids: Sequence[int]) -> None:
    """Count messages no longer as in doubt, because a person has them sent again."""
    execute(conn, _SQL["send_again"], attempt_ids=list(attempt_ids))


def of_occurrence(conn: Connection, occurrence_id: int) -> list[AttemptOutcome]:
    """What the messages of a start say that its attempts did."""
    return fetch_rows(conn, AttemptOutcome, _SQL["of_occurrence"], occurrence_id=occurrence_id)


def stored_of_occurrence(conn: Connection, occurrence_id: int) -> dict[int, StoredCounts]:
    """What is stored of the attempts of a start, by attempt."""
    rows = fetch_all(conn, _SQL["stored_of_occurrence"], occurrence_id=occurrence_id)
    return {row.pop("attempt_id"): StoredCounts(retried=row.pop("retried"), counts=row) for row in rows}
