"""`ses task forecast`: on which quota day each part of a task will go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json, print_table
from ses_ops.cli.session import database, quota_variable
from ses_ops.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.forecast import Forecast, Waiting
    from ses_ops.domain.warmup import WarmupPlan
    from ses_ops.storage.overview import TaskOverview


@click.command("forecast", epilog=examples("ses task forecast spring-sale", "ses task forecast spring-sale --json"))
@click.argument("name")
@json_option
def forecast_command(name: str, as_json: bool) -> None:
    """Show the day on which each part of a task will go out, behind other tasks' mail that was cached before.

    Under today's plan and with nothing new added: what fails or is suppressed makes it earlier.
    """
    from ses_ops.domain.warmup import parse_quota_variable, plan_for
    from ses_ops.storage.overview import list_tasks

    with database() as conn:
        found = list_tasks(conn, name=name)
        if not found:
            raise NotFound("send task", name, hint="`ses task list` shows them all")
        plan = plan_for(parse_quota_variable(quota_variable()), found[0].sender_domain)
        made = _forecast(conn, found[0], plan)
    _show(name, made, as_json)


def _forecast(conn: Connection, one: TaskOverview, plan: WarmupPlan) -> Forecast:
    from ses_ops.domain.forecast import forecast
    from ses_ops.errors import QuotaError
    from ses_ops.storage import quota_overview

    now = quota_overview.database_now(conn)
    waiting = quota_overview.backlog(conn, one.sender_domain)
    waiting += _to_come(conn, one, now)
    try:
        today = quota_overview.today(conn, plan)
        left, began = today.left, today.rehearsal_began_at
    except QuotaError:  # the warm-up has not begun
        left, began = None, None
    return forecast(plan, waiting, now=now, left_today=left, rehearsal_began_at=began)


def _to_come(conn: Connection, one: TaskOverview, now: datetime) -> list[Waiting]:
    """The audience of the task's next occurrence, which is not in the ledger yet."""
    from ses_ops.domain.forecast import Waiting
    from ses_ops.domain.schedule import TaskType
    from ses_ops.domain.task_status import TaskStatus
    from ses_ops.storage import recipients

    if one.status in (TaskStatus.CANCELLED, TaskStatus.FINISHED):
        return []
    begun = one.request_count > 0
    next_slot = one.schedule.next_after(now)
    if one.type is not TaskType.RECURRING:
        if begun or one.type is TaskType.TRIGGERED:
            return []
        next_slot = next_slot or now
    if next_slot is None:
        return []
    group = recipients.find_group(conn, one.group)
    count = group.recipient_count - recipients.suppressed_count(conn, group.id)
    return [Waiting(task=one.name, count=count, due_at=next_slot)]


def _show(name: str, made: Forecast, as_json: bool) -> None:
    days = [day for day in made.days if day.count(name)]
    left = sum(count for task, count in made.remaining if task == name)
    if as_json:
        print_json({"task": name, "days": [_facts(name, day) for day in days], "without_a_day": left})
        return
    done = 0
    rows = []
    for day in days:
        done += day.count(name)
        others = day.count() - day.count(name)
        rows.append(
            [day.day.number, day.day.starts_at, day.day.ends_at, day.day.allotment, others, day.count(name), done]
        )
    print_table(
        ["day", "from", "to", "quota", "other tasks", "this task", "in all"],
        rows,
        empty=f"{name}: nothing waits to be sent.",
    )
    if left:
        click.echo(f"{left:,} messages find no day within the ten years that were looked at", err=True)


def _facts(name: str, day: Any) -> dict[str, Any]:
    return {
        "day": day.day.number,
        "starts_at": day.day.starts_at,
        "ends_at": day.day.ends_at,
        "quota": day.day.allotment,
        "room": day.room,
        "other_tasks_count": day.count() - day.count(name),
        "count": day.count(name),
    }
