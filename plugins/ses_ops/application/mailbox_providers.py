"""The mailbox providers of recipients' domains, looked up by their MX records some at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ses_ops.domain.mailbox_provider import provider_by_mx
from ses_ops.storage.connection import transaction
from ses_ops.storage.events import providers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg2.extensions import connection as Connection

#: Domains of one call at most, and seconds after which no further one is looked up.
MOST, WITHIN = 50, 5.0


def look_up_providers(conn: Connection, resolve: Callable[[str], Sequence[str] | None]) -> int:
    """Look up domains of recipients that were never looked up, or a month ago; returns their number.

    `resolve` gives the hosts of a domain's MX records, the preferred one first; None: no name server answered, and then
    no further domain is looked up. What was counted by then stays as it is.
    """
    with transaction(conn):
        domains = providers.oldest(conn, limit=MOST)
    until, done = time.monotonic() + WITHIN, 0
    for domain in domains:
        if time.monotonic() > until:
            break
        hosts = resolve(domain)
        with transaction(conn):
            providers.note(conn, domain, None if hosts is None else provider_by_mx(domain, hosts))
        if hosts is None:
            break
        done += 1
    return done
