"""`/v1/events`: what came back of messages, by a cursor to poll."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.rest.access import Reads, Served, domains_asked
from ses_ops.api.rest.answers import answer, moment
from ses_ops.api.rest.documents import PROBLEMS, listed
from ses_ops.api.rest.examples import EVENT
from ses_ops.api.rest.paging import Cursor, Limit, cursor_of, position_of
from ses_ops.api.rest.query import asked_moment, known_query, moment_query
from ses_ops.application.poll_events import next_events
from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import InvalidInput
from ses_ops.storage.events import polling

if TYPE_CHECKING:
    from ses_ops.storage.events.polling import ArrivedEvent

router = APIRouter(prefix="/v1/events", tags=["Events"], dependencies=[Depends(known_query)], responses=PROBLEMS)

KINDS = frozenset({*(one.value for one in EventKind), *(one.value for one in EngagementKind)})
_LIST = "events"


@router.get("", summary="Poll events", responses=listed(EVENT, more=True, cursor="Always there: poll with it again."))
async def poll(
    request: Request,
    key: Reads,
    services: Served,
    kind: Annotated[list[str] | None, Query(description="Only these kinds, with commas between them.")] = None,
    domain: Annotated[str | None, Query(max_length=255, description="Only mail of this sender domain.")] = None,
    since: Annotated[str | None, moment_query("Without a cursor: only events that arrived then or later.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Events in the order in which they arrived here, each once: keep `next_cursor` and ask again with it.

    `more` says whether there are further ones now. An event is given about a second after its arrival, when no earlier
    one can come any more. A page may be short, or empty, and have `more`, because a filter left everything out.
    """
    kinds = _kinds(kind or [])
    domains = domains_asked(key, domain)
    after = _after(since, cursor)
    found, after, more = await services.read(next_events, after, limit=limit, kinds=kinds, domains=domains)
    data = [event_object(one) for one in found]
    return answer(request, {"data": data, "next_cursor": cursor_of(_LIST, *after), "more": more}, tagged=False)


def event_object(event: ArrivedEvent) -> dict[str, Any]:
    """An event as it is answered."""
    made: dict[str, Any] = {
        "id": event.event_key,
        "kind": event.kind,
        "occurred_at": moment(event.occurred_at),
        "received_at": moment(event.received_at),
        "recipient": event.address,
        "message_id": event.message_id,
        "reference": event.reference,
        "tags": event.tags,
        "task": None if event.message_id else event.task,
        "ledger": {"occurrence": event.occurrence_id, "seq": event.seq},
        "sender_domain": event.sender_domain,
        "source": event.source,
    }
    if event.kind in (EventKind.BOUNCED, EventKind.DEFERRED, EventKind.DROPPED):
        words = {"status": event.status, "reason": event.reason, "provider_kind": event.provider_kind}
        made |= {"hard": event.hard, "words": event.diagnostic}
        made |= {name: one or None for name, one in words.items()}
    if event.verdict:
        made["verdict"] = event.verdict
    if event.link:
        made["link"] = event.link
    return made


def _kinds(given: list[str]) -> frozenset[str] | None:
    kinds = {one.strip() for many in given for one in many.split(",") if one.strip()}
    if unknown := sorted(kinds - KINDS):
        raise InvalidInput("event_kind_not_known", field="kind", given=unknown[0][:100], known=sorted(KINDS))
    return frozenset(kinds) or None


def _after(since: str | None, cursor: str | None) -> tuple[datetime, str]:
    if cursor is not None:
        at, key = position_of(_LIST, cursor, datetime, str)
        if not _is_key(key):
            raise InvalidInput("cursor_not_usable", field="cursor")
        return at, key
    if since is not None:
        return asked_moment(since, "since"), polling.BEGINNING[1]
    return polling.BEGINNING


def _is_key(text: str) -> bool:
    return len(text) == 36 and all(sign in "0123456789abcdef-" for sign in text) and text.count("-") == 4
