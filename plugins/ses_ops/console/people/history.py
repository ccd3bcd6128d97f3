"""The page that shows what one address got from all tasks, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console import feedback_labels, labels
from ses_ops.console.access import reads_shared, visible
from ses_ops.console.database import reading
from ses_ops.console.earlier_tasks import hidden_tasks
from ses_ops.console.forms import Form
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.domain.address import Address, parse_address
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import InvalidInput
from ses_ops.storage.events import task_feedback, timeline
from ses_ops.storage.events.timeline import NEWEST, MessageTo
from ses_ops.storage.suppression import entries

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from ses_ops.storage.events.task_feedback import Key, MessageOutcome
    from ses_ops.storage.suppression.entries import Suppression

router = APIRouter()

#: Number of messages on a page.
SIZE = 25
#: The reasons of entries, in the words of this page.
_REASONS = {
    "hard_bounce": N_("It gets no mail: a server said that there is no such address (%(when)s)."),
    "complaint": N_("It gets no mail: the person complained about mail (%(when)s)."),
    "unsubscribe": N_("It gets no mail: the person unsubscribed (%(when)s)."),
    "manual": N_("It gets no mail: somebody put it on the suppression list (%(when)s)."),
}
_REASONS_OF_DOMAIN = N_("It gets no bulk mail of %(domain)s: the person unsubscribed (%(when)s).")


@dataclass(frozen=True, kw_only=True)
class PersonSeen:
    """The messages of an address on one page of the list."""

    address: Address
    rows: list[MessageTo]
    total: int
    outcomes: dict[Key, MessageOutcome]
    #: Ids of the tasks that the viewer may see.
    seen: frozenset[int]
    #: Key at which the next page begins; None at the end.
    next: str | None
    suppressions: list[Suppression]


@router.get("/people", dependencies=[Depends(reads_shared)])
def people(request: Request, user: GetUserDep) -> Response:
    """The form and, with an address, its messages. Tasks that the viewer may not see are not named."""
    query = request.query_params
    form = Form.of(address=query.get("address", ""))
    found: PersonSeen | None = None
    status = 200
    if form.text("address"):
        try:
            address = parse_address(form.text("address"), dotless=True)
        except InvalidInput as problem:
            form.problem_of(language_of(request), problem, fields={"": "address"})
            status = 422
        else:
            found = _read(user, address, before=_key(query.get("before")))
    return render(
        request,
        "people/history.html",
        status=status,
        form=form,
        found=found,
        is_first=_key(query.get("before")) == NEWEST,
        reasons=_REASONS,
        reason_of_domain=_REASONS_OF_DOMAIN,
        status_label={**labels.MESSAGE, "pending": N_("waiting")},
        outcome_labels=feedback_labels.OF_MESSAGE,
        outcome_badges=feedback_labels.BADGES,
        test=TaskType.TEST.value,
        api=TaskType.API.value,
    )


def _read(user: BaseUser, address: Address, *, before: Key) -> PersonSeen:
    with reading() as conn:
        keys = timeline.keys_of_person(conn, address.key)
        rows = timeline.messages_to(conn, keys, before=before, limit=SIZE + 1)
        shown = rows[:SIZE]
        outcomes = task_feedback.outcomes(conn, [row.key for row in shown])
        total = timeline.count_to(conn, keys) if before != NEWEST or len(rows) > SIZE else len(rows)
        suppressions = entries.find(conn, address.key)
    more = len(rows) > SIZE
    return PersonSeen(
        address=address,
        rows=shown,
        total=total,
        outcomes=outcomes,
        seen=_seen(user, shown),
        next=f"{shown[-1].occurrence_id}.{shown[-1].seq}" if more else None,
        suppressions=suppressions,
    )


def _seen(user: BaseUser, rows: list[MessageTo]) -> frozenset[int]:
    """The ids of the tasks of these messages that a person may see; test sends and single messages are of no task."""
    names = visible(user, {row.task for row in rows if TaskType(row.task_type).listed})
    hidden = hidden_tasks(user) if any(row.deleted_at for row in rows) else frozenset()
    return frozenset(
        row.task_id
        for row in rows
        if not TaskType(row.task_type).listed or (row.task in names and row.task_id not in hidden)
    )


def _key(given: str | None) -> Key:
    occurrence, _, seq = (given or "").partition(".")
    if not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (occurrence, seq)):
        return NEWEST
    return min(int(occurrence), NEWEST[0]), min(int(seq), NEWEST[1])
