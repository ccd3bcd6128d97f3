"""A send task as a person writes it: read, checked, and turned into one frozen value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from ses_ops.domain.address import answerable, parse_address, parse_sender
from ses_ops.domain.clock_rules import from_wall_clock, to_wall_clock, zone
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.schedule import Every, Schedule, TaskType, check_cron
from ses_ops.errors import InvalidInput

DAG_ID_PREFIX = "send_task__"
DEFAULT_START_GRACE = timedelta(hours=1)
#: RFC 5322, section 2.1.1: a line has at most 998 characters.
MAX_SUBJECT = 998
#: Airflow keys have 250 characters; `send_task__` and our run ids need some of them.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")
_SPAN = re.compile(r"(\d{1,6})\s*(s|m|min|h|d)")
_SPAN_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}

FIELDS = (
    *("name", "type", "template", "subject", "sender", "group", "start_at", "time_zone", "every", "cron", "until"),
    *("reply_to", "unsubscribe_url", "advertisement", "start_grace", "on_unknown"),
)
_OWN_UNSUBSCRIBE_PAGE = ("unsubscribe", "unsubscribe_link", "unsubscribe_language", "unsubscribe_page")


class Advertisement(StrEnum):
    """Where the advertisement mark stands in the subject."""

    NONE = "none"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True, slots=True)
class SendTask:
    """A checked send task. `sender_domain` is the domain whose warm-up quota it shares."""

    name: str
    type: TaskType
    template: str
    sender: str
    sender_domain: str
    group: str
    schedule: Schedule
    subject: str | None = None
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    advertisement: Advertisement = Advertisement.NONE
    start_grace: timedelta = DEFAULT_START_GRACE
    on_unknown: OnUnknown = OnUnknown.HOLD

    @property
    def dag_id(self) -> str:
        return dag_id(self.name)


def dag_id(task_name: str) -> str:
    """The id of the DAG of a send task."""
    return DAG_ID_PREFIX + task_name


def parse_send_task(entry: object, *, where: str) -> SendTask:
    """Check a send task as read from YAML or a form. `where` names its file in errors.

    Raises InvalidInput that names the place and the field. Times without an offset are read in `time_zone`. Whether
    the start has passed is checked when the task is applied, because applying an unchanged task again is no error.
    """
    if not isinstance(entry, Mapping):
        raise InvalidInput("must be a mapping with at least name, type, template, sender and group", where=where)
    for key in entry:
        if key in _OWN_UNSUBSCRIBE_PAGE:
            raise InvalidInput(
                "ses-ops has no unsubscribe page of its own yet; give the address of yours as unsubscribe_url",
                where=where,
                field=str(key),
            )
        if key not in FIELDS:
            raise InvalidInput(f"unknown key; known are {', '.join(FIELDS)}", where=where, field=str(key))
    reader = _Fields(entry, where)
    task_type = reader.choice("type", TaskType, excluded=(TaskType.TEST,))
    name = reader.text("name")
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} must be 1 to 100 of a-z, 0-9 and -, not beginning or ending with -", where=where, field="name"
        )
    sender = reader.text("sender")
    reply_to = reader.optional_text("reply_to")
    return SendTask(
        name=name,
        type=task_type,
        template=reader.text("template"),
        sender=sender,
        sender_domain=reader.checked("sender", lambda: parse_sender(sender).domain),
        group=reader.text("group"),
        schedule=_schedule(reader, task_type),
        subject=_subject(reader),
        reply_to=reply_to and reader.checked("reply_to", lambda: answerable(parse_address(reply_to).address)),
        unsubscribe_url=_unsubscribe_url(reader),
        advertisement=reader.choice("advertisement", Advertisement, default=Advertisement.NONE),
        start_grace=_grace(reader),
        on_unknown=reader.choice("on_unknown", OnUnknown, default=OnUnknown.HOLD),
    )


class _Fields:
    """Typed access to the entry, with errors that name the place."""

    def __init__(self, entry: Mapping[str, object], where: str) -> None:
        self.entry = entry
        self.where = where

    def problem(self, field: str, message: str) -> InvalidInput:
        return InvalidInput(message, where=self.where, field=field)

    def optional_text(self, field: str) -> str | None:
        value = self.entry.get(field)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.problem(field, f"must be a text, not {value!r}")
        return value.strip()

    def text(self, field: str) -> str:
        value = self.optional_text(field)
        if value is None:
            raise self.problem(field, "is missing")
        return value

    def choice(self, field, choices, *, default=None, excluded=()):  # type: ignore[no-untyped-def]
        value = self.entry.get(field)
        if value is None and default is not None:
            return default
        allowed = [choice for choice in choices if choice not in excluded]
        if value not in [choice.value for choice in allowed]:
            words = ", ".join(choice.value for choice in allowed)
            raise self.problem(field, f"must be one of {words}" + (f", not {value!r}" if value is not None else ""))
        return choices(value)

    def moment(self, field: str, time_zone: str, *, repeats: bool = False) -> datetime | None:
        """A time in UTC; one that `repeats` at its wall clock time must exist on its first day."""
        value = self.entry.get(field)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                value = None
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            raise self.problem(field, f"{self.entry[field]!r} is not a time; write for example 2026-12-01 09:00")
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        tz = zone(time_zone, where=self.where)
        moment = from_wall_clock(value, tz)
        if repeats and to_wall_clock(moment, tz) != value:
            raise self.problem(
                field,
                f"{value:%Y-%m-%d %H:%M} does not exist in {time_zone}: a clock change skips it, and every later day "
                f"would be at {to_wall_clock(moment, tz):%H:%M}; begin on another day",
            )
        return moment

    def checked(self, field: str, check):  # type: ignore[no-untyped-def]
        try:
            return check()
        except InvalidInput as cause:
            raise self.problem(field, str(cause)) from cause


def _schedule(reader: _Fields, task_type: TaskType) -> Schedule:
    time_zone = reader.optional_text("time_zone") or "UTC"
    zone(time_zone, where=reader.where)
    every, cron = reader.entry.get("every"), reader.entry.get("cron")
    start_at = reader.moment("start_at", time_zone, repeats=str(every).strip().endswith("d"))
    until = reader.moment("until", time_zone)
    recurring = task_type is TaskType.RECURRING
    if start_at is None and task_type is TaskType.SCHEDULED:
        raise reader.problem("start_at", "is missing: a scheduled task needs a start time")
    if start_at is not None and task_type in (TaskType.IMMEDIATE, TaskType.TRIGGERED):
        raise reader.problem("start_at", f"makes no sense for a task of type {task_type}")
    for field in ("every", "cron", "until"):
        if reader.entry.get(field) is not None and not recurring:
            raise reader.problem(field, f"makes no sense for a task of type {task_type}; type: recurring has it")
    if recurring and (every is None) == (cron is None):
        raise reader.problem("every", "a recurring task needs every (such as 24h or 7d) or cron, and not both")
    if recurring and start_at is None and every is not None:
        raise reader.problem("start_at", "is missing: a recurring task with every needs a start time")
    if until is not None and start_at is not None and until <= start_at:
        raise reader.problem("until", "the end is not after the start")
    return Schedule(
        type=task_type,
        time_zone=time_zone,
        start_at=start_at,
        every=None if every is None else Every.parse(every, where=reader.where),
        cron=None if cron is None else check_cron(cron, where=reader.where),
        until=until,
    )


def _subject(reader: _Fields) -> str | None:
    value = reader.entry.get("subject")
    subject = reader.optional_text("subject")
    if subject is None:
        return None
    if any(ord(character) < 32 or ord(character) == 127 for character in str(value).strip()):
        raise reader.problem("subject", "has a line break or another control character")
    if len(subject) > MAX_SUBJECT:
        raise reader.problem("subject", f"has {len(subject)} characters; at most {MAX_SUBJECT} are allowed")
    return subject


def _unsubscribe_url(reader: _Fields) -> str | None:
    url = reader.optional_text("unsubscribe_url")
    if url is None:
        return None
    if not re.match(r"(https?://|mailto:)[^\s{}]", url) or any(ord(character) < 32 for character in url):
        raise reader.problem("unsubscribe_url", f"{url!r} must begin with https://, http:// or mailto:")
    return url


def _grace(reader: _Fields) -> timedelta:
    value = reader.entry.get("start_grace")
    if value is None:
        return DEFAULT_START_GRACE
    found = _SPAN.fullmatch(str(value).strip())
    if not found:
        raise reader.problem("start_grace", f"{value!r} is not a span; write for example 30m, 1h or 2d")
    return timedelta(seconds=int(found[1]) * _SPAN_SECONDS[found[2]])
