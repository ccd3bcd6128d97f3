"""Errors of what comes back: events, listeners, their spool."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "no_token_secrets": (
        "the secrets of tokens are not known yet: the database is unavailable, and there is no copy of them"
    ),
    "spool_failed": "the spool of events cannot be written: {cause}",
    "too_many_events_wait": "more events wait than can be written soon",
}
