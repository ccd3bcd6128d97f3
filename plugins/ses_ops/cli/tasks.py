"""`ses task ...`: the commands that only read send tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ses_ops.cli.deleted_tasks import task_id_option, task_to_show
from ses_ops.cli.lazy_group import LazyGroup, examples
from ses_ops.cli.output import cell, json_option, note, print_facts, print_json, print_table
from ses_ops.cli.session import database
from ses_ops.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from ses_ops.domain.feedback import FeedbackRate
    from ses_ops.storage.ledger.messages import ListedMessage
    from ses_ops.storage.tasks.editions import Edition
    from ses_ops.storage.tasks.overview import TaskOverview

_STATUSES = ("waiting", "sending", "paused", "retrying", "error", "finished", "cancelled")
_SELDOM = ("cancelled", "retrying", "queued")
_MESSAGE_STATUSES = (
    *("sent", "failed", "suppressed", "unknown", "cancelled", "cached", "retrying", "queued", "sending"),
)
_FEEDBACK = ("delivered", "hard_bounced", "soft_bounced", "complained", "unsubscribed", "deferred", "dropped")


@click.group(
    cls=LazyGroup,
    commands={
        "apply": ("task_apply:apply", "Create or change tasks from YAML files."),
        "edit": ("task_edit:edit", "Correct a task's mail that has not left."),
        "list": ("tasks:list_command", "List all tasks with status and counts."),
        "show": ("tasks:show", "Show a task, its schedule and its counts."),
        "messages": ("tasks:messages", "List what happened to each message of a task."),
        "starts": ("task_starts:starts", "List the starts of a task, each with its own counts."),
        "pause": ("task_control:pause", "Stop a task's mail until it is resumed."),
        "resume": ("task_control:resume", "End a pause or an error; send what waits."),
        "cancel": ("task_control:cancel", "Stop a task for good."),
        "delete": ("task_control:delete", "Take a task away; its ledger stays."),
        "retry-failed": ("task_control:retry_failed", "Send a task's failed messages again."),
        "resolve-unknown": ("task_control:resolve_unknown", "Decide about messages whose fate is unknown."),
        "forecast": ("task_forecast:forecast_command", "Show on which day each part will go out."),
    },
)
def task() -> None:
    """Send tasks: each is an Airflow DAG, send_task__NAME."""


@click.command("list", epilog=examples("ses task list", "ses task list --status paused --json"))
@click.option("--status", type=click.Choice(_STATUSES), help="Only tasks with this status.")
@click.option("--deleted", is_flag=True, help="The deleted tasks: their ledger stays.")
@json_option
def list_command(status: str | None, deleted: bool, as_json: bool) -> None:
    """List all send tasks. Each message is in one count, so they add up to the requested ones, always.

    A message is sent, failed, suppressed, unknown, cancelled (never sent: its task was cancelled), cached (waits for
    quota or for a person), retrying (the mail server deferred it), queued (waits for its turn) or in progress (a sender
    has it).
    """
    from ses_ops.storage.tasks.overview import list_tasks

    with database() as conn:
        tasks = [one for one in list_tasks(conn, deleted=deleted) if status in (None, one.status.value)]
    if as_json:
        print_json([overview_facts(one) for one in tasks])
        return
    # These counts are rare: a column of zeros is left out.
    seldom = [name for name in _SELDOM if any(getattr(one, f"{name}_count") for one in tasks)]
    columns = ["name", "type", "status", "request", "sent", "cached", "failed", "suppr.", "unknown", *seldom, "in pr."]
    print_table(
        [*columns, *(("id", "deleted") if deleted else ("next run", "why"))],
        [_line(one, seldom) for one in tasks],
        empty=_nothing(status, deleted),
    )


def _nothing(status: str | None, deleted: bool) -> str:
    if status is not None:
        return f"No {'deleted ' if deleted else ''}send task is {status}."
    return (
        "No send task was deleted." if deleted else "There is no send task yet; `ses task apply FILE.yaml` makes one."
    )


def _when_and_why(one: TaskOverview) -> tuple[object, str]:
    return "due now" if one.is_due else one.next_run_at, one.error or one.reason or ""


def _line(one: TaskOverview, seldom: list[str]) -> list[Any]:
    counts = (one.request_count, one.sent_count, one.cached_count, one.failed_count, one.suppressed_count)
    return [
        *(one.name, one.type, one.status, *counts, one.unknown_count),
        *(getattr(one, f"{name}_count") for name in seldom),
        one.in_progress_count,
        *((one.id, one.deleted_at) if one.deleted_at else _when_and_why(one)),
    ]


def overview_facts(one: TaskOverview) -> dict[str, Any]:
    """The JSON object of a task."""
    from dataclasses import fields

    from ses_ops.cli.output import plain

    names = [field.name for field in fields(one) if field.name != "schedule"]
    facts: dict[str, Any] = plain({name: getattr(one, name) for name in names})
    return {
        "id": one.id,
        "name": one.name,
        **facts,
        "schedule": one.schedule.describe(),
        "time_zone": one.schedule.time_zone,
    }


@click.command(epilog=examples("ses task show spring-sale", "ses task show spring-sale --json"))
@click.argument("name")
@task_id_option
@json_option
def show(name: str, task_id: int | None, as_json: bool) -> None:
    """Show one send task: definition, schedule, status and counts. Also of one that was deleted."""
    from zoneinfo import ZoneInfo

    from ses_ops.domain.mail_tracking import Tracking, tracking_text
    from ses_ops.storage.events import task_feedback
    from ses_ops.storage.tasks.editions import editions
    from ses_ops.storage.tasks.overview import list_tasks

    with database() as conn:
        row = task_to_show(conn, name, task_id)
        found = list_tasks(conn, task_id=row.id)
        if not found:  # a test send
            raise NotFound("send task", name)
        changed = editions(conn, row.id) if row.edition > 1 else []
        counts = task_feedback.counts(conn, row.id)
    one = found[0]
    facts = {
        **overview_facts(one),
        **{
            key: getattr(row, key)
            for key in (
                *("reply_to", "unsubscribe", "unsubscribe_url", "advertisement", "start_grace", "on_unknown", "roles"),
            )
        },
        "track": {"opens": row.track_opens, "clicks": row.track_clicks},
        "next_starts": one.next_starts(datetime.now(UTC)),
        "editions": changed,
        "feedback": [_rate_facts(rate) for rate in counts.rates(one.sent_count)],
    }
    if as_json:
        print_json(facts)
        return
    facts.pop("feedback")
    if one.sent_count:
        facts |= {rate.feedback.value: _rate(rate) for rate in counts.rates(one.sent_count)}
    facts["roles"] = ", ".join(row.roles) or None
    facts["track"] = tracking_text(Tracking(row.track_opens, row.track_clicks)) or "as the sender domain says"
    facts["editions"] = "; ".join(_edition(other) for other in changed) or None
    tz = ZoneInfo(one.schedule.time_zone)
    if latest := one.latest_start:
        facts["latest_start"] = f"no. {latest.number}: {latest.sent_count:,} of {latest.request_count:,} sent"
    facts["next_starts"] = ", ".join(f"{slot.astimezone(tz):%Y-%m-%d %H:%M}" for slot in facts["next_starts"]) or None
    for key in ("next_run_at", "created_at", "updated_at", "deleted_at"):
        facts[key] = getattr(one, key)
    if one.is_due:
        facts["next_run_at"] = "due now"
    print_facts(facts)
    if one.unknown_count:
        note(f"whether {one.unknown_count:,} messages arrived is not known: `ses task resolve-unknown {name}` decides")


def _rate_facts(rate: FeedbackRate) -> dict[str, Any]:
    """A rate in JSON: `count` and `share` are null where nothing measures it."""
    return {"what": rate.feedback, "count": rate.count, "of": rate.of, "base": rate.base, "share": rate.share}


def _rate(rate: FeedbackRate) -> str:
    if rate.count is None:
        return "not measured: no feed has told of it"
    return f"{rate.count:,}" if rate.share is None else f"{rate.count:,} ({rate.share:.2%} of {rate.of:,} {rate.base})"


def _edition(one: Edition) -> str:
    """The editions of a task that was changed: the content of the mail before and after."""
    until = f", until {cell(one.replaced_at)}" if one.replaced_at else ""
    return f"{one.number}: {one.sent:,} sent from {one.sender} with template {one.template}{until}"


@click.command(
    epilog=examples(
        "ses task messages spring-sale --status failed",
        "ses task messages spring-sale --feedback hard_bounced",
        "ses task messages spring-sale --address ann@example.com --json",
        "ses task messages spring-sale --address @example.com",
    )
)
@click.argument("name")
@task_id_option
@click.option("--status", type=click.Choice(_MESSAGE_STATUSES), help="Only messages with this status.")
@click.option("--feedback", type=click.Choice(_FEEDBACK), help="Only messages of which this came back.")
@click.option("--address", help="Only messages to this address, or to those with this part in them.")
@click.option("--start", type=click.IntRange(1), help="Only messages of the start with this number.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="Messages at most.")
@json_option
def messages(
    name: str,
    task_id: int | None,
    status: str | None,
    feedback: str | None,
    address: str | None,
    start: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """List a task's messages: to whom, what happened, what the server said.

    Also of a test send, by its name, and of a task that was deleted.
    """
    from ses_ops.cli.output import plain
    from ses_ops.cli.task_starts import start_id
    from ses_ops.domain.feedback import Feedback
    from ses_ops.storage.events import task_feedback
    from ses_ops.storage.ledger.messages import MessageSearch, all_messages, whole_or_part

    rows: list[ListedMessage] = []
    if address is not None and not address.strip():
        raise InvalidInput("the address is empty", field="--address")
    key, part = whole_or_part((address or "").strip())
    with database() as conn:
        chosen = task_to_show(conn, name, task_id).id
        search = MessageSearch(
            task_id=chosen,
            status=status,
            feedback=Feedback(feedback) if feedback else None,
            address_key=key,
            part=part,
            occurrence_id=None if start is None else start_id(conn, chosen, start),
        )
        for batch in all_messages(conn, search, size=limit + 1):
            rows += batch
            if len(rows) > limit:
                break
        outcomes = task_feedback.outcomes(conn, [(row.occurrence_id, row.seq) for row in rows])
    came_back = {key: one.feedback for key, one in outcomes.items()}
    more = len(rows) > limit
    rows = rows[:limit]
    if as_json:
        print_json([{**plain(row), "feedback": came_back.get((row.occurrence_id, row.seq), [])} for row in rows])
    else:
        print_table(
            ["start", "no.", "address", "status", "tries", "server's answer", "changed", "came back"],
            [
                [
                    *(row.start, row.seq, row.address, row.status, row.tries),
                    _answer(row),
                    row.changed_at,
                    came_back.get((row.occurrence_id, row.seq), []),
                ]
                for row in rows
            ],
            empty="No message fits.",
        )
    if more:
        click.echo(f"ses: there are more than {limit:,}; --limit shows more", err=True)


def _answer(row: ListedMessage) -> str:
    said = f"{row.smtp_code or ''} {row.smtp_text or ''}".strip()
    # What the server said to this message is why it is retried; else what its chunk waits for.
    why = said if row.status == "retrying" and said else row.chunk_reason or said
    when = row.next_try_at
    try_again = None if when is None else f"next try {cell(when)}" if when > datetime.now(UTC) else "due now"
    return "; ".join(part for part in (why, try_again) if part)
