"""Review of a send task: recipients, times, forecast, first message."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, format_time

from ses_ops import settings
from ses_ops.application.forecasts import first_occurrence
from ses_ops.application.task_content import FirstMessage, first_message
from ses_ops.application.value_warnings import ValueWarning, WarningKind, value_warnings
from ses_ops.console.language import N_
from ses_ops.console.tasks.forecast import LeavingDays, leaving_days
from ses_ops.console.template_catalogue import loaded_template
from ses_ops.domain.clock import happens_twice, to_wall_clock
from ses_ops.domain.mail_content import content_of_task
from ses_ops.domain.mail_warning import MailWarning
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.template_variables import unused_columns
from ses_ops.storage.audience import recipients
from ses_ops.storage.connection import database_now
from ses_ops.storage.tasks.overview import NEXT_STARTS

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.console.language import Language
    from ses_ops.domain.schedule import Schedule
    from ses_ops.domain.send_task import SendTask
    from ses_ops.storage.audience.recipients import RecipientGroup
    from ses_ops.storage.tasks.overview import TaskOverview


VALUE_WARNINGS = {
    WarningKind.EMPTY_CELLS: N_(
        "default() does nothing for an empty cell, and the group has some in: %(columns)s. Upload its file again with "
        "“Empty cells are missing values”, or write default('…', true) in the template."
    ),
    WarningKind.TRUE_TEXTS: N_(
        "{%% if … %%} is true for every text but an empty one, and the group has texts such as false, no or 0 in: "
        "%(columns)s. Compare them in the template, or leave such cells empty."
    ),
}


MAIL_WARNINGS = {
    MailWarning.CUT_OFF: N_(
        "The HTML has %(size)s kB. Gmail shows 102 kB of a mail and cuts off the rest, such as an unsubscribe link at "
        "the end."
    ),
    MailWarning.NOT_HTTPS: N_(
        "The public address of this installation is not https: browsers and filters warn of such links."
    ),
    MailWarning.NO_OPENS: N_("The mail has no HTML: its opens are not measured."),
    MailWarning.NO_CLICKS: N_("The mail has no link that can be tracked: its clicks are not measured."),
}


@dataclass(frozen=True, kw_only=True)
class Review:
    """The values of the review's page."""

    task: SendTask
    schedule: Schedule
    group: RecipientGroup
    suppressed: int
    starts: list[datetime]
    #: Time from which the mail of the next occurrence may leave.
    due_at: datetime | None
    #: Whether the mail may leave as soon as the task exists.
    at_once: bool
    leaving: LeavingDays
    message: FirstMessage
    #: Warnings about the template (`value_warnings`).
    warnings: list[ValueWarning]
    #: Columns of the group without a use in the mail.
    unused: list[str]

    @property
    def count(self) -> int:
        """Number of recipients who would get the mail now."""
        return self.group.recipient_count - self.suppressed

    @property
    def twice(self) -> bool:
        """Whether the start is in the hour that a clock change repeats; the first of the two times is taken."""
        start = self.task.schedule.start_at
        return start is not None and happens_twice(start, ZoneInfo(self.task.schedule.time_zone))


def review(conn: Connection, task: SendTask, *, current: TaskOverview | None = None) -> Review:
    """The review of a definition that has been checked; `current` is the stored task that it would change."""
    now = database_now(conn)
    schedule = _with_start(task.schedule, current.created_at if current else now)
    group = recipients.find_group(conn, task.group)
    begun = current is not None and current.request_count > 0
    added = first_occurrence(
        conn,
        name=task.name,
        group=task.group,
        sender_domain=task.sender_domain,
        schedule=schedule,
        begun=begun,
        now=now,
    )
    # The occurrence to come already has the count of suppressed recipients.
    suppressed = (
        group.recipient_count - added[0].count
        if added
        else recipients.suppressed_count(conn, group.id, sender_domain=task.sender_domain)
    )
    due_at = added[0].due_at if added else None
    return Review(
        task=task,
        schedule=schedule,
        group=group,
        suppressed=suppressed,
        starts=schedule.next_slots(NEXT_STARTS, now) if task.type is not TaskType.IMMEDIATE else [],
        due_at=due_at,
        at_once=due_at is not None and due_at <= now,
        leaving=leaving_days(conn, task.name, task.sender_domain, added, now=now),
        message=first_message(conn, task, settings.templates_root()),
        warnings=value_warnings(
            conn, content_of_task(task), group=task.group, templates_root=settings.templates_root()
        ),
        unused=_unused(task, group),
    )


def _unused(task: SendTask, group: RecipientGroup) -> list[str]:
    used = loaded_template(task.template).variables_for(task.subject, task.unsubscribe_url)
    return unused_columns(used, group.variables)


def wall_clock(words: Language, moment: datetime, time_zone: str) -> str:
    """The text of a start time with its weekday in a zone: `Tue, Dec 1, 2026, 9:00 AM`."""
    local = to_wall_clock(moment, ZoneInfo(time_zone))
    day = format_skeleton("yMMMEd", local, locale=words.code)
    return f"{day} {format_time(local, 'short', locale=words.code)}"


def _with_start(schedule: Schedule, start: datetime) -> Schedule:
    needs_one = schedule.start_at is None and schedule.type in (TaskType.IMMEDIATE, TaskType.RECURRING)
    return replace(schedule, start_at=start) if needs_one else schedule


def starts_in(words: Language, found: Review) -> list[tuple[str, str]]:
    """The texts of the next start times, each in the task's zone and in UTC."""
    zone = found.task.schedule.time_zone
    return [(wall_clock(words, start, zone), wall_clock(words, start, "UTC")) for start in found.starts]
