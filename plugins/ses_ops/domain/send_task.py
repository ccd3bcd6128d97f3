"""The definition of a send task, checked and made into one frozen value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from typing import Any

from ses_ops.domain.address import answerable, parse_address, parse_sender
from ses_ops.domain.clock import YEARS, zone
from ses_ops.domain.cron import check_cron
from ses_ops.domain.mail_tracking import Tracking, parse_tracking
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.schedule import Every, Schedule, TaskType
from ses_ops.domain.task_fields import TaskFields
from ses_ops.domain.unsubscribe_address import unsubscribe_address
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.errors import Explanation, InvalidInput

DAG_ID_PREFIX = "send_task__"
DEFAULT_START_GRACE = timedelta(hours=1)
#: Characters of the longest subject (RFC 5322, section 2.1.1: a line has at most 998 characters).
MAX_SUBJECT = 998
#: Largest number of roles of a task; then characters of the longest role name, which FAB, Airflow's auth manager with
#: roles, allows.
MOST_ROLES, LONGEST_ROLE = 20, 64
#: The form of a task's name. Airflow's keys have at most 250 characters, of which `send_task__` and run ids need some.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")

FIELDS = (
    *("name", "type", "template", "subject", "sender", "group", "start_at", "time_zone", "every", "cron", "until"),
    *("reply_to", "unsubscribe", "unsubscribe_url", "advertisement", "track", "start_grace", "on_unknown"),
    "roles",
)
#: What people write for `unsubscribe`.
_MEANS_UNSUBSCRIBE = frozenset({"unsubscribe_link", "unsubscribe_language", "unsubscribe_page"})


class Advertisement(StrEnum):
    """The position of the advertisement mark in the subject."""

    NONE = "none"
    BEFORE = "before"
    AFTER = "after"


def stored_advertisement(text: str) -> Advertisement:
    """The value as stored, perhaps written by hand. Never fails: an unknown value is NONE (see `stored_problem`)."""
    return Advertisement(text) if text in set(Advertisement) else Advertisement.NONE


def stored_problem(*, sender: str, reply_to: str | None, advertisement: str) -> Explanation | None:
    """Why the stored fields of a task, without its schedule, do not make a mail; None when they do. Never fails."""
    try:
        parse_sender(sender)
        if reply_to is not None:
            answerable(parse_address(reply_to).address)
        if advertisement not in set(Advertisement):
            raise InvalidInput("not_an_advertisement_place", field="advertisement")
    except InvalidInput as problem:
        return problem.explanation
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class SendTask:
    """A checked send task. `sender_domain` is the domain whose warm-up quota the task shares."""

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
    unsubscribe: UnsubscribeLanguage = UnsubscribeLanguage.NONE
    advertisement: Advertisement = Advertisement.NONE
    #: Whether opens and clicks are noticed; None: as the sender domain says.
    track_opens: bool | None = None
    track_clicks: bool | None = None
    start_grace: timedelta = DEFAULT_START_GRACE
    on_unknown: OnUnknown = OnUnknown.HOLD
    #: Names of Airflow's roles whose members have all rights to the task, besides people with rights to every DAG.
    roles: tuple[str, ...] = ()

    @property
    def dag_id(self) -> str:
        return dag_id(self.name)


def dag_id(task_name: str) -> str:
    """The id of the DAG of a send task."""
    return DAG_ID_PREFIX + task_name


def parse_send_task(entry: object, *, where: str) -> SendTask:
    """The send task of `read_send_task`; raises the first of its problems."""
    task, problems = read_send_task(entry, where=where)
    if task is None:
        raise problems[0]
    return task


def read_send_task(
    entry: object, *, where: str, lines: Mapping[str, int] | None = None
) -> tuple[SendTask | None, list[InvalidInput]]:
    """Check a send task as read from YAML or a form. Returns the task, or None and every problem.

    `where` names the file in errors and `lines` the line of each field. Times without an offset are read in
    `time_zone`. Whether the start has passed is checked when the task is applied, because to apply an unchanged task
    again is no error.
    """
    if not isinstance(entry, Mapping):
        wrong = InvalidInput("not_a_mapping", where=where)
        return None, [wrong]
    fields = TaskFields(entry, where, lines or {})
    for key in entry:
        fields.attempt(partial(_check_key, fields, key))
    attempt = fields.attempt
    task_type = attempt(lambda: fields.choice("type", TaskType, excluded=(TaskType.TEST, TaskType.API)))
    track = attempt(lambda: _track(fields)) or Tracking()
    facts: dict[str, Any] = {
        "type": task_type,
        "name": attempt(lambda: _name(fields)),
        "template": attempt(lambda: fields.text("template")),
        "sender": (sender := attempt(lambda: fields.text("sender"))),
        "sender_domain": attempt(lambda: fields.checked("sender", lambda: parse_sender(sender or "").domain))
        if sender
        else None,
        "group": attempt(lambda: fields.text("group")),
        "schedule": _schedule(fields, task_type),
        "subject": attempt(lambda: _subject(fields)),
        "reply_to": attempt(lambda: _reply_to(fields)),
        "unsubscribe_url": attempt(lambda: _unsubscribe_url(fields)),
        "unsubscribe": attempt(lambda: _unsubscribe(fields)),
        "advertisement": attempt(
            lambda: fields.choice("advertisement", Advertisement, default=Advertisement.NONE),
        ),
        "track_opens": track.opens,
        "track_clicks": track.clicks,
        "start_grace": attempt(lambda: fields.span("start_grace", DEFAULT_START_GRACE)),
        "on_unknown": attempt(lambda: fields.choice("on_unknown", OnUnknown, default=OnUnknown.HOLD)),
        "roles": attempt(lambda: fields.names("roles", most=MOST_ROLES, longest=LONGEST_ROLE)),
    }
    return (None, fields.problems) if fields.problems else (SendTask(**facts), [])


def _check_key(fields: TaskFields, key: object) -> None:
    if key not in FIELDS:
        means = ["unsubscribe"] if key in _MEANS_UNSUBSCRIBE else []
        close = means or get_close_matches(str(key).lower(), FIELDS, 1)
        if close:
            raise fields.problem(str(key), "unknown_key_meant", meant=close[0], known=FIELDS)
        raise fields.problem(str(key), "unknown_key", known=FIELDS)


def _name(fields: TaskFields) -> str:
    name = fields.text("name")
    if not NAME.fullmatch(name):
        raise fields.problem("name", "not_a_task_name", name=name)
    return name


def _schedule(fields: TaskFields, task_type: TaskType | None) -> Schedule | None:
    """The schedule; None when it has a problem, which is kept in `fields.problems`."""
    before = len(fields.problems)
    entry, attempt, checked = fields.entry, fields.attempt, fields.checked
    time_zone = attempt(lambda: fields.optional_text("time_zone")) or "UTC"
    tz = attempt(lambda: checked("time_zone", lambda: zone(time_zone))) or zone("UTC")
    daily = str(entry.get("every")).strip().endswith("d")
    start_at = attempt(lambda: fields.moment("start_at", tz, repeats=daily))
    until = attempt(lambda: fields.moment("until", tz, whole_day=True))
    every = attempt(lambda: checked("every", lambda: Every.parse(entry["every"]))) if fields.has("every") else None
    cron = attempt(lambda: checked("cron", lambda: check_cron(entry["cron"]))) if fields.has("cron") else None
    if task_type is not None:
        _fits_type(fields, task_type)
    if len(fields.problems) > before or task_type is None:
        return None
    schedule = Schedule(type=task_type, time_zone=time_zone, start_at=start_at, every=every, cron=cron, until=until)
    attempt(lambda: _has_starts(fields, schedule))
    return schedule


def _fits_type(fields: TaskFields, task_type: TaskType) -> None:
    """Keep a problem for each field of the schedule that does not fit the type of the task."""
    recurring = task_type is TaskType.RECURRING
    wrong, problem = fields.problems, fields.problem
    if task_type is TaskType.SCHEDULED and not fields.has("start_at"):
        wrong.append(problem("start_at", "start_of_scheduled_missing"))
    if task_type in (TaskType.IMMEDIATE, TaskType.TRIGGERED) and fields.has("start_at"):
        wrong.append(problem("start_at", "field_not_of_this_type", type=task_type))
    for field in ("every", "cron", "until"):
        if fields.has(field) and not recurring:
            wrong.append(problem(field, "field_of_recurring_only", type=task_type))
    if recurring and fields.has("every") == fields.has("cron"):
        wrong.append(problem("every", "every_or_cron"))
    if recurring and fields.has("every") and not fields.has("start_at"):
        wrong.append(problem("start_at", "start_of_recurring_missing"))


def _has_starts(fields: TaskFields, schedule: Schedule) -> None:
    start, until = schedule.start_at, schedule.until
    if until is not None and start is not None and until <= start:
        raise fields.problem("until", "end_not_after_start")
    if schedule.every is not None and replace(schedule, until=None).next_after(start) is None:
        raise fields.problem("every", "second_start_too_late", last=YEARS[-1])


def _subject(fields: TaskFields) -> str | None:
    value = fields.entry.get("subject")
    subject = fields.optional_text("subject")
    if subject is None:
        return None
    if any(ord(character) < 32 or ord(character) == 127 for character in str(value).strip()):
        raise fields.problem("subject", "control_character")
    if len(subject) > MAX_SUBJECT:
        raise fields.problem("subject", "text_too_long", count=len(subject), most=MAX_SUBJECT)
    return subject


def _reply_to(fields: TaskFields) -> str | None:
    given = fields.optional_text("reply_to")
    return given and fields.checked("reply_to", lambda: answerable(parse_address(given).address))


def _unsubscribe_url(fields: TaskFields) -> str | None:
    url = fields.optional_text("unsubscribe_url")
    return url and fields.checked("unsubscribe_url", lambda: unsubscribe_address(url))


def _track(fields: TaskFields) -> Tracking:
    given = fields.optional_text("track")
    return fields.checked("track", lambda: parse_tracking(given)) if given else Tracking()


def _unsubscribe(fields: TaskFields) -> UnsubscribeLanguage:
    language = fields.choice("unsubscribe", UnsubscribeLanguage, default=UnsubscribeLanguage.NONE)
    if language is not UnsubscribeLanguage.NONE and fields.has("unsubscribe_url"):
        raise fields.problem("unsubscribe", "unsubscribe_or_address")
    return language
