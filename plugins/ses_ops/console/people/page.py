"""The page that shows and erases a person's stored data."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import erasure as use_case
from ses_ops.console import file_errors
from ses_ops.console.access import changes_console
from ses_ops.console.actor import actor_of
from ses_ops.console.database import changing, reading
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import N_, Language, language_of
from ses_ops.console.page import render
from ses_ops.domain.address import Address, parse_address
from ses_ops.errors import GroupBusy, InvalidInput
from ses_ops.storage.audience import erasure
from ses_ops.storage.audience.erasure import Erasure

router = APIRouter()

#: Most erasures that the page lists.
_LISTED = 10


@router.get("/suppression/erase", dependencies=[Depends(changes_console)])
def erase_form(request: Request) -> Response:
    """The form, filled with the address of a link."""
    return _page(request, Form.of(address=request.query_params.get("address", "")), None)


@router.post("/suppression/erase", dependencies=[Depends(changes_console)])
def erase(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Show the stored data of a person; after that page, erase it."""
    words = language_of(request)
    try:
        address = parse_address(form.text("address"), dotless=True)
    except InvalidInput as problem:
        form.problem_of(words, problem, fields={"": "address"})
        return _page(request, form, None, status=422)
    if not form.checked("confirmed"):
        return _page(request, form, address)
    try:
        with changing() as conn:
            done = use_case.erase(conn, actor_of(user), address)
    except GroupBusy as problem:
        form.problem("address", file_errors.busy(words, problem))
        return _page(request, form, address, status=409)
    return see_other(request, "/suppression/erase", Flash(kind="done", text=_done(words, done)))


def _done(words: Language, done: Erasure) -> str:
    parts = [
        words.ngettext(
            "Erased from %(groups)s and %(num)s message.",
            "Erased from %(groups)s and %(num)s messages.",
            done.messages,
            groups=", ".join(done.groups) or words.gettext(N_("no group")),
        )
    ]
    if done.suppressed:
        parts.append(words.gettext(N_("The person is on the suppression list and stays there.")))
    if done.being_sent:
        parts.append(
            words.ngettext(
                "%(num)s message is being sent at this moment: erase again in a few minutes.",
                "%(num)s messages are being sent at this moment: erase again in a few minutes.",
                done.being_sent,
            )
        )
    return " ".join(parts)


def _page(request: Request, form: Form, address: Address | None, *, status: int = 200) -> Response:
    with reading() as conn:
        found = erasure.look(conn, address) if address else None
        earlier = erasure.erasures(conn, limit=_LISTED)
    return render(request, "people/erase.html", status=status, form=form, found=found, earlier=earlier, address=address)
