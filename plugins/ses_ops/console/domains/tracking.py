"""The change of what is tracked of a sender domain's mail."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import sender_domains
from ses_ops.console.access import writes_quota
from ses_ops.console.domains.pages import domain_page
from ses_ops.console.door import change
from ses_ops.console.flash import Flash
from ses_ops.console.forms import WHOLE, PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.quota_snapshot import DOMAINS
from ses_ops.domain.address import domain_key
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.errors import InvalidInput, NotFound

router = APIRouter()

_SAVED = N_("What is tracked of mail from %(domain)s is changed, for what leaves from now on.")


@router.post("/domain-tracking/{domain:path}", dependencies=[Depends(writes_quota)])
def change_tracking(request: Request, domain: str, user: GetUserDep, form: PostedDep) -> Response:
    """Set both as the boxes are."""
    key, words = domain_key(domain), language_of(request)
    if DOMAINS.get(fresh=True).find(key) is None:
        raise NotFound("sender domain", domain)
    chosen = Tracking(opens=form.checked("track_opens"), clicks=form.checked("track_clicks"))
    try:
        change(user, sender_domains.set_tracking, key, chosen)
    except InvalidInput as problem:
        form.problem_of(words, problem, fields={"": WHOLE, "track": WHOLE})
        return domain_page(request, user, key, tracking_form=form, status=422)
    return see_other(request, f"/domains/{key}", Flash(kind="done", text=words.gettext(_SAVED, domain=key)))
