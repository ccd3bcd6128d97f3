"""A send task's definition as JSON values and as the texts of its YAML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from ses_ops.domain.clock import zone
from ses_ops.domain.send_task import DEFAULT_START_GRACE

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from ses_ops.domain.schedule import Schedule
    from ses_ops.domain.send_task import SendTask


def definition_texts(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition with JSON values, or moments, as a YAML file has it: a text for each field that is set.

    A value of another type stays as it is; `read_send_task` says what is wrong with it.
    """
    return {str(name): _text(str(name), value) for name, value in definition.items()}


def _text(name: str, value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if name == "track" and isinstance(value, Mapping):
        return ", ".join(f"{key}: {_switch(one)}" for key, one in value.items()) or None
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if name == "roles" and is_list and all(isinstance(one, str) for one in value):
        return ", ".join(value) or None
    return value


def _switch(value: Any) -> str:
    return "default" if value is None else str(value).lower()


def definition_of(task: SendTask) -> dict[str, Any]:
    """The fields of a task as JSON values, each that a YAML file may have; what is not set is None."""
    schedule = task.schedule
    tracked = {"opens": task.track_opens, "clicks": task.track_clicks}
    return {
        "name": task.name,
        "type": task.type.value,
        "template": task.template,
        "subject": task.subject,
        "sender": task.sender,
        "group": task.group,
        "reply_to": task.reply_to,
        "start_at": _start(schedule),
        "time_zone": schedule.time_zone,
        "every": None if schedule.every is None else str(schedule.every),
        "cron": schedule.cron,
        "until": None if schedule.until is None else _until(schedule, schedule.until),
        "unsubscribe": task.unsubscribe.value,
        "unsubscribe_url": task.unsubscribe_url,
        "advertisement": task.advertisement.value,
        "track": None if tracked == {"opens": None, "clicks": None} else tracked,
        "start_grace": None if task.start_grace == DEFAULT_START_GRACE else _span(task.start_grace),
        "on_unknown": task.on_unknown.value,
        "roles": list(task.roles),
    }


def _start(schedule: Schedule) -> str | None:
    """The start, unless the installation has set it: an immediate task's is the moment at which it was made."""
    if schedule.start_at is None or schedule.type == "immediate":
        return None
    return _moment(schedule, schedule.start_at)


def _until(schedule: Schedule, until: datetime) -> str:
    return schedule.last_day.isoformat() if schedule.last_day else _moment(schedule, until)


def _moment(schedule: Schedule, at: datetime) -> str:
    """A moment with its offset in the task's time zone."""
    return at.astimezone(zone(schedule.time_zone)).isoformat()


def _span(span: timedelta) -> str:
    return f"{int(span.total_seconds())}s"
