"""Decisions about the mail of a blocked sender domain: let it go on, or give it up.

Without a decision it stays cached, with the reason on show, until the block is over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed, Counted, RunWanted
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.reputation_decision import DecisionKind, NewDecision
from ses_ops.errors import Conflict, Explanation, QuotaError, ResumeNotAllowed
from ses_ops.sending.settle import finish_what_is_over
from ses_ops.sending.waiting_mail import go_on_within_the_day
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.ledger import waiting
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.reputation import decisions, states
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.reputation_state import ReputationState
    from ses_ops.domain.warmup import QuotaPlans


@dataclass(frozen=True, kw_only=True, slots=True)
class Released(Changed):
    """The result of a release: the tasks whose mail goes on now."""

    tasks: tuple[str, ...] = ()


def release_blocked(conn: Connection, actor: Actor, plans: QuotaPlans, domain: str, *, note: str = "") -> Released:
    """End the block of a domain; mail that waits for its end goes on as far as the day has quota.

    Raises Conflict for a domain that is not blocked, and ResumeNotAllowed when mail would leave that the actor may not
    start; then nothing is changed.
    """
    with actor.recorded("release_blocked", domain=domain, note=note) as facts:
        with transaction(conn):
            sender_domains.lock_domain(conn, domain)
            state = _blocked(conn, domain)
            for name in waiting.tasks_waiting(conn, domain):
                if not actor.may_start(name):
                    raise ResumeNotAllowed(name)
            states.write(conn, replace(state, blocked_until=None, blocked_why=None))
            why = Explanation("sender_domain_released", domain=domain)
            _decided(conn, actor, DecisionKind.RELEASE, state, why, note)
        facts["tasks"] = tasks = _go_on(conn, plans, domain)
    runs = tuple(RunWanted(task=name, kind=RunKind.RESUME) for name in tasks)
    return Released(scheduler=runs, tasks=tuple(tasks))


def give_up_blocked(conn: Connection, actor: Actor, domain: str, *, task: str | None = None, note: str = "") -> Counted:
    """Count the cached mail of a blocked domain as failed, of one task or of all, with the person as the reason.

    A retry of a task's failed messages brings it back. Raises Conflict for a domain that is not blocked, and NotFound.
    """
    of_task = {} if task is None else {"task": task}
    with actor.recorded("give_up_blocked", domain=domain, note=note, **of_task) as facts:
        with transaction(conn):
            sender_domains.lock_domain(conn, domain)
            state = _blocked(conn, domain)
            why = Explanation("sender_domain_mail_given_up", domain=domain)
            _decided(conn, actor, DecisionKind.GIVE_UP, state, why, note)
            names = waiting.tasks_with_cached_mail(conn, domain) if task is None else [task]
        facts["count"] = count = sum(_give_up(conn, actor, domain, name) for name in names)
    return Counted(changed=count > 0, count=count)


def _give_up(conn: Connection, actor: Actor, domain: str, name: str) -> int:
    with transaction(conn):
        task = send_tasks.lock_row(conn, name)
        reason = str(Explanation("given_up_while_blocked", who=actor.name, domain=domain))
        count = waiting.give_up(conn, task_id=task.id, domain=domain, reason=reason)
        finish_what_is_over(conn, task)
        return count


def _go_on(conn: Connection, plans: QuotaPlans, domain: str) -> list[str]:
    try:
        plan = plans[domain]
    except QuotaError:
        return []  # without a valid plan nothing may leave; the mail goes on with the plan
    return go_on_within_the_day(conn, plan)


def _blocked(conn: Connection, domain: str) -> ReputationState:
    state = states.of_domain(conn, domain)
    if state is None or not state.blocked_at(database_now(conn)):
        raise Conflict("sender_domain_has_no_block", domain=domain)
    return state


def _decided(
    conn: Connection, actor: Actor, kind: DecisionKind, state: ReputationState, why: Explanation, note: str
) -> None:
    """Store a person's decision beside those of the figures; it changes no level."""
    now = database_now(conn)
    decision = NewDecision(
        kind=kind,
        quota_day=state.judged_day or now,
        of_day=None,
        effective_at=now,
        level_before=state.level,
        level_after=state.level,
        why=why,
    )
    decisions.insert(conn, state.sender_domain, decision, decided_at=now, actor=actor.name, note=note)
