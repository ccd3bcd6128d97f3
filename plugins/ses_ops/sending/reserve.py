"""Reserve a sender domain's quota and cut cached mail into chunks against it; what does not fit stays cached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.occurrence import Run, RunKind, of_earlier_task
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.warmup import QuotaDay, QuotaPlans, WarmupPlan, quota_day, resume_again_at
from ses_ops.errors import DatabaseUnavailable, SesError, WarmupNotBegun
from ses_ops.sending.freeze import put_error_on_show
from ses_ops.storage.connection import transaction
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one
from ses_ops.storage.quota.sender_domains import database_now
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Messages a chunk: 10 to 20 seconds of work at full speed, against a second of overhead of an Airflow task.
DEFAULT_CHUNK_SIZE = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """What a run may send now."""

    chunk_ids: list[int]
    #: Messages reserved by this call.
    reserved: int
    #: Messages of the task that stay cached.
    cached: int
    day: QuotaDay | None = None


@dataclass(kw_only=True, slots=True)
class _LockedDay:
    """The quota day under its row lock."""

    id: int
    day: QuotaDay
    plan: WarmupPlan
    left: int
    now: datetime


def reserve_chunks(
    conn: Connection, run: Run, *, plans: QuotaPlans, chunk_size: int = DEFAULT_CHUNK_SIZE
) -> Reservation:
    """Reserve for the cached mail of this task that is due, in one transaction under the quota day's row lock.

    Oldest cached first, and behind all mail of the domain that was cached before and becomes due within the day
    (docs/decisions/0005). Repeated by the same run it returns what that run holds already. A run that a person
    triggered does not wait for the due time.
    Raises QuotaError or InvalidInput for a Variable that cannot be used: nothing is reserved then.
    """
    try:
        with transaction(conn):
            return _reserve(conn, run, plans, chunk_size)
    except DatabaseUnavailable:
        raise
    except SesError as problem:
        put_error_on_show(conn, run.task_name, problem)
        raise


def _reserve(conn: Connection, run: Run, plans: QuotaPlans, chunk_size: int) -> Reservation:
    task = send_tasks.lock_row(conn, run.task_name)
    reserved = cached = 0
    locked = None
    its_own = of_earlier_task(run, task_id=task["id"], created_at=task["created_at"]) is None
    if its_own and task["cancelled_at"] is None and task["paused_at"] is None:
        send_tasks.set_error(conn, run.task_name, None)  # first: mail of a task with an error has no claim
        by_hand = run.kind is RunKind.TRIGGERED
        plan = plans[task["sender_domain"]]
        try:
            locked = lock_quota_day(conn, plan)
        except WarmupNotBegun as not_yet:
            if task["type"] == TaskType.TEST:
                raise  # never sent later
            return _wait_for_warmup(conn, task, not_yet)
        mine = fetch_all(conn, "chunks", "lock_cached_of_task", task_id=task["id"], now=locked.now, all_due=by_hand)
        besides = fetch_all(
            conn,
            "chunks",
            "cached_besides",
            sender_domain=task["sender_domain"],
            mine=[chunk["id"] for chunk in mine],
            ends_at=locked.day.ends_at,
        )
        for chunk in mine:
            taken = min(chunk["pending"], max(0, locked.left - _ahead_of(chunk, besides)))
            rest = _take(conn, run, locked, chunk, taken, chunk_size)
            if rest is not None:
                _cache(conn, rest, locked, chunk["cached_at"])
            reserved += taken
            cached += chunk["pending"] - taken
            locked.left -= taken
        execute(conn, "quota_days", "add_reservation", id=locked.id, count=reserved)
    held = fetch_all(conn, "chunks", "reserved_of_run", run_id=run.run_id, task_id=task["id"])
    return Reservation(
        chunk_ids=[row["id"] for row in held], reserved=reserved, cached=cached, day=locked.day if locked else None
    )


def _ahead_of(chunk: dict[str, Any], besides: list[dict[str, Any]]) -> int:
    """Messages of others that were cached before and so come first."""
    cached_at = chunk["cached_at"]
    return sum(other["pending"] for other in besides if cached_at is None or other["cached_at"] < cached_at)


def _wait_for_warmup(conn: Connection, task: dict[str, Any], not_yet: WarmupNotBegun) -> Reservation:
    """Cache what would be sent now until the first day of the warm-up."""
    now = database_now(conn)
    mine = fetch_all(conn, "chunks", "lock_cached_of_task", task_id=task["id"], now=now, all_due=False)
    reason = f"the warm-up of {task['sender_domain']} begins at {not_yet.words}"
    for chunk in mine:
        execute(conn, "chunks", "cache_chunk", id=chunk["id"], now=now, due_at=not_yet.begins_at, reason=reason)
    return Reservation(chunk_ids=[], reserved=0, cached=sum(chunk["pending"] for chunk in mine))


def lock_quota_day(conn: Connection, plan: WarmupPlan) -> _LockedDay:
    """Lock the quota day that is now, by the database's clock, making its row at first use.

    Waiting for the lock may take longer than the day lasts; then the next day is locked as well.
    """
    execute(conn, "quota_days", "ensure_domain", domain=plan.domain)
    # The rows of two days that overlap, because the plan was edited, are locked by whoever comes first.
    execute(conn, "quota_days", "lock_domain", domain=plan.domain)
    began: datetime | None = None
    if plan.rehearsal_counts_from_first_use:
        row = fetch_one(conn, "quota_days", "begin_rehearsal", domain=plan.domain, key=plan.rehearsal_key)
        began = row["rehearsal_began_at"] if row else None
    now = database_now(conn)
    while True:
        day = quota_day(plan, now, rehearsal_began_at=began)
        slot = {"domain": plan.domain, "starts_at": day.starts_at, "ends_at": day.ends_at}
        execute(conn, "quota_days", "ensure_day", **slot, number=day.number, allotment=day.allotment)
        row = fetch_one(conn, "quota_days", "lock_day", **slot, number=day.number, allotment=day.allotment)
        assert row is not None
        now = row["clock_timestamp"]
        if now < day.ends_at:
            beside = fetch_one(conn, "quota_days", "used_beside", **slot)
            assert beside is not None
            taken = row["reserved"] + row["used"] + beside["reserved"] + beside["used"]
            left = max(0, day.allotment - taken)
            return _LockedDay(id=row["id"], day=day, plan=plan, left=left, now=now)


def _take(
    conn: Connection, run: Run, locked: _LockedDay, chunk: dict[str, Any], taken: int, chunk_size: int
) -> int | None:
    """Reserve the first `taken` pending messages in pieces; returns the id of the chunk that stays cached, if any."""
    current = chunk
    while taken > 0:
        size = min(taken, chunk_size)
        rest = split_chunk(conn, current, size) if size < current["pending"] else None
        of_day = {"quota_day_id": locked.id, "sender_domain": locked.plan.domain}
        execute(conn, "chunks", "reserve_chunk", id=current["id"], run_id=run.run_id, **of_day)
        taken -= size
        if rest is None:
            return None
        current = rest
    return int(current["id"])


def split_chunk(conn: Connection, chunk: dict[str, Any], pending: int) -> dict[str, Any]:
    """Cut a chunk behind its first `pending` pending messages; returns the second part, cached as before."""
    span = {key: chunk[key] for key in ("occurrence_id", "first_seq", "last_seq")}
    row = fetch_one(conn, "occurrences", "seq_of_nth_pending", **span, n=pending)
    assert row is not None
    cut = row["seq"]
    head = fetch_one(conn, "occurrences", "count_range", **{**span, "last_seq": cut})
    assert head is not None
    tail = {key: chunk[key] - head[key] for key in head}
    execute(conn, "chunks", "shrink_chunk", id=chunk["id"], last_seq=cut, **head)
    made = fetch_one(
        conn,
        "chunks",
        "insert_rest",
        id=chunk["id"],
        first_seq=cut + 1,
        last_seq=chunk["last_seq"],
        sending_through=chunk["sending_through"],
        **tail,
    )
    assert made is not None
    return {**chunk, **tail, "id": made["id"], "first_seq": cut + 1}


def _cache(conn: Connection, chunk_id: int, locked: _LockedDay, cached_at: datetime | None) -> None:
    reason = f"today's quota of {locked.day.allotment:,} for {locked.plan.domain} is used up"
    due_at = resume_again_at(locked.plan, cached_at or locked.now, locked.day)
    execute(conn, "chunks", "cache_chunk", id=chunk_id, now=locked.now, due_at=due_at, reason=reason)
