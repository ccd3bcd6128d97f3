"""Entries of the suppression list that are lifted together: those of a time span, by reason, provider and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.domain.mailbox_provider import providers_by_domain
from ses_ops.storage.named_sql import execute, fetch_value, statements

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.suppression import SuppressionReason

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Which entries are meant: those made from `since` on and before `until` for this reason."""

    since: datetime
    until: datetime
    reason: SuppressionReason
    #: None: of every mailbox provider.
    provider: str | None = None
    #: Words of the server's reply, in any case of letters; None: any.
    words: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the statements."""
        domains = [domain for domain, name in providers_by_domain().items() if name == self.provider]
        return {
            "since": self.since,
            "until": self.until,
            "reason": self.reason.value,
            "provider": self.provider,
            "domains": [*domains, *([self.provider] if self.provider else [])],
            "words": self.words or None,
        }


def count(conn: Connection, span: Span) -> int:
    """Number of entries that are meant."""
    return int(fetch_value(conn, _SQL["count"], **span.values))


def lift(conn: Connection, span: Span) -> int:
    """Remove them from the list; returns their number."""
    return execute(conn, _SQL["lift"], **span.values)
