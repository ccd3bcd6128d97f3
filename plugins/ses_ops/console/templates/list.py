"""Pages of the mail templates: the list and the preview."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops import settings
from ses_ops.console.access import reads_shared
from ses_ops.console.database import reading
from ses_ops.console.language import N_, language_of
from ses_ops.console.listing import Listing
from ses_ops.console.mail_frame import mail_frame
from ses_ops.console.page import render
from ses_ops.console.template_catalogue import loaded_template, place_of, templates_seen, templates_state, versions_of
from ses_ops.console.template_preview import VIEWS, PreviewQuery, preview_values
from ses_ops.console.visible_tasks import tasks_seen
from ses_ops.domain.search_key import search_key
from ses_ops.errors import TemplateError
from ses_ops.rendering.template import Preview
from ses_ops.rendering.template_facts import EXAMPLE_UNSUBSCRIBE_URL, TemplateFacts, template_sources
from ses_ops.rendering.worker_template import WorkerTemplate
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from ses_ops.storage.tasks.overview import TaskOverview

router = APIRouter()

_VERSION = re.compile(r"[1-9][0-9]{0,8}").fullmatch
#: Most send tasks that the list names beside a template.
MOST_NAMED = 3
#: Sort keys of the list, the default first.
SORTS = {"name": N_("Template"), "subject": N_("Subject"), "size": N_("Size"), "used": N_("Used by")}


@router.get("/templates", dependencies=[Depends(reads_shared)])
def templates(request: Request, user: GetUserDep) -> Response:
    """The list."""
    listing = Listing.read(request.query_params, sorts=tuple(SORTS))
    used, every = _used_by(user), templates_seen()
    text = search_key(listing.text)
    found = [one for one in every if text in search_key(one.name) or text in search_key(one.subject)]
    keys: dict[str, Callable[[TemplateFacts], Any]] = {
        "name": lambda one: one.name,
        "subject": lambda one: (search_key(one.subject), one.name),
        "size": lambda one: (one.size, one.name),
        "used": lambda one: (len(used.get(one.name, ())), one.name),
    }
    found.sort(key=keys[listing.sort], reverse=listing.descending)
    return render(
        request,
        "templates/list.html",
        any_template=bool(every),
        page=listing.cut(found),
        sorts=SORTS,
        used=used,
        most_named=MOST_NAMED,
        folder=settings.short(settings.templates_root()),
        stored=templates_state().stored,
    )


@router.get("/templates/{template}", dependencies=[Depends(reads_shared)])
def template(request: Request, template: str, user: GetUserDep) -> Response:
    """The page of a template: preview, values, uses; of a broken one the error and the files."""
    facts = facts_of(template)
    version = request.query_params.get("version", "")
    sources = template_sources(place_of(facts.name, int(version) if _VERSION(version) else None), facts.name)
    context: dict[str, Any] = {"facts": facts, "sources": sources, "used": _used_by(user).get(facts.name, ())}
    context["versions"] = versions_of(facts.name)
    context["shown_version"] = version
    query = PreviewQuery.read(request.query_params).with_parts(facts.parts)
    try:
        loaded = loaded_template(facts.name)
        variables = loaded.variables_for()
        chosen = preview_values(loaded, query, language_of(request))
        preview, problem = _preview(loaded, chosen.values)
    except TemplateError as error:
        return render(request, "templates/broken.html", **context, problem=error)
    return render(
        request,
        "templates/page.html",
        **context,
        query=query,
        views={view: label for view, label in VIEWS.items() if loaded.html or view not in ("desktop", "phone")},
        chosen=chosen,
        form=chosen.form,
        preview=preview,
        problem=problem,
        groups=_groups_for(variables, query.group),
    )


@router.get("/templates/{template}/html", dependencies=[Depends(reads_shared)])
def template_html(request: Request, template: str) -> Response:
    """The HTML part alone, for the frame of the page."""
    loaded = loaded_template(facts_of(template).name)
    chosen = preview_values(loaded, PreviewQuery.read(request.query_params), language_of(request))
    html = loaded.preview(chosen.values, unsubscribe_url=EXAMPLE_UNSUBSCRIBE_URL).html
    if html is None:
        raise HTTPException(404)
    return mail_frame(html)


def facts_of(name: str) -> TemplateFacts:
    """A template by name, broken or not; 404 for an unknown name, so no path of a request reaches the file system."""
    for facts in templates_seen():
        if facts.name == name:
            return facts
    raise HTTPException(404)


def _preview(loaded: WorkerTemplate, values: dict[str, str]) -> tuple[Preview | None, TemplateError | None]:
    """The message, or its error with these values."""
    try:
        return loaded.preview(values, unsubscribe_url=EXAMPLE_UNSUBSCRIBE_URL), None
    except TemplateError as problem:
        return None, problem


def _used_by(user: BaseUser) -> dict[str, list[TaskOverview]]:
    """The send tasks that a person may see by their template, the newest first."""
    found: dict[str, list[TaskOverview]] = {}
    for task in reversed(tasks_seen(user)):
        found.setdefault(task.template, []).append(task)
    return found


def _groups_for(variables: frozenset[str], asked: str) -> list[tuple[str, str]]:
    """The choices of the field: groups with a value for every variable, and the requested group."""
    with reading() as conn:
        groups = recipients.list_groups(conn)
    names = [group.name for group in groups if variables <= set(group.variables)]
    return [(name, name) for name in (names if asked in ("", *names) else [asked, *names])]
