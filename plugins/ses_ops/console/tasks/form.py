"""Conversion between a task's definition and its form."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ses_ops.application.task_definitions import ChangedMeanwhile, NameTaken
from ses_ops.console.forms import WHOLE, Form
from ses_ops.console.language import N_
from ses_ops.console.tasks.field_errors import in_words
from ses_ops.domain.clock import to_wall_clock, zone
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.send_task import FIELDS, parse_send_task
from ses_ops.errors import InvalidInput, NotFound, SesError, TemplateError

if TYPE_CHECKING:
    from ses_ops.console.language import Language
    from ses_ops.domain.send_task import SendTask

#: Every field of the form.
FORM_FIELDS = (
    *("name", "type", "template", "subject", "sender", "group", "start_at", "until", "time_zone", "repeat"),
    *("every_count", "every_unit", "cron", "reply_to", "unsubscribe", "unsubscribe_url", "advertisement"),
    *("track_opens", "track_clicks", "start_grace", "on_unknown", "roles"),
)
#: Fields whose text is copied into the definition unless it is empty.
_PLAIN = (
    *("name", "type", "template", "subject", "sender", "group", "reply_to", "unsubscribe", "unsubscribe_url"),
    *("advertisement", "start_grace", "on_unknown", "roles"),
)
#: Fields of the definition that have another name in the form.
_NAMES = {"every": "every_count", "track": "track_opens"}
#: Fields of the form that are one field of the definition.
_TRACK = {"track_opens": "opens", "track_clicks": "clicks"}
#: Values in place of a field with an error while the others are checked; fields without one here are left out.
_STAND_IN: dict[str, str] = {
    "name": "x",
    "type": TaskType.TRIGGERED.value,
    "template": "x",
    "group": "x",
    "sender": "a@b.example",
    "start_at": "1970-01-02",
    "every": "1d",
    "cron": "0 0 * * *",
}
#: Fields that cannot be checked when another field has an error.
_WITH = {
    "type": ("start_at", "until", "every", "cron"),
    "start_at": ("until",),
    "time_zone": (),
    "every": ("cron",),
    "cron": ("every",),
}
_TAKEN = N_("There is a send task of this name already. Choose another name.")
_CHANGED = N_(
    "Somebody changed this task after you had opened it. What you typed is still here: look it over, then go on."
)
_SPANS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def form_of(task: SendTask) -> Form:
    """The form filled with a definition, for an edit or a clone."""
    schedule = task.schedule
    every = schedule.every
    return Form.of(
        name=task.name,
        type=task.type.value,
        template=task.template,
        subject=task.subject or "",
        sender=task.sender,
        group=task.group,
        start_at=_wall_clock(schedule.start_at, schedule.time_zone),
        until=str(schedule.last_day or _wall_clock(schedule.until, schedule.time_zone)),
        time_zone=schedule.time_zone,
        repeat="cron" if schedule.cron else "every",
        every_count=str(every.count) if every else "1",
        every_unit=every.unit if every else "d",
        cron=schedule.cron or "",
        reply_to=task.reply_to or "",
        unsubscribe=task.unsubscribe.value,
        unsubscribe_url=task.unsubscribe_url or "",
        advertisement=task.advertisement.value,
        track_opens=_yes_or_no(task.track_opens),
        track_clicks=_yes_or_no(task.track_clicks),
        start_grace=_span(task.start_grace),
        on_unknown=task.on_unknown.value,
        roles=", ".join(task.roles),
    )


def read_task(form: Form, words: Language, *, name: str | None = None) -> SendTask | None:
    """The definition in a form; None when there are errors: the form then has all of them, not the first.

    `name` is the name of the task that is edited, which no form can change.
    """
    entry = _entry(form)
    if name is not None:
        entry["name"] = name
    task = None
    for _ in FIELDS:
        try:
            task = parse_send_task(entry, where="")
        except InvalidInput as problem:
            field = problem.field
            note(form, words, problem)
            if field not in FIELDS:
                return None
            _set_right(entry, field)
        else:
            break
    return None if form.errors else task


def note(form: Form, words: Language, problem: SesError) -> None:
    """Write an error beside its field, in the reader's language where the console has words for it."""
    field = WHOLE
    if isinstance(problem, NameTaken):
        form.problem("name", words.gettext(_TAKEN))
        return
    if isinstance(problem, ChangedMeanwhile):
        form.problem(WHOLE, words.gettext(_CHANGED))
        return
    if isinstance(problem, InvalidInput):
        field = problem.field or WHOLE
    elif isinstance(problem, TemplateError):
        field = problem.part if problem.part in ("subject", "unsubscribe_url") else "template"
    elif isinstance(problem, NotFound):
        field = {"template": "template", "recipient group": "group"}.get(problem.kind, WHOLE)
    known = field in FIELDS
    text = in_words(words, field, problem, empty=known and not form.text(_NAMES.get(field, field)))
    form.problem(_NAMES.get(field, field) if known else WHOLE, text)


def _entry(form: Form) -> dict[str, Any]:
    """The form as a definition. Fields of another type of task are not read and stay in the form."""
    entry: dict[str, Any] = {name: text for name in _PLAIN if (text := form.text(name))}
    if tracked := ", ".join(f"{name}: {form.text(field)}" for field, name in _TRACK.items() if form.text(field)):
        entry["track"] = tracked
    kind = form.text("type")
    timed = kind in (TaskType.SCHEDULED, TaskType.RECURRING)
    time_zone = form.text("time_zone")
    if time_zone and (timed or _is_zone(time_zone)):
        entry["time_zone"] = time_zone
    if timed and form.text("start_at"):
        entry["start_at"] = form.text("start_at")
    if kind == TaskType.RECURRING:
        if form.text("until"):
            entry["until"] = form.text("until")
        if form.text("repeat") == "cron":
            entry["cron"] = form.text("cron")
        else:
            entry["every"] = form.text("every_count") + form.text("every_unit")
    return entry


def _set_right(entry: dict[str, Any], field: str) -> None:
    """Replace the field of an error in the definition, so that the next error is found."""
    if field in _STAND_IN:
        entry[field] = _STAND_IN[field]
    else:
        entry.pop(field, None)
    for other in _WITH.get(field, ()):
        entry.pop(other, None)


def _yes_or_no(value: bool | None) -> str:
    """A choice of the form; empty: as the sender domain says."""
    return "" if value is None else "yes" if value else "no"


def _is_zone(name: str) -> bool:
    try:
        zone(name)
    except InvalidInput:
        return False
    return True


def _wall_clock(moment: datetime | None, time_zone: str) -> str:
    """A time as the text of an HTML field, in the task's zone: `2026-12-01T09:00`."""
    if moment is None:
        return ""
    local = to_wall_clock(moment, zone(time_zone)).replace(tzinfo=None)
    whole_minute = not (local.second or local.microsecond)
    return local.isoformat(timespec="minutes") if whole_minute else local.isoformat()


def _span(span: timedelta) -> str:
    """A span as a text: `90m` for an hour and a half."""
    seconds = int(span.total_seconds())
    size, unit = next((size, unit) for size, unit in _SPANS if seconds % size == 0)
    return f"{seconds // size}{unit}"
