"""The form of a new endpoint, and the page that shows a secret once."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.callbacks import endpoint_decisions as decisions
from ses_ops.console import callback_labels
from ses_ops.console.access import writes_quota
from ses_ops.console.door import change
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.language import language_of
from ses_ops.console.page import render
from ses_ops.console.quota_snapshot import DOMAINS
from ses_ops.domain.callback import CallbackFormat, CallbackKind
from ses_ops.errors import Conflict, InvalidInput
from ses_ops.web.allowed_networks import allowed_networks

router = APIRouter()


@router.get("/new-callback", dependencies=[Depends(writes_quota)])
def new_callback(request: Request) -> Response:
    """The form."""
    return _form_page(request, Form.of(name="", url="", format=CallbackFormat.NATIVE.value, sender_domain=""))


@router.post("/new-callback", dependencies=[Depends(writes_quota)])
def add_callback(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Add the endpoint, and show its secret: this once."""
    words = language_of(request)
    given = form.text("format")
    new = decisions.NewEndpoint(
        name=form.text("name"),
        url=form.text("url"),
        made_as=CallbackFormat(given) if given in set(CallbackFormat) else CallbackFormat.NATIVE,
        sender_domain=form.text("sender_domain") or None,
        kinds=form.all("kind"),
    )
    try:
        made, _ = change(user, decisions.add, new, allowed=allowed_networks())
    except (InvalidInput, Conflict) as problem:
        form.problem_of(words, problem, fields={"name": "name", "url": "url"})
        return _form_page(request, form, status=422)
    if made.secret is None:
        return see_other(request, f"/callbacks/{made.name}")
    return render(request, "callbacks/secret.html", name=made.name, secret=made.secret, rotated=False)


def _form_page(request: Request, form: Form, *, status: int = 200) -> Response:
    return render(
        request,
        "callbacks/new.html",
        status=status,
        form=form,
        domains=sorted(quota.domain for quota in DOMAINS.get().quotas),
        choosable=[kind.value for kind in CallbackKind],
        **callback_labels.ON_PAGES,
    )
