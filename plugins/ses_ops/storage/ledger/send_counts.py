"""What each attempt did, by mailbox provider: the counts that rates and statistics are made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_rows, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def resolve_doubt(conn: Connection, attempt_id: int, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Write what a person decided about an attempt's messages in doubt; `counts` are accepted and unknown ones now."""
    rows = [
        {"mailbox_provider": provider, "accepted": of.get("accepted", 0), "unknown": of.get("unknown", 0)}
        for provider, of in counts.items()
    ]
    execute(conn, _SQL["resolve_doubt"], attempt_id=attempt_id, counts=json.dumps(rows))
