"""The list of send tasks: what sends, what stands still and until when, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console import domains_seen, labels
from ses_ops.console.access import Right, reads_console, rights
from ses_ops.console.language import N_
from ses_ops.console.listing import Listing, Page
from ses_ops.console.live_pace import pace
from ses_ops.console.mending import Mending, mending_of
from ses_ops.console.page import fragment, render
from ses_ops.console.progress_bar import Part, parts_of, sent_share, start_of
from ses_ops.console.tasks_seen import tasks_seen
from ses_ops.domain.address import domain_key
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.search_key import address_keys, search_key
from ses_ops.domain.task_status import TaskStatus
from ses_ops.storage.overview import TaskOverview

router = APIRouter()

#: What the list can be sorted by, the default first.
SORTS = {
    "created": N_("Created"),
    "name": N_("Name"),
    "status": N_("Status"),
    "progress": N_("Progress"),
    "sent": N_("Sent"),
    "next": N_("Next mail"),
    "updated": N_("Changed"),
}

_FAR = float("inf")
#: What stands first when sorted by status: what needs a person.
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
    "status": lambda task: (_URGENCY[task.status], task.name),
    "progress": lambda task: sent_share(start_of(task)),
    "sent": lambda task: task.sent_count,
    "next": lambda task: task.next_run_at.timestamp() if task.next_run_at else _FAR,
    "updated": lambda task: task.updated_at,
}


@dataclass(frozen=True, kw_only=True)
class TaskLine:
    """One line of the list."""

    task: TaskOverview
    rights: frozenset[Right]
    #: Its sender domain's quota has room now.
    quota_left: bool = False

    @property
    def parts(self) -> list[Part]:
        """The progress bar: of the newest start."""
        return parts_of(start_of(self.task))

    @property
    def counts(self) -> list[Part]:
        """The counts of all starts together."""
        return parts_of(self.task)

    @property
    def share(self) -> float:
        """Sent of requested, of the newest start."""
        return sent_share(start_of(self.task))

    @property
    def mending(self) -> Mending | None:
        """Where it is mended that it stands still."""
        return mending_of(self.task)

    @property
    def rhythm(self) -> tuple[str, dict[str, object]] | None:
        """How it repeats."""
        return labels.rhythm(self.task.schedule)

    @property
    def actions(self) -> list[str]:
        """What its buttons offer: what its status allows and the person may do."""
        offered = _ACTIONS[self.task.status]
        if self.task.status is TaskStatus.WAITING and self.task.error:
            offered = (_RESUME, *offered)  # it missed its start, and waits for a person
        return [action for action, right in offered if right in self.rights and self._useful(action)]

    @property
    def editable(self) -> bool:
        """Whether its definition can still change (`storage.send_tasks.check_changeable` has the last word)."""
        task = self.task
        often = task.type in (TaskType.RECURRING, TaskType.TRIGGERED) and task.status is not TaskStatus.CANCELLED
        return Right.EDIT in self.rights and (often or (task.status is TaskStatus.WAITING and not task.request_count))

    def _useful(self, action: str) -> bool:
        if action == "resume" and self.task.waits_for_quota and not self.quota_left:
            return False  # it goes on by itself, and no sooner
        if action == "resume" and (self.task.error or self.task.unsent_count):
            # It sends at once what waits (`decisions.resume`).
            return Right.START in self.rights
        return action != "retry-failed" or self.task.failed_count > 0


def line_of(task: TaskOverview, rights: frozenset[Right]) -> TaskLine:
    """A task's line. Whether there is quota is asked only where a person could use it."""
    return TaskLine(
        task=task,
        rights=rights,
        quota_left=task.waits_for_quota and domains_seen.quota_left(task.sender_domain, task.name),
    )


_PAUSE, _RESUME = ("pause", Right.EDIT), ("resume", Right.EDIT)
_RETRY, _CANCEL, _DELETE = ("retry-failed", Right.START), ("cancel", Right.EDIT), ("delete", Right.DELETE)
_ACTIONS: dict[TaskStatus, tuple[tuple[str, Right], ...]] = {
    TaskStatus.WAITING: (_PAUSE, _RETRY, _CANCEL, _DELETE),
    TaskStatus.SENDING: (_PAUSE, _CANCEL),
    TaskStatus.PAUSED: (_RESUME, _RETRY, _CANCEL),
    TaskStatus.RETRYING: (_RESUME, _PAUSE, _RETRY, _CANCEL),
    TaskStatus.ERROR: (_RESUME, _RETRY, _CANCEL, _DELETE),
    TaskStatus.FINISHED: (_RETRY, _DELETE),
    TaskStatus.CANCELLED: (_DELETE,),
}


@router.get("/tasks", dependencies=[Depends(reads_console)])
def send_tasks(request: Request, user: GetUserDep) -> Response:
    """The page."""
    listing = _listing(request)
    seen = tasks_seen(user, fresh=True)
    return render(
        request,
        "send_tasks.html",
        **_context(user, listing, seen),
        domains=sorted({task.sender_domain for task in seen}),
        any_task=bool(seen),
        sorts=SORTS,
    )


@router.get("/live/tasks", dependencies=[Depends(reads_console)])
def send_tasks_live(request: Request, user: GetUserDep) -> Response:
    """The list of the page, again and again."""
    seen = tasks_seen(user)
    context = _context(user, _listing(request), seen)
    return fragment(request, "send_tasks_list.html", every=pace(seen, now=datetime.now(UTC)), **context)


def _listing(request: Request) -> Listing:
    filters = {
        "status": [status.value for status in TaskStatus],
        "type": [one.value for one in labels.TYPE],
        "domain": None,
    }
    listing = Listing.read(request.query_params, sorts=tuple(SORTS), filters=filters, descending=True)
    if domain := listing.filters.get("domain"):
        return replace(listing, filters={**listing.filters, "domain": domain_key(domain)})
    return listing


def _context(user: BaseUser, listing: Listing, seen: Sequence[TaskOverview]) -> dict[str, Any]:
    found = sorted((task for task in seen if _fits(task, listing)), key=_KEYS[listing.sort], reverse=listing.descending)
    page: Page[TaskOverview] = listing.cut(found)
    lines = [line_of(task, rights(user, task.name)) for task in page.rows]
    return {"page": page, "lines": lines, "status_labels": labels.STATUS, "type_labels": labels.TYPE}


def _fits(task: TaskOverview, listing: Listing) -> bool:
    wanted = listing.filters
    if wanted.get("status", task.status) != task.status or wanted.get("type", task.type) != task.type:
        return False
    if wanted.get("domain", task.sender_domain) != task.sender_domain:
        return False
    # The sender's domain stands there as A-labels.
    texts = address_keys(listing.text)
    looked_at = (task.name, task.subject or "", task.template, task.group, task.sender)
    return not listing.text or any(text in search_key(part) for part in looked_at for text in texts)
