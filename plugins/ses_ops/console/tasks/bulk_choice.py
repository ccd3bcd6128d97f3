"""The selected tasks of a bulk action, and which of them it fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import QueryParams

from ses_ops.console import labels
from ses_ops.console.access import Right, rights
from ses_ops.console.language import N_
from ses_ops.console.listing import Listing
from ses_ops.console.tasks.list import found_tasks, line_of, listing_of
from ses_ops.console.visible_tasks import tasks_seen
from ses_ops.domain.task_status import TaskStatus

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from ses_ops.console.forms import Form
    from ses_ops.console.language import Language
    from ses_ops.storage.tasks.overview import TaskOverview

#: Most tasks of one bulk action. Each takes about 20 ms, while the browser waits.
MOST = 500

_NO_RIGHT = N_("Your role in Airflow does not allow you to do this with it.")
_NOT_NOW = {
    "pause": N_("It is %(status)s: there is nothing to pause."),
    "resume": N_("It is %(status)s: there is nothing that waits for a person."),
    "cancel": N_("It is %(status)s: there is nothing to cancel."),
    "delete": N_("It is %(status)s: cancel it first."),
}


@dataclass(frozen=True, kw_only=True)
class SelectedTask:
    """One of the selected tasks."""

    task: TaskOverview
    #: Reason for which the task is left out; None: the action is done.
    left_out: str | None = None
    #: Whether the reason is a missing right.
    forbidden: bool = False


def chosen_tasks(user: BaseUser, form: Form, action: str, words: Language) -> tuple[list[SelectedTask], list[str]]:
    """The selected tasks in the list's order; the names of those that do not exist or that the person may not see."""
    seen = tasks_seen(user, fresh=True)
    listing = list_of(form)
    if form.checked("all"):
        wanted = {task.name for task in found_tasks(listing, seen, fresh=True)}
    else:
        wanted = {*form.all("name"), *form.text("names").split()}
    tasks = [task for task in found_tasks(_everything(listing), seen) if task.name in wanted]
    gone = sorted(wanted - {task.name for task in tasks})
    return [_judge(task, rights(user, task.name), action, words) for task in tasks[:MOST]], gone[:MOST]


def list_of(form: Form) -> Listing:
    """The list in which the tasks were selected."""
    return listing_of(QueryParams(form.text("list").removeprefix("?")))


def _everything(listing: Listing) -> Listing:
    """The list in the same order without its search, whose result may have lost a task since."""
    return listing_of(QueryParams({"sort": listing.sort, "order": "desc" if listing.descending else "asc"}))


def _judge(task: TaskOverview, may: frozenset[Right], action: str, words: Language) -> SelectedTask:
    if action in line_of(task, may).actions:
        return SelectedTask(task=task)
    if action in line_of(task, frozenset(Right)).actions:
        return SelectedTask(task=task, left_out=words.gettext(_NO_RIGHT), forbidden=True)
    status = words.gettext(labels.STATUS[TaskStatus(task.status)])
    return SelectedTask(task=task, left_out=words.gettext(_NOT_NOW[action], status=status))
