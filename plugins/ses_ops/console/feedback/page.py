"""The page of all feeds: when each was heard last, and what a person has to decide."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console import feedback_labels
from ses_ops.console.access import reads_shared
from ses_ops.console.database import reading
from ses_ops.console.listing import Listing, Page
from ses_ops.console.page import render
from ses_ops.domain.feed_silence import SPAN, silence
from ses_ops.storage.events import feedback_page
from ses_ops.storage.events import feeds as stored_feeds

router = APIRouter()


@router.get("/feedback", dependencies=[Depends(reads_shared)])
def feedback(request: Request) -> Response:
    """The feeds, the events without a message, and what the storm guard holds back."""
    now = datetime.now(UTC)
    filters = {"source": list(feedback_labels.FEEDS)}
    listing = Listing.read(request.query_params, sorts=("received",), filters=filters, descending=True)
    source = listing.filters.get("source")
    with reading() as conn:
        feeds = sorted(stored_feeds.feeds(conn), key=lambda feed: feed.last_at, reverse=True)
        sent = feedback_page.sent_since(conn, now - SPAN)
        total = feedback_page.count_unmatched(conn, source=source)
        listing = listing.at_page(min(listing.page, max(1, -(-min(total, feedback_page.MOST_COUNTED) // listing.size))))
        rows = feedback_page.unmatched(conn, source=source, offset=listing.offset, limit=listing.size)
        held = feedback_page.held(conn)
    return render(
        request,
        "feedback/page.html",
        feeds=feeds,
        silence=silence(sent, {feed.source: feed.last_at for feed in feeds if feed.events}, now=now),
        page=Page(listing=listing, rows=rows, total=min(total, feedback_page.MOST_COUNTED)),
        more_than=feedback_page.MOST_COUNTED if total > feedback_page.MOST_COUNTED else None,
        sources={name: label for name, label in feedback_labels.FEEDS.items() if any(f.source == name for f in feeds)},
        held=held,
        feed_name=feedback_labels.feed_name,
        event_badge=feedback_labels.event_badge,
    )
