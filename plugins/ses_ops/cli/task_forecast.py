"""`ses task forecast`: the quota day on which each part of a task leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json, print_table
from ses_ops.cli.session import database, quota_plans
from ses_ops.errors import NotFound

if TYPE_CHECKING:
    from ses_ops.domain.forecast import Forecast


@click.command("forecast", epilog=examples("ses task forecast spring-sale", "ses task forecast spring-sale --json"))
@click.argument("name")
@json_option
def forecast_command(name: str, as_json: bool) -> None:
    """Show the day on which each part of a task will go out, behind other tasks' mail that was cached before.

    Under today's plan and with nothing new added: what fails or is suppressed makes it earlier.
    """
    from ses_ops.application.forecasts import forecast_of_task
    from ses_ops.storage.tasks.overview import list_tasks

    with database() as conn:
        found = list_tasks(conn, name=name)
        if not found:
            raise NotFound("send task", name)
        plan = quota_plans()[found[0].sender_domain]
        made = forecast_of_task(conn, found[0], plan)
    _show(name, made, as_json)


def _show(name: str, made: Forecast, as_json: bool) -> None:
    days = [day for day in made.days if day.count(name)]
    left = sum(count for task, count in made.remaining if task == name)
    if as_json:
        facts = {"task": name, "days": [_facts(name, day) for day in days], "without_a_day": left}
        print_json({**facts, "may_be_earlier": made.may_be_earlier})
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
    if rows and made.may_be_earlier:
        click.echo("The reputation leads the quota: a raise of its level lets mail go earlier, also within the day.")


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
