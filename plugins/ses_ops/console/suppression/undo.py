"""The page that takes all entries of a time span off the list, after their number was shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import held_suppressions
from ses_ops.console.access import changes_console
from ses_ops.console.database import database_is_ready, reading
from ses_ops.console.door import change
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.console.suppression.list import LONGEST_NOTE, REASONS
from ses_ops.domain.clock import read_moment, zone
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import InvalidInput
from ses_ops.storage.suppression import lifting
from ses_ops.storage.suppression.lifting import Span

if TYPE_CHECKING:
    from ses_ops.console.language import Language

router = APIRouter()


@router.get("/suppression/undo", dependencies=[Depends(changes_console), Depends(database_is_ready)])
def undo_form(request: Request) -> Response:
    """The form, with the last hour."""
    now = datetime.now(UTC)
    form = Form.of(
        since=f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        until=f"{now + timedelta(minutes=1):%Y-%m-%dT%H:%M}",
        reason=SuppressionReason.HARD_BOUNCE.value,
        provider=request.query_params.get("provider", ""),
        words="",
        why="",
    )
    return _page(request, form)


@router.post("/suppression/undo", dependencies=[Depends(changes_console)])
def undo(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Show how many entries are meant; after that page, lift them in one step."""
    words = language_of(request)
    span = _span(form, words)
    if not form.text("why"):
        form.problem("why", words.gettext("Write why, for example: the provider had an outage."))
    if span is None or form.errors:
        return _page(request, form, status=422)
    if not form.checked("confirmed"):
        with reading() as conn:
            return _page(request, form, count=lifting.count(conn, span))
    done, _ = change(user, held_suppressions.lift, span, why=form.text("why")[:LONGEST_NOTE])
    text = words.ngettext("%(num)s address gets mail again.", "%(num)s addresses get mail again.", done.count)
    return see_other(request, "/suppression", Flash(kind="done", text=text))


def _span(form: Form, words: Language) -> Span | None:
    since, until = _moment(form, "since", words), _moment(form, "until", words)
    try:
        reason = SuppressionReason(form.text("reason"))
    except ValueError:
        form.problem("reason", words.gettext("Choose one of the reasons."))
        return None
    if since is None or until is None:
        return None
    if since >= until:
        form.problem("until", words.gettext("The end is after the beginning."))
        return None
    provider, said = form.text("provider").lower() or None, form.text("words") or None
    return Span(since=since, until=until, reason=reason, provider=provider, words=said)


def _moment(form: Form, name: str, words: Language) -> datetime | None:
    try:
        found = read_moment(form.text(name), zone("UTC"), where=name)
    except InvalidInput:
        found = None
    if found is None:
        form.problem(name, words.gettext(N_("Write a day and a time in UTC, for example 2026-11-29T12:00.")))
    return found


def _page(request: Request, form: Form, *, status: int = 200, count: int | None = None) -> Response:
    choices = [(value, language_of(request).gettext(text)) for value, text in REASONS.items()]
    return render(request, "suppression/undo.html", status=status, form=form, choices=choices, count=count)
