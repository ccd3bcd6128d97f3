"""The page of all feeds: when each was heard last, and what a person has to decide."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console import feedback_labels
from ses_ops.console.access import reads_shared
from ses_ops.console.database import reading
from ses_ops.console.page import render
from ses_ops.domain.feed_silence import SENT, SPAN, silence
from ses_ops.errors import NotFound
from ses_ops.storage.events import feeds as stored_feeds
from ses_ops.storage.events import unmatched
from ses_ops.storage.suppression import held

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.events.unmatched import UnmatchedEvent

router = APIRouter()

#: Number of unmatched events on a page, and the largest number that is counted.
SIZE, MOST_COUNTED = 25, 10_000


@router.get("/feedback", dependencies=[Depends(reads_shared)])
def feedback(request: Request) -> Response:
    """The feeds, the events without a message, and what the storm guard holds back."""
    now, query = datetime.now(UTC), request.query_params
    source = given if (given := query.get("source", "")) in feedback_labels.FEEDS else None
    with reading() as conn:
        feeds = sorted(stored_feeds.feeds(conn), key=lambda feed: feed.last_at, reverse=True)
        sent = stored_feeds.sent_since(conn, now - SPAN)
        before = _before(conn, query.get("before"))
        rows = unmatched.page(conn, source=source, before=before, limit=SIZE + 1)
        total = unmatched.count_open(conn, source=source, most=MOST_COUNTED + 1)
        waiting = held.by_provider(conn)
    return render(
        request,
        "feedback/page.html",
        feeds=feeds,
        silence=silence(sent, {feed.source: feed.last_at for feed in feeds if feed.events}, now=now),
        enough=sent >= SENT,
        rows=rows[:SIZE],
        next=rows[SIZE - 1].id if len(rows) > SIZE else None,
        is_first=before is None,
        total=min(total, MOST_COUNTED),
        more=total > MOST_COUNTED,
        source=source,
        sources={name: label for name, label in feedback_labels.FEEDS.items() if any(f.source == name for f in feeds)},
        held=waiting,
        feed_name=feedback_labels.feed_name,
        event_badge=feedback_labels.event_badge,
    )


def _before(conn: Connection, given: str | None) -> UnmatchedEvent | None:
    """The event behind which the page begins; None for the first page."""
    if not given or not given.isascii() or not given.isdecimal() or len(given) > 18:
        return None
    try:
        return unmatched.find(conn, int(given))[0]
    except NotFound:
        return None
