"""Links to the pages that correct the reason of a stopped task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from ses_ops.console.language import N_
from ses_ops.domain.task_status import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ses_ops.storage.tasks.overview import TaskOverview

#: First words, or other parts, of stored reasons by subject. `mending_of` takes the first match.
_QUOTA = ("nothing can be sent from ", "the Airflow Variable ses_warmup_quota", "today's quota of ", "the warm-up of ")
_SCHEDULE = "its schedule cannot be worked out"
_TEMPLATE = "template "
_GROUP = "recipient group "
_CONNECTION = (
    "AIRFLOW_CONN_",
    "the connection ",
    "the Airflow connection ",
    "Airflow has no connection ",
    " of the secrets backend ",
    "the login ",
    "cannot connect",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mending:
    """A link; `_(mending.text, **mending.values)`. `in_airflow`: one of Airflow's own pages."""

    path: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    in_airflow: bool = False


def mending_of(task: TaskOverview) -> Mending | None:
    """The link to the page that corrects the reason of a stopped task; None when no page can."""
    if task.status in (TaskStatus.CANCELLED, TaskStatus.FINISHED):
        return None
    reason = task.error or task.reason or ""
    if reason.startswith(_QUOTA):
        return Mending(
            path="/domains/" + quote(task.sender_domain),
            text=N_("Quota of %(domain)s"),
            values={"domain": task.sender_domain},
        )
    if reason.startswith(_SCHEDULE):
        return Mending(path=f"/tasks/{task.name}/edit", text=N_("Edit the schedule"))
    if reason.startswith(_TEMPLATE):
        name = task.template
        return Mending(path="/templates/" + quote(name), text=N_("Template %(name)s"), values={"name": name})
    if _GROUP in reason:
        name = task.group
        return Mending(path="/groups/" + quote(name), text=N_("Recipient group %(name)s"), values={"name": name})
    if any(part in reason for part in _CONNECTION):
        return Mending(path="/connections", text=N_("Connections in Airflow"), in_airflow=True)
    return None
