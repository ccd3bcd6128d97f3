"""The freeze of an audience: the group's present recipients become ledger rows, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ses_ops.domain.occurrence import (
    Run,
    RunKind,
    missed_start,
    not_to_start,
    occurrence_key,
    of_earlier_task,
    started_before_restore,
)
from ses_ops.errors import DatabaseUnavailable, Explanation, NotFound, Sentence, SesError
from ses_ops.sending.home import check_home
from ses_ops.sending.mail_subject import keep_first_subject
from ses_ops.sending.task_renderer import check_template
from ses_ops.sending.template_place import template_place
from ses_ops.sending.unsubscribe_page import with_page
from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger import occurrences
from ses_ops.storage.restore import restores
from ses_ops.storage.suppression.hashed_suppression import suppress_erased
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.tasks.stored_task import LockedTask


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenAudience:
    """The audience of this run's occurrence; empty when the run only sends cached mail."""

    occurrence_ids: tuple[int, ...]
    #: Number of messages, with the suppressed ones.
    request_count: int
    #: Why the occurrence waits for a person instead of starting.
    held_reason: str | None = None
    #: Why this run starts nothing at all: its slot is no longer in the schedule, or it is an earlier task's.
    passed_over: Explanation | None = None


def freeze_audience(conn: Connection, run: Run, *, templates_root: Path) -> FrozenAudience:
    """Write this run's occurrence to the ledger, in one transaction; a repetition changes nothing.

    A run by hand also starts an occurrence that had missed its start; of several occurrences that waited for a person
    only the newest, because each would mail the same group. Raises SesError when the template cannot be used or needs
    other variables than the group has: then nothing is written, and the error is stored at the task. Raises
    LedgerRestored.
    """
    check_home(conn)
    try:
        with transaction(conn):
            frozen = _freeze(conn, run, templates_root)
            if frozen.passed_over is None:
                send_tasks.set_error(conn, run.task_name, None)
            return frozen
    except DatabaseUnavailable:
        raise
    except SesError as problem:
        _hold(conn, run, problem)
        raise


def _hold(conn: Connection, run: Run, problem: SesError) -> None:
    """Store the error, and hold the occurrence: after a correction `ses task resume` or a trigger by hand starts it."""
    with transaction(conn):
        send_tasks.set_error(conn, run.task_name, problem.sentence)
        task = send_tasks.lock_row_if_any(conn, run.task_name)
        key = None if task is None else occurrence_key(task.type, run)
        if task is None or key is None:
            return
        _begin(conn, task, key, run)
        for occurrence in occurrences.lock_unfrozen(conn, task_id=task.id, key=key, with_held=False):
            occurrences.hold(conn, occurrence_id=occurrence.id, reason=problem.sentence)


def _begin(conn: Connection, task: LockedTask, key: str, run: Run) -> None:
    occurrences.begin(conn, task_id=task.id, key=key, run_id=run.run_id, logical_at=run.logical_at)


def _freeze(conn: Connection, run: Run, templates_root: Path) -> FrozenAudience:
    task = send_tasks.lock_row(conn, run.task_name)
    key = occurrence_key(task.type, run)
    if task.cancelled_at is not None or run.kind is RunKind.RESUME:
        return FrozenAudience(occurrence_ids=(), request_count=0)
    passed_over = of_earlier_task(run, task_id=task.id, created_at=task.created_at)
    passed_over = passed_over or not_to_start(task.schedule, run)
    if passed_over is not None:
        return FrozenAudience(occurrence_ids=(), request_count=0, passed_over=passed_over)
    if key is not None:
        _begin(conn, task, key, run)
    doubt = started_before_restore(run, until=restores.sent_until(conn))
    by_hand = run.kind is RunKind.TRIGGERED and doubt is None
    waiting = occurrences.lock_unfrozen(conn, task_id=task.id, key=key, with_held=by_hand)
    if waiting:
        place = template_place(conn, templates_root, task.content.template)
        check_template(with_page(conn, task.content), place, group=task.group, variables=task.group_variables)
    for older in waiting[:-1]:
        held = older.held_reason.explanation if isinstance(older.held_reason, Sentence) else older.held_reason
        reason = Explanation("start_superseded", why=held).sentence
        occurrences.supersede(conn, occurrence_id=older.id, reason=reason)
    for occurrence in waiting[-1:]:
        why = doubt.sentence if doubt is not None else None if by_hand else _missed(task, run)
        if why is None:
            _write(conn, task, occurrence.id, templates_root)
        else:
            occurrences.hold(conn, occurrence_id=occurrence.id, reason=why)
    found = occurrences.of_run(conn, task_id=task.id, key=key, run_id=run.run_id)
    return FrozenAudience(
        occurrence_ids=tuple(one.id for one in found if one.frozen_at is not None),
        request_count=sum(one.request_count for one in found),
        held_reason=next((one.held_reason for one in found if one.held_reason), None),
    )


def _missed(task: LockedTask, run: Run) -> str | None:
    if run.logical_at is None:
        return None
    where = task.schedule.time_zone
    now, grace = datetime.now(UTC), task.start_grace
    reason = missed_start(task=run.task_name, slot=run.logical_at, now=now, grace=grace, time_zone=where)
    return None if reason is None else reason.sentence


def _write(conn: Connection, task: LockedTask, occurrence_id: int, templates_root: Path) -> None:
    variables = occurrences.write_audience(
        conn, occurrence_id=occurrence_id, group_id=task.group_id, sender_domain=task.sender_domain
    )
    if variables is None:
        raise NotFound("recipient group", task.group or "?", code="recipient_group_deleted_after_the_end")
    suppress_erased(conn, occurrence_id, sender_domain=task.sender_domain)
    if variables != task.group_variables:  # a file was imported since then, whose rows were written
        place = template_place(conn, templates_root, task.content.template)
        check_template(with_page(conn, task.content), place, group=task.group, variables=variables)
    keep_first_subject(conn, task.id, with_page(conn, task.content), occurrence_id, templates_root)
    occurrences.mark_frozen(conn, occurrence_id=occurrence_id, sender_domain=task.sender_domain)
    send_tasks.reopen(conn, task_id=task.id)
