"""Find single messages: one by its id or the names that programs have for it, many by what they have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ses_ops.application.single_messages.message_view import MessageView, view_of
from ses_ops.domain.address import parse_address
from ses_ops.domain.feedback import Feedback
from ses_ops.domain.single_message_status import SingleMessageStatus
from ses_ops.errors import InvalidInput
from ses_ops.storage.events import task_feedback, timeline
from ses_ops.storage.single_messages import finding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.single_messages.message_view import RecipientView
    from ses_ops.storage.events.task_feedback import Key, MessageOutcome
    from ses_ops.storage.single_messages.finding import SingleMessageRow

#: Most messages on a page.
MOST = 1_000
#: Most messages that are looked at for one page of a search by status or key, in some 300 ms, and in one step of it. A
#: status is known to the ledger alone, and no index has the keys: a page may be short, or empty, and not be the last.
MOST_LOOKED_AT = 5_000
_STEP = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundMessages:
    """A page of messages, the newest first."""

    messages: tuple[MessageView, ...]
    #: The cursor of the next page; None: there are no more.
    next: str | None


def find(conn: Connection, message_id: UUID, *, with_raw: bool = False) -> MessageView | None:
    """A message with its timeline; None: there is none. The caller looks whether its sender domain may be seen.

    `with_raw`: each event with the text it came as, which may name other people.
    """
    rows = finding.rows_of(conn, [message_id])
    if not rows:
        return None
    (view,) = _views(conn, rows)
    told = tuple(
        replace(one, events=tuple(timeline.events(conn, *one.key, with_raw=with_raw))) if one.key else one
        for one in view.recipients
    )
    return replace(view, recipients=told)


def find_by_reference_id(conn: Connection, reference_id: str) -> MessageView | None:
    """As `find`, by the MessageId that a client of the reference's API has got."""
    found = finding.id_of_reference_id(conn, reference_id)
    return find(conn, found) if found else None


def find_by_idempotency_key(conn: Connection, key_id: str, idempotency_key: str) -> MessageView | None:
    """As `find`, by the Idempotency-Key of its request, while that is kept; None also for a request of many."""
    answer = finding.answer_to(conn, key_id, idempotency_key)
    if answer is None:
        return None
    if found := message_id(answer.get("id")):
        return find(conn, found)
    response = answer.get("Response")
    name = response.get("MessageId") if isinstance(response, dict) else None
    return find_by_reference_id(conn, name) if isinstance(name, str) else None


def message_id(text: Any) -> UUID | None:
    """The id that a text is; None for any other text."""
    try:
        return UUID(text) if isinstance(text, str) and len(text) == 36 else None
    except ValueError:
        return None


def search(
    conn: Connection,
    *,
    domains: Collection[str] | None,
    address: str | None = None,
    tag: str | None = None,
    reference: str | None = None,
    status: SingleMessageStatus | Feedback | None = None,
    key_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> FoundMessages:
    """Messages of these sender domains (None: of all) that have everything that is asked for, without their timelines.

    A message has a status when one of its recipients has it. `since` <= accepted < `until`; `cursor` is the `next` of
    the page before. Raises InvalidInput with `field` for an address or a cursor that is none.
    """
    asked: dict[str, Any] = {"domains": domains, "tag": tag, "reference": reference}
    asked |= {"since": since, "until": until}
    before = _position(cursor)
    if address is not None:
        keys = timeline.keys_of_person(conn, _address_key(address))
        asked["ids"] = finding.keys_to(conn, keys)
    elif tag is not None:
        asked["ids"] = finding.ids_of_rare_tag(conn, tag)
    limit = max(1, min(limit, MOST))
    found: list[MessageView] = []
    rare = status is not None or key_id is not None
    for _ in range(MOST_LOOKED_AT // _STEP if rare else 1):
        size = _STEP if rare else limit
        rows = finding.page(conn, **asked, before=before, limit=size + 1)
        views = _views(conn, [row for row in rows[:size] if key_id in (None, row.key_id)])
        found += views if status is None else [view for view in views if _has(view, status)]
        if len(found) > limit:
            return FoundMessages(messages=tuple(found[:limit]), next=_cursor(found[limit - 1].row))
        if len(rows) <= size:
            return FoundMessages(messages=tuple(found), next=None)
        before = rows[size - 1].accepted_at, rows[size - 1].id
    return FoundMessages(messages=tuple(found), next=_cursor(rows[size - 1]))


def _views(conn: Connection, rows: Sequence[SingleMessageRow]) -> list[MessageView]:
    """Messages with their recipients, and what is known to have become of these."""
    parts = finding.recipients(conn, rows)
    outcomes = task_feedback.outcomes(conn, [(one.occurrence_id, one.seq) for one in parts])
    of_message: dict[UUID, list[finding.RecipientRow]] = {}
    for one in parts:
        of_message.setdefault(one.message_id, []).append(one)
    views = [view_of(row, of_message.get(row.id, [])) for row in rows]
    if not outcomes:
        return views
    return [replace(view, recipients=tuple(_told(one, outcomes) for one in view.recipients)) for view in views]


def _told(one: RecipientView, outcomes: Mapping[Key, MessageOutcome]) -> RecipientView:
    """A recipient with what others told of it."""
    outcome = outcomes.get(one.key) if one.key else None
    return replace(one, feedback=tuple(outcome.feedback), last_event_at=outcome.last_at) if outcome else one


def _has(view: MessageView, status: SingleMessageStatus | Feedback) -> bool:
    return any(one.status == status or status in one.feedback for one in view.recipients)


def _address_key(address: str) -> str:
    try:
        return parse_address(address, dotless=True).key
    except InvalidInput as problem:
        raise problem.at(field="address") from None


def _cursor(row: SingleMessageRow) -> str:
    return f"{(row.accepted_at - _EPOCH) // _MICROSECOND}.{row.id}"


def _position(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The moment and the id at which a page ended."""
    if not cursor:
        return None
    moment, _, name = cursor.partition(".")
    found = message_id(name)
    if found is None or not (moment.isascii() and moment.isdecimal() and len(moment) <= 17):
        raise InvalidInput("not_a_cursor", field="cursor")
    return _EPOCH + int(moment) * _MICROSECOND, found
