"""The choices in the form of a send task, and its first values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from ses_ops.console.database import reading
from ses_ops.console.forms import Form
from ses_ops.console.task_names import proposed_name
from ses_ops.console.template_catalogue import template_names
from ses_ops.console.visible_tasks import tasks_seen
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import SesError
from ses_ops.orchestration.connections import quota_plans
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from ses_ops.storage.audience.recipients import RecipientGroup
    from ses_ops.storage.tasks.overview import TaskOverview

#: Number of senders that are offered: those of the newest tasks.
MOST_SENDERS = 20
#: Number of sender domains that a hint names.
MOST_DOMAINS = 5


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The templates, groups, senders and domains that a person can choose from."""

    templates: Sequence[str]
    groups: Sequence[RecipientGroup]
    #: Senders of tasks that the person may see, the newest first.
    senders: Sequence[str]
    #: Sender domains with a warm-up plan.
    domains: Sequence[str]
    #: Names of the tasks that the person may see.
    names: frozenset[str]

    @property
    def possible(self) -> bool:
        """Whether there is a template and a group, so that a task can be made at all."""
        return bool(self.templates and self.groups)

    @property
    def some_domains(self) -> str:
        """The first few sender domains, for a hint."""
        more = ", …" if len(self.domains) > MOST_DOMAINS else ""
        return ", ".join(self.domains[:MOST_DOMAINS]) + more


def choices(user: BaseUser) -> Choices:
    """Read the choices. The work grows with groups, templates and tasks, never with recipients."""
    tasks = tasks_seen(user)
    with reading() as conn:
        groups = recipients.list_groups(conn)
    return Choices(
        templates=template_names(),
        groups=groups,
        senders=_senders(tasks),
        domains=_domains(),
        names=frozenset(task.name for task in tasks),
    )


def empty_form(given: Choices, *, template: str = "", group: str = "") -> Form:
    """The form of a new task, with every field filled in that can be guessed without risk.

    `template` and `group` are those of the page that the person came from; names that do not exist are ignored.
    """
    now = datetime.now(UTC)
    template = _chosen(template, given.templates)
    return Form.of(
        name=proposed_name(template, now.date(), given.names),
        type=TaskType.IMMEDIATE.value,
        template=template,
        group=_chosen(group, [one.name for one in given.groups]),
        sender=_first_sender(given),
        start_at=f"{now + timedelta(days=1):%Y-%m-%d}T09:00",
        time_zone="UTC",
        repeat="every",
        every_count="7",
        every_unit="d",
        unsubscribe="none",
        advertisement="none",
        start_grace="1h",
        on_unknown="hold",
    )


def _chosen(wanted: str, existing: Sequence[str]) -> str:
    """The wanted name if it exists, else the only existing name, else an empty text."""
    if wanted in existing:
        return wanted
    return existing[0] if len(existing) == 1 else ""


@cache
def time_zones() -> tuple[str, ...]:
    """The IANA zones by their canonical names; old aliases are accepted in the form, but not offered."""
    continents = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
    return ("UTC", *sorted(name for name in available_timezones() if name.partition("/")[0] in continents))


def _senders(tasks: Sequence[TaskOverview]) -> list[str]:
    return list(dict.fromkeys(task.sender for task in reversed(tasks)))[:MOST_SENDERS]


def _first_sender(given: Choices) -> str:
    """The sender of the newest task; without a task `news` at the only sender domain, if there is one."""
    if given.senders:
        return given.senders[0]
    return f"news@{given.domains[0]}" if len(given.domains) == 1 else ""


def _domains() -> list[str]:
    """The sender domains with a plan, for a hint. An error of the Variable is shown later, when the task is checked."""
    try:
        return sorted(quota_plans().entries)
    except SesError:
        return []
