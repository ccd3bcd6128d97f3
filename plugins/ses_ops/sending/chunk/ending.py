"""The end of an attempt: how it ended, and what it did by mailbox provider, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ses_ops.domain.mailbox_provider import counted_provider
from ses_ops.domain.message_state import MessageState
from ses_ops.domain.refusal_class import class_of_reply
from ses_ops.storage.ledger import attempts, send_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.ledger.send_counts import AttemptOutcome, OutcomeCount

_COLUMNS = {
    MessageState.SENT: "accepted",
    MessageState.SUPPRESSED: "suppressed",
    MessageState.UNKNOWN: "unknown",
}


def end_attempt(conn: Connection, *, attempt_id: int, ending: str) -> None:
    """Write how an attempt ended, if that is not written yet, and what it did. Safe to repeat.

    The last statements of a transaction but for locks that it holds already: a judge of the domain's reputation is
    waited for.
    """
    attempts.end(conn, attempt_id=attempt_id, ending=ending)
    count_attempt(conn, attempt_id)


def count_attempt(conn: Connection, attempt_id: int) -> None:
    """Write what an attempt did, from its messages."""
    send_counts.write(conn, attempt_id, counted(conn, attempt_id))


def counted(conn: Connection, attempt_id: int) -> Mapping[str, Mapping[str, int]]:
    """What the messages of an attempt say that it did, by mailbox provider and column of `send_count`."""
    found: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in send_counts.outcomes(conn, attempt_id):
        found[counted_provider(one.domain, one.known_provider)][_column(one)] += one.count
    return found


def total_by_attempt(found: Iterable[AttemptOutcome]) -> Mapping[int, Mapping[str, int]]:
    """What messages say that their attempts did, by attempt and column of `send_count`."""
    made: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in found:
        made[one.attempt_id][_column(one)] += one.count
    return made


def _column(one: OutcomeCount | AttemptOutcome) -> str:
    return _COLUMNS.get(MessageState(one.state)) or class_of_reply(one.code, one.text or "").value
