"""Pages of recipient groups: the list, one group, deletion, sample files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from psycopg2.extensions import connection as Connection
from starlette.responses import Response

from ses_ops.application import groups as use_cases
from ses_ops.application.sample_csv import sample_of_group, sample_of_place
from ses_ops.console import file_errors, labels
from ses_ops.console.access import changes_console, reads_shared
from ses_ops.console.csv_download import csv_headers
from ses_ops.console.database import reading
from ses_ops.console.door import change
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other, way_back
from ses_ops.console.groups.rights import refusal, tasks_in_the_way
from ses_ops.console.groups.upload import LONGEST_DESCRIPTION
from ses_ops.console.language import N_, language_of
from ses_ops.console.listing import LONGEST_TEXT, Listing
from ses_ops.console.page import render
from ses_ops.console.template_catalogue import place_of
from ses_ops.console.visible_tasks import tasks_seen
from ses_ops.domain.search_key import search_key
from ses_ops.errors import GroupBusy, GroupInUse, TemplateError
from ses_ops.storage.audience import imports, recipients
from ses_ops.storage.audience.recipients import RecipientGroup
from ses_ops.storage.tasks.overview import TaskOverview

router = APIRouter()

#: Sort keys of the list, the default first.
SORTS = {"name": N_("Name"), "recipients": N_("Recipients"), "updated": N_("Updated")}
_KEYS: dict[str, Callable[[RecipientGroup], Any]] = {
    "name": lambda group: search_key(group.name),
    "recipients": lambda group: group.recipient_count,
    "updated": lambda group: group.updated_at,
}
#: Number of rows on the page of a group, and of imports listed there.
ROWS = 25
IMPORTS = 5
#: Most pages of a search kept in its address for the way back, which saves a second search.
TRAIL = 30
#: Largest value of PostgreSQL's integer.
_LAST_LINE = 2**31 - 1
_DELETE = (
    N_("Delete the recipient group %(name)s?"),
    N_("Its recipients and the reports of its imports are taken away. What was sent stays in the ledger."),
    N_("Delete the group"),
)


@router.get("/groups", dependencies=[Depends(reads_shared)])
def groups(request: Request, user: GetUserDep) -> Response:
    """The list."""
    listing = Listing.read(request.query_params, sorts=tuple(SORTS))
    with reading() as conn:
        every = recipients.list_groups(conn)
    text = search_key(listing.text)
    found = [one for one in every if text in search_key(one.name) or text in search_key(one.description)]
    found.sort(key=_KEYS[listing.sort], reverse=listing.descending)
    tasks, page = _tasks_by_group(user), listing.cut(found)
    with reading() as conn:
        closed = tasks_in_the_way(conn, user, (one.name for one in page.rows))
    return render(
        request,
        "groups/list.html",
        page=page,
        any_group=bool(every),
        tasks=tasks,
        closed=closed,
        question=_DELETE,
        sorts=SORTS,
    )


@router.get("/groups/{name}", dependencies=[Depends(reads_shared)])
def group(request: Request, name: str, user: GetUserDep) -> Response:
    """A group."""
    return _group_page(request, user, name)


@router.post("/groups/{name}/describe", dependencies=[Depends(changes_console)])
def describe(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Change the description."""
    words, text = language_of(request), form.text("description")
    if len(text) > LONGEST_DESCRIPTION:
        form.problem("description", words.gettext(N_("Use at most %(count)s characters."), count=LONGEST_DESCRIPTION))
        return _group_page(request, user, name, form, status=422)
    try:
        change(user, use_cases.describe, name, description=text)
    except GroupBusy as problem:
        form.problem("description", file_errors.busy(words, problem))
        return _group_page(request, user, name, form, status=409)
    flash = Flash(kind="done", text=words.gettext(N_("The description of %(name)s is changed."), name=name))
    return see_other(request, f"/groups/{name}", flash)


@router.post("/groups/{name}/delete", dependencies=[Depends(changes_console)])
def delete(request: Request, name: str, user: GetUserDep, form: PostedDep) -> Response:
    """Delete a group, after a question; refused while a task that has not ended uses it."""
    words, back = language_of(request), way_back(form, "/groups")
    if not form.checked("confirmed"):
        question, consequence, action = (words.gettext(text) for text in _DELETE)
        asked = question % {"name": name}
        return render(request, "confirm.html", question=asked, consequence=consequence, action=action, back=back)
    try:
        change(user, use_cases.delete, name)
    except GroupInUse as problem:
        return see_other(request, back, Flash(kind="problem", text=_in_use(request, user, problem)))
    except GroupBusy as problem:
        return see_other(request, back, Flash(kind="problem", text=file_errors.busy(words, problem)))
    text = words.gettext(N_("%(name)s is deleted."), name=name)
    return see_other(request, "/groups", Flash(kind="done", text=text))


@router.get("/groups/{name}/sample.csv", dependencies=[Depends(reads_shared)])
def group_sample(name: str) -> Response:
    """A CSV file with the columns of a group."""
    with reading() as conn:
        return _csv(sample_of_group(conn, name), f"{name}-sample.csv")


@router.get("/group-sample", dependencies=[Depends(reads_shared)])
def template_sample(template: str = "") -> Response:
    """A CSV file with the columns that a template needs."""
    try:
        return _csv(sample_of_place(place_of(template), template), f"{template}-sample.csv")
    except TemplateError as cause:
        raise HTTPException(404) from cause


def _csv(text: str, file_name: str) -> Response:
    # The byte order mark makes Excel read UTF-8; the import skips it.
    return Response("\ufeff" + text, headers=csv_headers(file_name))


def _tasks_by_group(user: BaseUser) -> dict[str, list[TaskOverview]]:
    found: dict[str, list[TaskOverview]] = defaultdict(list)
    for task in tasks_seen(user, fresh=True):
        found[task.group].append(task)
    return found


def _in_use(request: Request, user: BaseUser, problem: GroupInUse) -> str:
    """The text for a group in use: it names the tasks that the person may see and counts the others."""
    words = language_of(request)
    seen = [task.name for task in _tasks_by_group(user).get(problem.group, []) if task.name in problem.tasks]
    hidden = len(problem.tasks) - len(seen)
    named = ", ".join(seen[:10]) + (" …" if len(seen) > 10 else "")
    parts = [words.gettext(N_("%(name)s cannot be deleted: send tasks use it."), name=problem.group)]
    if named:
        parts.append(words.gettext(N_("Delete these first: %(tasks)s."), tasks=named))
    if hidden:
        parts.append(words.ngettext("%(num)s of them you may not see.", "%(num)s of them you may not see.", hidden))
    return " ".join(parts)


def _group_page(
    request: Request, user: BaseUser, name: str, form: Form | None = None, *, status: int = 200
) -> Response:
    line, text = _line(request.query_params.get("line", "")), request.query_params.get("q", "").strip()[:LONGEST_TEXT]
    trail = [_line(one) for one in request.query_params.get("trail", "").split(".")[-TRAIL:] if one]
    with reading() as conn:
        found = recipients.find_group(conn, name)
        used_by = recipients.tasks_of_group(conn, found.id)
        newest = imports.of_group(conn, name, limit=IMPORTS)
        rows = _rows(conn, found, line, text, trail)
        closed = tasks_in_the_way(conn, user, [name]).get(name)
    tasks = _tasks_by_group(user).get(name, [])
    return render(
        request,
        "groups/page.html",
        status=status,
        group=found,
        form=form or Form.of(description=found.description),
        tasks=tasks,
        refusal=refusal(user, closed, language_of(request)) if closed else None,
        hidden_tasks=max(0, len(used_by) - len(tasks)),
        imports=newest,
        status_labels=labels.STATUS,
        question=_DELETE,
        **rows,
    )


def _rows(conn: Connection, found: RecipientGroup, line: int, text: str, trail: list[int]) -> dict[str, Any]:
    """A page of a group's rows by the lines of its file; rows before it are not counted. `trail`: pages of a search."""
    rows = recipients.look(conn, found.id, line=line, limit=ROWS + 1, text=text)
    more = rows[ROWS].line if len(rows) > ROWS else None
    if text:
        before = trail[-1] if trail else None
    else:
        before = None if line <= 1 else recipients.line_before(conn, found.id, line=line, count=ROWS)
    return {
        "rows": rows[:ROWS],
        "line": line,
        "text": text,
        "next_line": more,
        "line_before": before,
        "trail_before": ".".join(map(str, trail[:-1])) if text else "",
        "trail_next": ".".join(map(str, [*trail, line][-TRAIL:])) if text else "",
    }


def _line(given: str) -> int:
    return min(int(given), _LAST_LINE) if given.isascii() and given.isdecimal() and len(given) < 12 else 1
