"""How a ledger goes on that was restored from a backup: a person says it, and nobody is mailed twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.domain.clock import check_aware
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import Conflict, InvalidInput
from ses_ops.sending.doubt import RestoreGap, charge_doubts, doubt_chunk, doubt_scheduled
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.restore import doubts, home, restores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.storage.restore.doubts import DoubtfulChunk


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreOrder:
    """What a person says of a restored ledger. Moments are aware."""

    #: The moment of the backup; None: the newest that the ledger knows.
    taken_at: datetime | None = None
    #: From when on the system of the backup sent nothing; None: now.
    until: datetime | None = None
    #: Whether the person knows that it sent nothing since the backup: then nothing is in doubt.
    nothing_was_sent: bool = False
    #: Whether the server itself was restored (a snapshot, a point in time), which the ledger cannot notice.
    same_server: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoredLedger:
    """What became of a restored ledger, or would become of it."""

    #: False: the ledger is where it sent last, and nothing was done.
    needed: bool
    #: The number of the restore; None: nothing was written.
    id: int | None = None
    taken_at: datetime | None = None
    until: datetime | None = None
    nothing_was_sent: bool = False
    #: Number of messages that are unknown now, by send task; single messages by `api:` and their sender domain.
    unknown: dict[str, int] = field(default_factory=dict)
    #: Number of recipients of single messages whose time is still to come, and that are sent then.
    scheduled_later: int = 0
    #: Number of doubts that count as used today, by sender domain.
    quota_used: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of messages that are unknown now."""
        return sum(self.unknown.values())


def preview(conn: Connection, order: RestoreOrder) -> RestoredLedger:
    """What `restore` would do; changes nothing. Raises as it does."""
    with transaction(conn):
        found = home.look(conn)
        if found is not None and found.here and not order.same_server:
            return RestoredLedger(needed=False)
        taken_at, until = _moments(conn, order)
        if order.nothing_was_sent:
            return RestoredLedger(needed=True, taken_at=taken_at, until=until, nothing_was_sent=True)
        doubtful = doubts.chunks(conn)
        scheduled = doubts.count_scheduled(conn, until=until)
    _refuse_while_sending(doubtful)
    unknown = Counter({f"{TaskType.API}:{one.domain}": one.due for one in scheduled})
    for chunk in doubtful:
        unknown[chunk.task] += chunk.pending
    return RestoredLedger(
        needed=True,
        taken_at=taken_at,
        until=until,
        unknown=_without_zeros(unknown),
        scheduled_later=sum(one.later for one in scheduled),
    )


def restore(
    conn: Connection,
    actor: Actor,
    order: RestoreOrder,
    *,
    plans: QuotaPlans | None,
    progress: Callable[[int], None] = lambda _: None,
) -> RestoredLedger:
    """Make unknown what may have left since the backup, and have the ledger send from here on; one transaction.

    Safe to repeat: a ledger that is where it sent last is left as it is, unless `same_server` says that its server was
    restored. `progress` hears the number of messages of each part. Without `plans` no doubt counts for a quota day.
    Raises InvalidInput for moments that cannot be, Conflict while a process sends.
    """
    with transaction(conn):
        home.lock(conn)
        found = home.look(conn)
        if found is not None and found.here and not order.same_server:
            return RestoredLedger(needed=False)
        with actor.recorded("restore_ledger", nothing_was_sent=order.nothing_was_sent) as facts:
            done = _restore(conn, actor, order, plans, progress)
            facts |= {"restore": done.id, "unknown": done.count, "until": str(done.until)}
            home.move(conn)
    return done


def _restore(
    conn: Connection,
    actor: Actor,
    order: RestoreOrder,
    plans: QuotaPlans | None,
    progress: Callable[[int], None],
) -> RestoredLedger:
    taken_at, until = _moments(conn, order)
    nothing = order.nothing_was_sent
    restore_id = restores.insert(conn, who=actor.name, taken_at=taken_at, until=until, nothing_was_sent=nothing)
    if nothing:
        return RestoredLedger(needed=True, id=restore_id, taken_at=taken_at, until=until, nothing_was_sent=True)
    gap = RestoreGap(restore_id=restore_id, taken_at=taken_at, until=until)
    doubtful = doubts.chunks(conn)
    _refuse_while_sending(doubtful)
    scheduled = doubts.count_scheduled(conn, until=until)
    due = {one.domain: one.due for one in scheduled if one.due}
    charged = charge_doubts(conn, plans, doubtful, due, until) if plans is not None else {}
    unknown = Counter({f"{TaskType.API}:{domain}": count for domain, count in due.items()})
    for chunk in doubtful:
        unknown[chunk.task] += doubt_chunk(conn, chunk, gap, progress)
    doubt_scheduled(conn, gap)
    single = sum(count for task, count in unknown.items() if task.startswith(f"{TaskType.API}:"))
    restores.count(conn, restore_id, bulk=unknown.total() - single, single=single)
    return RestoredLedger(
        needed=True,
        id=restore_id,
        taken_at=taken_at,
        until=until,
        unknown=_without_zeros(unknown),
        scheduled_later=sum(one.later for one in scheduled),
        quota_used=charged,
    )


def _moments(conn: Connection, order: RestoreOrder) -> tuple[datetime, datetime]:
    """The moment of the backup, and that until which the other system may have sent."""
    now = database_now(conn)
    taken_at = order.taken_at or restores.newest_moment(conn)
    if taken_at is None:
        raise InvalidInput("ledger_has_no_moment")
    until = order.until or max(now, taken_at)
    for moment in (order.taken_at, order.until):
        if moment is not None and check_aware(moment) > now:
            raise InvalidInput("restored_in_the_future", moment=_shown(moment))
    if until < taken_at:
        raise InvalidInput("restored_before_backup", until=_shown(until), taken=_shown(taken_at))
    return taken_at, until


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _refuse_while_sending(doubtful: Sequence[DoubtfulChunk]) -> None:
    for chunk in doubtful:
        if chunk.is_held:
            raise Conflict("restore_while_sending", task=chunk.task)


def _without_zeros(counts: Counter[str]) -> dict[str, int]:
    return {task: count for task, count in sorted(counts.items()) if count}
