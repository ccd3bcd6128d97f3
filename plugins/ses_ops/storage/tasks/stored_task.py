"""Typed rows of send tasks, each with the columns of one use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from ses_ops.domain.mail_content import MailContent
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.schedule import Schedule, TaskType, stored_schedule
from ses_ops.domain.send_task import SendTask, stored_advertisement
from ses_ops.domain.unsubscribe_language import stored_unsubscribe

Row = TypeVar("Row", bound="MailOfRow")


@dataclass(frozen=True, kw_only=True, slots=True)
class MailOfRow:
    """The content of a task's mail, as a person wrote it."""

    name: str
    type: TaskType
    template: str
    subject: str | None
    sender: str
    sender_domain: str
    reply_to: str | None
    unsubscribe_url: str | None
    #: Value of `UnsubscribeLanguage`, or another text that somebody wrote into the database by hand; so is the next.
    unsubscribe: str
    #: Value of `Advertisement`, or another text that somebody wrote into the database by hand.
    advertisement: str
    #: None: as the sender domain says.
    track_opens: bool | None
    track_clicks: bool | None

    @property
    def content(self) -> MailContent:
        """The content for a renderer."""
        return MailContent(
            type=self.type,
            template=self.template,
            sender=self.sender,
            sender_domain=self.sender_domain,
            subject=self.subject,
            reply_to=self.reply_to,
            unsubscribe_url=self.unsubscribe_url,
            unsubscribe=self.unsubscribe,
            advertisement=self.advertisement,
            track_opens=self.track_opens,
            track_clicks=self.track_clicks,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _ScheduledRow(MailOfRow):
    """A row with the schedule and the state of its task."""

    id: int
    #: Name of the group; None for a test send, and when a person deleted the group after the task had ended.
    group: str | None
    group_id: int | None
    start_at: datetime | None
    time_zone: str
    every: str | None
    cron: str | None
    until: datetime | None
    #: Longest delay of a start.
    start_grace: timedelta
    created_at: datetime
    paused_at: datetime | None
    cancelled_at: datetime | None
    finished_at: datetime | None

    @property
    def schedule(self) -> Schedule:
        """The schedule. Never raises: the result's `problem` is the reason for which it cannot be computed."""
        return _schedule(
            type=self.type,
            start_at=self.start_at,
            created_at=self.created_at,
            time_zone=self.time_zone,
            every=self.every,
            cron=self.cron,
            until=self.until,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedTask(_ScheduledRow):
    """The row of a task while the transaction holds its lock."""

    #: Variables of the group; None without a group.
    group_variables: list[str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTask(_ScheduledRow):
    """The row of a task for a page, or for a change."""

    on_unknown: str
    updated_at: datetime
    paused_reason: str | None
    cancelled_reason: str | None
    error: str | None
    edition: int
    roles: list[str]
    #: Time of the deletion; None for an existing task.
    deleted_at: datetime | None = None

    @property
    def definition(self) -> SendTask:
        """The definition as it was applied."""
        return SendTask(
            name=self.name,
            type=self.type,
            template=self.template,
            sender=self.sender,
            sender_domain=self.sender_domain,
            group=cast("str", self.group),
            schedule=replace(self.schedule, start_at=self.start_at),
            subject=self.subject,
            reply_to=self.reply_to,
            unsubscribe_url=self.unsubscribe_url,
            unsubscribe=stored_unsubscribe(self.unsubscribe),
            advertisement=stored_advertisement(self.advertisement),
            track_opens=self.track_opens,
            track_clicks=self.track_clicks,
            start_grace=self.start_grace,
            on_unknown=OnUnknown(self.on_unknown),
            roles=tuple(sorted(self.roles)),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOfChunk(MailOfRow):
    """The task whose mail a chunk is."""

    on_unknown: OnUnknown
    edition: int
    installation_id: str
    occurrence_id: int
    task_id: int
    #: The secret that makes tokens, and the domain of envelope senders; None without a domain.
    token_secret: bytes = field(repr=False)
    bounce_domain: str | None
    #: Names of the frozen values of the chunk's recipients.
    frozen_variables: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOfGroup(MailOfRow):
    """The row of a task for its group."""

    cancelled_at: datetime | None
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether the task has ended, so that it sends to its group no more."""
        return self.cancelled_at is not None or self.finished_at is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskColumns:
    """The definition of a task as columns of its row."""

    name: str
    type: str
    template: str
    subject: str | None
    sender: str
    sender_domain: str
    group_id: int | None
    start_at: datetime | None
    time_zone: str
    every: str | None
    cron: str | None
    until: datetime | None
    reply_to: str | None
    unsubscribe_url: str | None
    unsubscribe: str
    advertisement: str
    track_opens: bool | None
    track_clicks: bool | None
    start_grace: timedelta
    on_unknown: str
    roles: list[str]


def row_of(make: Callable[..., Row]) -> Callable[..., Row]:
    """The function that builds a row from its columns."""

    def row(*, type: str, **columns: Any) -> Row:
        return make(type=TaskType(type), **columns)

    return row


def schedule_of(row: Mapping[str, Any]) -> Schedule:
    """The schedule of a row with its columns by name, as the DAG file keeps it. Never fails: see `Schedule.problem`."""
    return _schedule(**{name: row[name] for name in _OF_SCHEDULE})


_OF_SCHEDULE = ("type", "start_at", "created_at", "time_zone", "every", "cron", "until")


def _schedule(
    *,
    type: str,
    start_at: datetime | None,
    created_at: datetime,
    time_zone: str,
    every: str | None,
    cron: str | None,
    until: datetime | None,
) -> Schedule:
    """The schedule of a task from its columns.

    Never raises: the result's `problem` is the reason for which it cannot be computed.
    """
    task_type = TaskType(type)
    if start_at is None and task_type in (TaskType.IMMEDIATE, TaskType.RECURRING):
        start_at = created_at
    return stored_schedule(task_type, time_zone=time_zone, start_at=start_at, every=every, cron=cron, until=until)
