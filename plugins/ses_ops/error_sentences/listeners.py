"""Errors of what comes back: events, listeners, their spool."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "no_token_secrets": (
        "the secrets of tokens are not known yet: the database is unavailable, and there is no copy of them"
    ),
    "spool_failed": "the spool of events cannot be written: {cause}",
    "tls_certificate_not_read": "the certificate cannot be used: {cause}",
    "tls_key_without_certificate": "names a key, but {setting} names no certificate",
    "too_many_events_wait": "more events wait than can be written soon",
}
