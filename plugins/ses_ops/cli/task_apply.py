"""`ses task apply`: send tasks from YAML files, all or none."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from ses_ops import settings
from ses_ops.cli.actor import shell_actor, shell_user
from ses_ops.cli.hints import with_hint
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json, warn
from ses_ops.cli.session import airflow_is_configured, ask_airflow, cheap_quota_variable, database
from ses_ops.cli.task_roles import unknown_roles, write_roles
from ses_ops.cli.tell_airflow import tell
from ses_ops.domain.mail_warning import MailWarning
from ses_ops.errors import DatabaseUnavailable, NotFound, SesError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection

    from ses_ops.cli.task_files import TaskFiles
    from ses_ops.domain.send_task import SendTask
    from ses_ops.storage.tasks.editions import MailOfTask
    from ses_ops.storage.tasks.send_tasks import Applied


_MAIL_WARNINGS = {
    MailWarning.CUT_OFF: "its HTML has {size} kB; Gmail shows 102 kB of a mail and cuts off the rest",
    MailWarning.NOT_HTTPS: "SES_PUBLIC_URL is not https: browsers and filters warn of such links",
    MailWarning.NO_OPENS: "its mail has no HTML: its opens are not measured",
    MailWarning.NO_CLICKS: "its mail has no link that can be tracked: its clicks are not measured",
}
#: State and progress by the name of each task; None for a new task.
_Before: TypeAlias = "dict[str, tuple[SendTask, MailOfTask] | None]"


class _OnlyChecked(Exception):
    """Raised to roll the transaction back."""


@click.command(
    epilog=examples("ses task apply tasks/spring-sale.yaml", "ses task apply tasks/", "ses task apply --check tasks/")
)
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--check", is_flag=True, help="Check everything and change nothing.")
@json_option
def apply(path: Path, check: bool, as_json: bool) -> None:
    """Create or change the send tasks in PATH: a YAML file, or a folder with one file a task.

    Everything is checked first: keys, times, template, variables, group, the size of a message. If one file is
    wrong, none is applied, and everything that is wrong with any of them is said. A task that has not changed is left
    alone.
    """
    from ses_ops.application import task_definitions
    from ses_ops.cli.task_files import raise_all, read_tasks

    found, written = read_tasks(path), None
    seen = _Seen()
    tasks = {task.name: task for task in found.tasks.values()}
    try:
        with database() as conn:
            if check:
                _try(conn, found, seen)
            else:
                written = task_definitions.apply(conn, shell_actor(), tasks, lambda: _write(conn, found, seen))
    except DatabaseUnavailable as cause:
        raise_all([*found.problems, cause])
    if as_json:
        print_json(seen.rows)
    else:
        for line in seen.lines:
            click.echo(line)
    for warning in seen.warnings:
        warn(warning)
    if written is not None:
        write_roles(written.roles)
        if airflow_is_configured():  # otherwise Airflow reads the tasks at its next turn, some seconds later
            tell(written, name_runs=False)
    _warn_of_quota({task.sender_domain for task in tasks.values()})


@dataclass
class _Seen:
    """The messages about applied definitions, collected before the end of the transaction."""

    check: bool = False
    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def _try(conn: Connection, found: TaskFiles, seen: _Seen) -> None:
    from ses_ops.storage.connection import transaction

    seen.check = True
    with suppress(_OnlyChecked), transaction(conn):
        _write(conn, found, seen)
        raise _OnlyChecked


def _write(conn: Connection, found: TaskFiles, seen: _Seen) -> dict[str, Applied]:
    """Write all definitions; raises the problems of all of them.

    Every step that can fail precedes the end of the transaction, so a command that failed has stored nothing.
    """
    from ses_ops.cli.task_files import raise_all

    before = {task.name: _before(conn, task.name) for task in found.tasks.values()}
    unknown = _unknown_names(conn, found)
    known = {file: task for file, task in found.tasks.items() if file not in unknown}
    done, problems = _apply_all(conn, known)
    roles = _unknown_roles(found, before)
    raise_all([*found.problems, *chain.from_iterable(unknown.values()), *problems, *roles])
    seen.warnings = [warning for task in found.tasks.values() for warning in _warnings(conn, task)]
    unused = {task.name: _unused(conn, task) for task in found.tasks.values()}
    seen.rows = [
        {**_facts(conn, name, one), **_changes(conn, name, before[name]), "unused_columns": unused[name]}
        for name, one in done.items()
    ]
    seen.lines = [line for row in seen.rows for line in _lines(row, seen.check)]
    return done


def _unknown_names(conn: Connection, found: TaskFiles) -> dict[Path, list[SesError]]:
    from ses_ops.cli.task_files import unknown_names
    from ses_ops.rendering.template import list_templates
    from ses_ops.sending.template_place import stored_names
    from ses_ops.storage.audience.recipients import list_groups

    groups = [group.name for group in list_groups(conn)]
    of_folder = list_templates(settings.templates_root())
    return unknown_names(found.read, templates=[*of_folder, *stored_names(conn, of_folder)], groups=groups)


def _unknown_roles(found: TaskFiles, before: _Before) -> list[SesError]:
    """Roles that a file names and the task does not have yet."""
    problems: list[SesError] = []
    for file, task in found.tasks.items():
        was = before[task.name]
        problems += unknown_roles(set(task.roles) - set(was[0].roles if was else ()), where=str(file))
    return problems


def _apply_all(conn: Connection, tasks: dict[Path, SendTask]) -> tuple[dict[str, Applied], list[SesError]]:
    """Check and write every task; returns the results and all problems. With a problem the caller has to roll back."""
    from ses_ops.application.task_definitions import apply_definition

    now, root = datetime.now(UTC), settings.templates_root()
    done: dict[str, Applied] = {}
    problems: list[SesError] = []
    for file, task in tasks.items():
        try:
            done[task.name] = apply_definition(
                conn, task, now=now, where=str(file), templates_root=root, by=shell_user()
            )
        except SesError as problem:
            text = with_hint(problem)
            problems.append(problem if text.startswith(str(file)) else SesError(f"{file}: {text}"))
    return done, problems


def _warnings(conn: Connection, task: SendTask) -> list[str]:
    """The warnings about a task's template (`value_warnings`) and its mail (`mail_warnings`)."""
    from ses_ops.application.task_content import first_message
    from ses_ops.application.value_warnings import value_warnings
    from ses_ops.domain.mail_content import content_of_task

    content, root = content_of_task(task), settings.templates_root()
    sentences = [str(one) for one in value_warnings(conn, content, group=task.group, templates_root=root)]
    first = first_message(conn, task, root)
    sentences += (_MAIL_WARNINGS[one].format(size=first.html_size // 1024) for one in first.warnings)
    return [f"send task {task.name!r}: {sentence}" for sentence in sentences]


def _unused(conn: Connection, task: SendTask) -> list[str]:
    """The columns of the group that the mail does not use."""
    from ses_ops.domain.template_variables import unused_columns
    from ses_ops.rendering.template import load_template
    from ses_ops.sending.template_place import template_place
    from ses_ops.storage.audience import recipients

    template = load_template(template_place(conn, settings.templates_root(), task.template), task.template)
    used = template.variables_for(task.subject, task.unsubscribe_url)
    return unused_columns(used, recipients.find_group(conn, task.group).variables)


def _recipient_count(conn: Connection, group: str) -> int:
    from ses_ops.storage.audience import recipients

    return recipients.find_group(conn, group).recipient_count


def _facts(conn: Connection, name: str, applied: Applied) -> dict[str, Any]:
    from ses_ops.storage.tasks.overview import list_tasks

    (one,) = list_tasks(conn, name=name)
    return {
        "name": one.name,
        "applied": applied.value,
        "type": one.type.value,
        "recipient_count": _recipient_count(conn, one.group),
        "schedule": one.schedule.describe(),
        "time_zone": one.schedule.time_zone,
        "next_starts": one.next_starts(datetime.now(UTC)),
    }


def _before(conn: Connection, name: str) -> tuple[SendTask, MailOfTask] | None:
    """The state and progress of a task before the change; None when no task has the name."""
    from ses_ops.storage.tasks.editions import mail_of_task
    from ses_ops.storage.tasks.send_tasks import find_row, lock_row

    try:
        lock_row(conn, name)
    except NotFound:
        return None
    row = find_row(conn, name)
    return row.definition, mail_of_task(conn, row.id)


def _changes(conn: Connection, name: str, before: tuple[SendTask, MailOfTask] | None) -> dict[str, Any]:
    """The changed fields and the messages concerned, in lines."""
    from ses_ops.cli.task_edit import change_lines
    from ses_ops.domain.task_change import TaskChange
    from ses_ops.storage.tasks.send_tasks import find_row

    if before is None:
        return {"changes": []}
    change = TaskChange(before=before[0], after=find_row(conn, name).definition)
    return {"changes": list(change_lines(change, before[1])) if change.fields else []}


def _lines(row: dict[str, Any], check: bool) -> Iterator[str]:
    from zoneinfo import ZoneInfo

    word = f"would be {row['applied']}" if check else row["applied"]
    yield f"{word:9}  {row['name']}: {row['schedule']}; {row['recipient_count']:,} recipients in its group"
    if row["unused_columns"]:
        yield f"           columns of the group that the mail does not use: {', '.join(row['unused_columns'])}"
    tz = ZoneInfo(row["time_zone"])
    if row["next_starts"]:
        starts = ", ".join(f"{slot.astimezone(tz):%a %Y-%m-%d %H:%M}" for slot in row["next_starts"])
        yield f"           next: {starts} ({row['time_zone']})"
    for change in row["changes"]:
        yield f"           {change}"


def _warn_of_quota(domains: set[str]) -> None:
    """Warn at once about errors that the task's start would have, as far as the check is cheap."""
    from ses_ops.domain.warmup import QuotaPlans

    text = cheap_quota_variable()
    if text is None and airflow_is_configured():
        try:
            text = ask_airflow(lambda control: control.read_quota_variable()) or ""
        except SesError:
            return
    if text is None:
        return
    plans = QuotaPlans.parse(text)
    for domain in sorted(domains):
        try:
            plans[domain]
        except SesError as problem:
            warn(f"{with_hint(problem)}; until that is mended the task will show an error and send nothing")
