"""The reservation of quota for cached mail, cut into chunks; other mail stays cached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.domain.occurrence import Run, RunKind, of_earlier_task
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.warmup import QuotaDay, QuotaPlans, WarmupPlan, resume_again_at
from ses_ops.errors import DatabaseUnavailable, Explanation, SesError, WarmupNotBegun
from ses_ops.sending.home import check_home
from ses_ops.sending.waiting_mail import why_blocked, why_it_waits
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.ledger import chunks
from ses_ops.storage.quota import quota_days, sender_domains
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.allowance import Allowance
    from ses_ops.storage.ledger.chunks import CachedChunk, CachedMail
    from ses_ops.storage.tasks.stored_task import LockedTask

#: Messages of a chunk: 10 to 20 s of work at full speed, against 1 s of overhead of an Airflow task.
DEFAULT_CHUNK_SIZE = 50_000
#: Messages of the first chunks of a day whose quota the reputation leads or guards. Four are sent at once, and a domain
#: is judged when more than 300 messages were tried.
FIRST_CHUNK = 125
#: Each later chunk is at most this part of the messages that the day has been charged with.
PARTS_OF_THE_KNOWN = 4
UNLIMITED = 1 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """The chunks that a run may send now."""

    chunk_ids: list[int]
    #: Number of messages reserved by this call.
    reserved: int
    #: Number of messages of the task that stay cached.
    cached: int
    day: QuotaDay | None = None
    #: Why nothing may leave; None unless the sender domain is blocked.
    blocked: Explanation | None = None


@dataclass(kw_only=True, slots=True)
class _LockedDay:
    """The quota day whose row is locked."""

    id: int
    day: QuotaDay
    plan: WarmupPlan
    #: Messages that may still be reserved, those of the share of single messages too; 0 while the domain is blocked.
    left: int
    #: Of these, messages of that share, which bulk mail leaves alone.
    set_aside: int
    now: datetime
    #: Messages that the day has been charged with.
    taken: int
    allowance: Allowance


def reserve_chunks(
    conn: Connection, run: Run, *, plans: QuotaPlans, chunk_size: int = DEFAULT_CHUNK_SIZE
) -> Reservation:
    """Reserve quota for the cached mail of this task that is due, in one transaction under the quota day's row lock.

    Mail that was cached first comes first, behind all mail of the domain that was cached before and becomes due within
    the day (docs/decisions/0005). A repetition by the same run returns the chunks that the run holds already. A run
    that a person triggered does not wait for the due time. Raises QuotaError or InvalidInput for a Variable that cannot
    be used: nothing is reserved then. Raises LedgerRestored.
    """
    check_home(conn)
    try:
        with transaction(conn):
            return _reserve(conn, run, plans, chunk_size)
    except DatabaseUnavailable:
        raise
    except SesError as problem:
        with transaction(conn):
            send_tasks.set_error(conn, run.task_name, problem.sentence)
        raise


def _reserve(conn: Connection, run: Run, plans: QuotaPlans, chunk_size: int) -> Reservation:
    task = send_tasks.lock_row(conn, run.task_name)
    reserved = cached = 0
    locked = None
    its_own = of_earlier_task(run, task_id=task.id, created_at=task.created_at) is None
    if its_own and task.cancelled_at is None and task.paused_at is None:
        send_tasks.set_error(conn, run.task_name, None)  # at first, as mail of a task with an error has no claim
        by_hand = run.kind is RunKind.TRIGGERED
        plan = plans[task.sender_domain]
        try:
            locked = lock_quota_day(conn, plan)
        except WarmupNotBegun as not_yet:
            if task.type == TaskType.TEST:
                raise  # a test send is never sent later
            return _wait_for_warmup(conn, task, not_yet)
        locked.left = max(0, locked.left - locked.set_aside)
        mine = chunks.lock_cached_of_task(conn, task_id=task.id, now=locked.now, all_due=by_hand)
        besides = chunks.cached_besides(
            conn,
            sender_domain=task.sender_domain,
            mine=[chunk.id for chunk in mine],
            ends_at=locked.day.ends_at,
        )
        for chunk in mine:
            taken = min(chunk.pending, max(0, locked.left - _ahead_of(chunk, besides)))
            rest = _take(conn, run, locked, chunk, taken, chunk_size)
            if rest is not None:
                _cache(conn, rest, locked, chunk.cached_at)
            reserved += taken
            cached += chunk.pending - taken
            locked.left -= taken
        quota_days.add_reservation(conn, day_id=locked.id, count=reserved)
    held = chunks.reserved_of_run(conn, run_id=run.run_id, task_id=task.id)
    return Reservation(
        chunk_ids=[one.id for one in held],
        reserved=reserved,
        cached=cached,
        day=locked.day if locked else None,
        blocked=why_blocked(locked.plan, locked.allowance) if locked else None,
    )


def _ahead_of(chunk: CachedChunk, besides: list[CachedMail]) -> int:
    """Number of messages of other tasks that were cached before this chunk and so come first."""
    cached_at = chunk.cached_at
    return sum(other.pending for other in besides if cached_at is None or other.cached_at < cached_at)


def _wait_for_warmup(conn: Connection, task: LockedTask, not_yet: WarmupNotBegun) -> Reservation:
    """Cache the task's mail until the first day of the warm-up."""
    now = database_now(conn)
    mine = chunks.lock_cached_of_task(conn, task_id=task.id, now=now, all_due=False)
    reason = Explanation("waits_for_warmup", domain=task.sender_domain, start=not_yet.words).sentence
    for chunk in mine:
        chunks.cache(conn, chunk_id=chunk.id, now=now, due_at=not_yet.begins_at, reason=reason)
    return Reservation(chunk_ids=[], reserved=0, cached=sum(chunk.pending for chunk in mine))


def lock_quota_day(conn: Connection, plan: WarmupPlan) -> _LockedDay:
    """Lock the present quota day, by the database's clock; its row is made at first use.

    The wait for the lock may take longer than the day lasts; then the next day is locked as well.
    """
    # After an edit of the plan two days may overlap; the lock of the domain lets one transaction lock both rows.
    sender_domains.lock_domain(conn, plan.domain)
    began = sender_domains.begin_rehearsal(conn, plan)
    now = database_now(conn)
    while True:
        day, allowance, _ = sender_domains.enforced_day(conn, plan, now, rehearsal_began_at=began)
        locked = quota_days.lock_day(conn, plan.domain, day)
        now = locked.now
        if now < day.ends_at:
            beside = quota_days.use_beside(conn, plan.domain, day)
            taken = locked.reserved + locked.used + beside.reserved + beside.used
            aside = sender_domains.with_share(conn, plan).set_aside(allowance.quota) - locked.single - beside.single
            return _LockedDay(
                id=locked.id,
                day=day,
                plan=plan,
                left=max(0, allowance.quota - taken),
                set_aside=max(0, aside),
                now=now,
                taken=taken,
                allowance=allowance,
            )


def _take(
    conn: Connection, run: Run, locked: _LockedDay, chunk: CachedChunk, taken: int, chunk_size: int
) -> int | None:
    """Reserve the first `taken` pending messages in chunks; returns the id of the chunk that stays cached, if any."""
    current = chunk
    while taken > 0:
        size = min(taken, chunk_size, _noticed_in_time(locked))
        rest = chunks.cut(conn, current, pending=size) if size < current.pending else None
        chunks.reserve(
            conn, chunk_id=current.id, run_id=run.run_id, quota_day_id=locked.id, sender_domain=locked.plan.domain
        )
        taken -= size
        locked.taken += size
        if rest is None:
            return None
        current = rest
    return current.id


def _noticed_in_time(locked: _LockedDay) -> int:
    """Most messages of the next chunk, so that a bad list is noticed before the day's quota has left.

    The domain is judged after each chunk. The first ones together are no larger than what is needed to judge; each
    other is a quarter of what the day has been charged with before, so that the chunks that are sent at once cannot
    be more than what was looked at.
    """
    reputation = locked.plan.reputation
    if reputation is None or reputation.shadow:
        return UNLIMITED
    return max(FIRST_CHUNK, locked.taken // PARTS_OF_THE_KNOWN)


def _cache(conn: Connection, chunk_id: int, locked: _LockedDay, cached_at: datetime | None) -> None:
    reason = why_it_waits(locked.plan, locked.day, locked.allowance).sentence
    due_at = resume_again_at(locked.plan, cached_at or locked.now, locked.day)
    chunks.cache(conn, chunk_id=chunk_id, now=locked.now, due_at=due_at, reason=reason)
