"""Use cases of suppressions in bulk: what the storm guard holds is approved or discarded, and a time span is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.changed import Counted
from ses_ops.errors import Conflict
from ses_ops.storage.connection import transaction
from ses_ops.storage.suppression import held, lifting

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.storage.suppression.lifting import Span


def approve(conn: Connection, actor: Actor, provider: str, *, until: datetime, why: str = "") -> Counted:
    """Suppress the addresses of a mailbox provider that wait since `until` or longer. Raises Conflict: none waits."""
    with actor.recorded("approve_suppressions", provider=provider, why=why) as facts, transaction(conn):
        waiting = _waiting(conn, provider, until)
        facts |= {"count": waiting, "suppressed": held.approve(conn, provider, until=until, by=actor.name)}
    return Counted(count=waiting)


def discard(conn: Connection, actor: Actor, provider: str, *, until: datetime, why: str = "") -> Counted:
    """Let the held addresses of a mailbox provider get mail. Raises Conflict: none waits since `until` or longer."""
    with actor.recorded("discard_suppressions", provider=provider, why=why) as facts, transaction(conn):
        waiting = facts["count"] = _waiting(conn, provider, until)
        held.discard(conn, provider, until=until)
    return Counted(count=waiting)


def lift(conn: Connection, actor: Actor, span: Span, *, why: str) -> Counted:
    """Take all entries of a time span off the list, by reason, provider and words; the audit log keeps which."""
    facts = {
        "since": span.since.isoformat(),
        "until": span.until.isoformat(),
        "reason": span.reason.value,
        "provider": span.provider,
        "words": span.words,
        "why": why,
    }
    with actor.recorded("lift_suppressions", **facts) as recorded, transaction(conn):
        count = recorded["count"] = lifting.lift(conn, span)
    return Counted(changed=count > 0, count=count)


def _waiting(conn: Connection, provider: str, until: datetime) -> int:
    if not (waiting := held.count(conn, provider, until=until)):
        raise Conflict("no_suppressions_wait", provider=provider)
    return waiting
