"""The list of send tasks: status, progress, actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from ses_ops.console import labels, quota_snapshot
from ses_ops.console.access import Right, enters_console, rights
from ses_ops.console.charts.progress_bar import Part, parts_of, sent_share, start_of
from ses_ops.console.language import N_
from ses_ops.console.listing import Listing, Page
from ses_ops.console.mending import Mending, mending_of
from ses_ops.console.page import fragment, render
from ses_ops.console.poll_interval import pace
from ses_ops.console.tasks.subjects import subjects_of
from ses_ops.console.visible_tasks import deleted_tasks_seen, tasks_seen
from ses_ops.domain.address import domain_key
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.search_key import address_keys, search_key
from ses_ops.domain.task_status import TaskStatus
from ses_ops.storage.tasks.overview import TaskOverview

router = APIRouter()

#: Sort keys of the list, the default first.
SORTS = {
    "created": N_("Created"),
    "name": N_("Name"),
    "subject": N_("Subject"),
    "template": N_("Template"),
    "sender": N_("Sender"),
    "group": N_("Recipient group"),
    "type": N_("Type"),
    "status": N_("Status"),
    "progress": N_("Progress"),
    "requested": N_("Requested"),
    "sent": N_("Sent"),
    "cached": N_("Cached"),
    "failed": N_("Failed"),
    "next": N_("Next mail"),
    "updated": N_("Changed"),
}

#: Columns of the list in their order; columns of numbers are aligned to the right.
COLUMNS = {
    **dict.fromkeys(("name", "subject", "template", "sender", "group", "type", "status", "progress"), "text"),
    **dict.fromkeys(("requested", "sent", "cached", "failed"), "number"),
    **dict.fromkeys(("next", "created"), "text"),
}
#: Filter beside the statuses for deleted tasks, which a search finds as well.
DELETED = "deleted"
#: Actions on several tasks; each task has its own rights and its own result (`bulk_tasks`).
BULK = {
    "pause": N_("Pause selected"),
    "resume": N_("Resume selected"),
    "cancel": N_("Cancel selected"),
    "delete": N_("Delete selected"),
}

_FAR = float("inf")
#: Order of the statuses: first those that need a person.
_URGENCY = {
    status: place
    for place, status in enumerate(
        (
            TaskStatus.ERROR,
            TaskStatus.SENDING,
            TaskStatus.RETRYING,
            TaskStatus.PAUSED,
            TaskStatus.WAITING,
            TaskStatus.FINISHED,
            TaskStatus.CANCELLED,
        )
    )
}
_KEYS: dict[str, Callable[[TaskOverview], Any]] = {
    "created": lambda task: task.id,
    "name": lambda task: task.name,
    "template": lambda task: (task.template, task.name),
    "sender": lambda task: (search_key(task.sender), task.name),
    "group": lambda task: (search_key(task.group or ""), task.name),
    "type": lambda task: (task.type, task.name),
    "status": lambda task: (_URGENCY[task.status], task.name),
    "progress": lambda task: sent_share(start_of(task)),
    "requested": lambda task: task.request_count,
    "sent": lambda task: task.sent_count,
    "cached": lambda task: task.cached_count,
    "failed": lambda task: task.failed_count,
    "next": lambda task: task.next_run_at.timestamp() if task.next_run_at else _FAR,
    "updated": lambda task: task.updated_at,
}


@dataclass(frozen=True, kw_only=True)
class TaskLine:
    """One line of the list."""

    task: TaskOverview
    rights: frozenset[Right]
    #: Whether the sender domain has quota left now.
    quota_left: bool = False
    #: Subject as the first recipient sees it; only the list shows it.
    subject: str = ""

    @property
    def key(self) -> str:
        """A key that is unique in the list, where a deleted task may have the name of another."""
        return f"{self.task.name}-{self.task.id}" if self.task.deleted_at else self.task.name

    @property
    def parts(self) -> list[Part]:
        """The progress bar of the newest start."""
        return parts_of(start_of(self.task))

    @property
    def counts(self) -> list[Part]:
        """The counts of all starts together."""
        return parts_of(self.task)

    @property
    def share(self) -> float:
        """The share of sent messages in the requested ones of the newest start, 0 to 1."""
        return sent_share(start_of(self.task))

    @property
    def mending(self) -> Mending | None:
        """The link to the page where a person removes the cause of the stop."""
        return mending_of(self.task)

    @property
    def rhythm(self) -> tuple[str, dict[str, object]] | None:
        """The text of the schedule."""
        return labels.rhythm(self.task.schedule)

    @property
    def actions(self) -> list[str]:
        """The actions of its buttons: those that its status and the person's rights allow."""
        offered = _ACTIONS[self.task.status]
        if self.task.status is TaskStatus.WAITING and self.task.error:
            offered = (_RESUME, *offered)  # the task missed its start and waits for a person
        return [action for action, right in offered if right in self.rights and self._useful(action)]

    @property
    def editable(self) -> bool:
        """Whether the task can probably change (`application.task_changes.check_changeable` decides)."""
        task = self.task
        if Right.EDIT not in self.rights or task.status is TaskStatus.CANCELLED:
            return False
        often = task.type in (TaskType.RECURRING, TaskType.TRIGGERED)
        not_left = task.request_count > task.sent_count + task.suppressed_count
        return often or not_left or (not task.request_count and task.status is not TaskStatus.FINISHED)

    @property
    def startable(self) -> bool:
        """Whether a person can probably start the task by hand (`tasks/send_now.py` decides)."""
        often = self.task.type in (TaskType.RECURRING, TaskType.TRIGGERED)
        stopped = self.task.status is TaskStatus.CANCELLED or self.task.paused_by_person
        return often and not stopped and Right.START in self.rights

    def _useful(self, action: str) -> bool:
        if action == "pause":
            return not self.task.paused_by_person
        if action == "resume" and self.task.waits_for_quota and not self.quota_left:
            return False  # the task continues by itself, and a resume would not make it sooner
        overdue = self.task.next_slot is not None and self.task.next_slot <= datetime.now(UTC)
        if action == "resume" and (self.task.error or self.task.unsent_count or overdue):
            # A resume sends pending mail at once, or mail whose start has come (`task_decisions.resume`).
            return Right.START in self.rights
        return action != "retry-failed" or self.task.failed_count > 0


def line_of(task: TaskOverview, rights: frozenset[Right], subject: str = "") -> TaskLine:
    """The line of a task. The quota is read only for a task that a person could resume."""
    quota_left = task.waits_for_quota and quota_snapshot.quota_left(task.sender_domain, task.name)
    return TaskLine(task=task, rights=rights, quota_left=quota_left, subject=subject)


_PAUSE, _RESUME = ("pause", Right.EDIT), ("resume", Right.EDIT)
_RETRY, _CANCEL, _DELETE = ("retry-failed", Right.START), ("cancel", Right.EDIT), ("delete", Right.DELETE)
_ACTIONS: dict[TaskStatus, tuple[tuple[str, Right], ...]] = {
    TaskStatus.WAITING: (_PAUSE, _RETRY, _CANCEL, _DELETE),
    TaskStatus.SENDING: (_PAUSE, _CANCEL),
    TaskStatus.PAUSED: (_PAUSE, _RESUME, _RETRY, _CANCEL),
    TaskStatus.RETRYING: (_PAUSE, _RESUME, _RETRY, _CANCEL),
    TaskStatus.ERROR: (_PAUSE, _RESUME, _RETRY, _CANCEL, _DELETE),
    TaskStatus.FINISHED: (_RETRY, _DELETE),
    TaskStatus.CANCELLED: (_DELETE,),
}


@router.get("/tasks", dependencies=[Depends(enters_console)])
def send_tasks(request: Request, user: GetUserDep) -> Response:
    """The page."""
    listing = listing_of(request.query_params)
    seen = tasks_seen(user, fresh=True)
    deleted = _deleted(user, listing, fresh=True)
    return render(
        request,
        "tasks/list.html",
        **_context(user, listing, [*deleted, *seen], fresh=True),
        domains=sorted({task.sender_domain for task in seen}),
        templates=sorted({task.template for task in seen}),
        groups=sorted({task.group for task in seen if task.group}),
        any_task=bool(seen or deleted or listing.narrowed),
    )


@router.get("/live/tasks", dependencies=[Depends(enters_console)])
def send_tasks_live(request: Request, user: GetUserDep) -> Response:
    """The polled part of the page: the list."""
    seen, listing = tasks_seen(user), listing_of(request.query_params)
    context = _context(user, listing, [*_deleted(user, listing), *seen])
    return fragment(request, "tasks/list_rows.html", every=pace(seen, now=datetime.now(UTC)), **context)


def listing_of(query: QueryParams) -> Listing:
    """The search, filter and order of the list, from the query of its address."""
    filters = {
        "status": [*(status.value for status in TaskStatus), DELETED],
        "type": [one.value for one in labels.TYPE],
        "domain": None,
        "template": None,
        "group": None,
    }
    listing = Listing.read(query, sorts=tuple(SORTS), filters=filters, descending=True)
    if domain := listing.filters.get("domain"):
        return replace(listing, filters={**listing.filters, "domain": domain_key(domain)})
    return listing


def _deleted(user: BaseUser, listing: Listing, *, fresh: bool = False) -> list[TaskOverview]:
    """The deleted tasks, for their filter or for a search without a status."""
    asked = listing.filters.get("status", DELETED if listing.text else None) == DELETED
    return deleted_tasks_seen(user, fresh=fresh) if asked else []


def found_tasks(listing: Listing, seen: Sequence[TaskOverview], *, fresh: bool = False) -> list[TaskOverview]:
    """The tasks that match a search, in its order."""
    subjects = subjects_of(seen, fresh=fresh)
    found = [task for task in seen if _fits(task, subjects[task.id], listing)]
    key = _KEYS.get(listing.sort) or (lambda task: (search_key(subjects[task.id]), task.name))
    return sorted(found, key=key, reverse=listing.descending)


def _context(user: BaseUser, listing: Listing, seen: Sequence[TaskOverview], *, fresh: bool = False) -> dict[str, Any]:
    found = found_tasks(listing, seen, fresh=fresh)
    page: Page[TaskOverview] = listing.cut(found)
    subjects = subjects_of(page.rows)
    nothing = frozenset[Right]()
    held = [nothing if task.deleted_at else rights(user, task.name) for task in page.rows]
    lines = [line_of(task, own, subjects[task.id]) for task, own in zip(page.rows, held, strict=True)]
    return {
        "page": page,
        "lines": lines,
        "sorts": SORTS,
        "columns": COLUMNS,
        "bulk_labels": BULK,
        "bulk": any(line.actions for line in lines),
        "bulk_total": sum(task.deleted_at is None for task in found),
        "status_labels": labels.STATUS,
        "type_labels": labels.TYPE,
    }


def _fits(task: TaskOverview, subject: str, listing: Listing) -> bool:
    facts = {"status": DELETED if task.deleted_at else task.status, "type": task.type, "domain": task.sender_domain}
    facts |= {"template": task.template, "group": task.group}
    if any(facts[name] != wanted for name, wanted in listing.filters.items()):
        return False
    # The overview has the sender's domain as A-labels.
    texts = address_keys(listing.text)
    looked_at = (task.name, subject, task.subject or "", task.template, task.group or "", task.sender)
    return not listing.text or any(text in search_key(part) for part in looked_at for text in texts)
