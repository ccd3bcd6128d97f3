"""`ses task edit`: correct the mail of a task that has not left."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ses_ops import settings
from ses_ops.cli.actor import shell_actor
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.session import database
from ses_ops.cli.task_control import confirmed
from ses_ops.cli.task_roles import unknown_roles, write_roles
from ses_ops.cli.tell_airflow import tell
from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.send_task import SendTask
    from ses_ops.domain.task_change import TaskChange
    from ses_ops.storage.tasks.editions import MailOfTask


_LANGUAGES = click.Choice([one.value for one in LANGUAGES])
_TRACKED = click.Choice(["yes", "no", "default"])
#: Options that are a part of a field `track`.
_TRACK = {"track_opens": "opens", "track_clicks": "clicks"}


class _OnlyLooked(Exception):
    """Raised to roll the transaction back."""


@click.command(
    epilog=examples(
        "ses task edit spring-sale --sender 'Shop <news@mail.example.com>' --check",
        "ses task edit spring-sale --template newsletter-corrected --reply-to ''",
    )
)
@click.argument("name")
@click.option("--template", help="Another template.")
@click.option("--subject", help="Another subject; '' for that of the template.")
@click.option("--sender", help='"Name <address>".')
@click.option("--reply-to", help="Where answers go; '' for the sender.")
@click.option("--unsubscribe-url", help="Where a recipient unsubscribes; '' for none.")
@click.option("--unsubscribe", type=_LANGUAGES, help="Language of the own unsubscribe page and its footer, or none.")
@click.option("--advertisement", type=click.Choice(["none", "before", "after"]), help="Where the mark stands.")
@click.option("--track-opens", type=_TRACKED, help="Whether opens are noticed; default: as the sender domain says.")
@click.option("--track-clicks", type=_TRACKED, help="Whether clicks are noticed; default: as the sender domain says.")
@click.option("--roles", help="Airflow's roles that see and stop it, with commas between them; '' for none.")
@click.option("--check", is_flag=True, help="Show what would change for whom, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def edit(name: str, check: bool, yes: bool, **given: str | None) -> None:
    """Correct a task's mail that has not left; what was sent keeps its record. A task in error goes on by it."""
    from ses_ops.application import task_definitions

    fields = {field: value for field, value in given.items() if value is not None}
    if not fields:
        raise click.UsageError("say what changes, for example --sender")
    if wrong := unknown_roles(_names(fields.get("roles", ""))):
        raise wrong[0]
    with database() as conn:
        change, mail = _tried(conn, name, fields)
        for line in change_lines(change, mail) if change.fields else [f"{name}: nothing changes"]:
            click.echo(line)
        if check or not change.fields or not confirmed("Change it?", yes=yes):
            return
        seen, how = task_definitions.fingerprint(change.before), _how()
        done = task_definitions.change(conn, shell_actor(), change.after, seen=seen, **how)
    click.echo(f"{name}: changed")
    write_roles(done.roles)
    tell(done)


def _names(text: str) -> set[str]:
    return {one.strip() for one in text.split(",")} - {""}


def change_lines(change: TaskChange, mail: MailOfTask) -> Iterator[str]:
    """The changed fields, and the number of messages concerned."""
    for field in change.fields:
        if field != "sender_domain":
            yield f"{field}: {_shown(change.before, field)} -> {_shown(change.after, field)}"
    if mail.frozen:
        more = f", {mail.failed:,} that failed if they are retried" if mail.failed else ""
        yield f"for {mail.waiting:,} messages that have not left{more}; {mail.sent:,} were sent and stay as they are"
        if mail.leaving:
            yield f"{mail.leaving:,} of them are in the hands of a sender: what leaves until then leaves as it was"


def _shown(task: SendTask, field: str) -> str:
    value: Any = getattr(task, field)
    if field in _TRACK:
        return "as the domain says" if value is None else "yes" if value else "no"
    if field == "roles":
        return ", ".join(value) or "-"
    return value.describe() if field == "schedule" else "-" if value is None else str(value)


def _how() -> dict[str, Any]:
    return {"now": datetime.now(UTC), "templates_root": settings.templates_root()}


def _tried(conn: Connection, name: str, fields: dict[str, str]) -> tuple[TaskChange, MailOfTask]:
    """The change and the progress of the mail, read in a transaction that is rolled back."""
    from ses_ops.application.task_definitions import fingerprint, write_change
    from ses_ops.domain.task_change import TaskChange
    from ses_ops.storage.connection import transaction
    from ses_ops.storage.tasks.editions import mail_of_task
    from ses_ops.storage.tasks.send_tasks import find_row, lock_row

    with suppress(_OnlyLooked), transaction(conn):
        lock_row(conn, name)
        row = find_row(conn, name)
        before = row.definition
        mail = mail_of_task(conn, row.id)
        after = _changed(before, fields)
        write_change(conn, shell_actor(), after, seen=fingerprint(before), **_how())
        raise _OnlyLooked
    return TaskChange(before=before, after=after), mail


def _changed(task: SendTask, fields: dict[str, str]) -> SendTask:
    """The changed definition, checked by the rules of a file; an empty value removes a field."""
    from ses_ops.domain.send_task import parse_send_task

    whole = {"name": task.name, "type": "triggered", "template": "x", "sender": "x@example.com", "group": "x"}
    required = ("template", "sender")
    given = {field: value for field, value in fields.items() if value.strip() or field in required}
    track = ", ".join(f"{_TRACK[option]}: {given.pop(option)}" for option in _TRACK if option in given)
    checked = parse_send_task({**whole, **given, **({"track": track} if track else {})}, where="")
    changes = {field: getattr(checked, field) for field in fields}
    if "unsubscribe_url" in fields and fields["unsubscribe_url"].strip() and "unsubscribe" not in fields:
        # One of the two: who names an address of theirs has done with the page.
        changes["unsubscribe"] = checked.unsubscribe
    if changes.get("unsubscribe", UnsubscribeLanguage.NONE) is not UnsubscribeLanguage.NONE:
        changes["unsubscribe_url"] = None
    if "sender" in fields:
        changes["sender_domain"] = checked.sender_domain
    return replace(task, **changes)
