"""Mailbox providers of recipients' domains, by their MX records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


def note_domains(conn: Connection, providers: Mapping[str, str]) -> None:
    """Note domains that are to be looked up, with their providers by the table of names until then."""
    domains = sorted(providers)
    execute(conn, _SQL["note_domains"], domains=domains, providers=[providers[domain] for domain in domains])


def oldest(conn: Connection, *, limit: int) -> list[str]:
    """Domains that were looked up more than 30 days ago, or never."""
    return fetch_values(conn, _SQL["oldest"], limit=limit)


def note(conn: Connection, domain: str, provider: str | None) -> None:
    """Store the provider of a domain. None: no name server answered; it is asked again a day later."""
    execute(conn, _SQL["note"], domain=domain, provider=provider)
