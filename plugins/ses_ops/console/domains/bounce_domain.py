"""The change of a sender domain's bounce domain."""

from __future__ import annotations

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import sender_domains
from ses_ops.console.access import writes_quota
from ses_ops.console.domains.pages import domain_page
from ses_ops.console.door import change
from ses_ops.console.flash import Flash
from ses_ops.console.forms import PostedDep, see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.quota_snapshot import DOMAINS
from ses_ops.domain.address import domain_key
from ses_ops.errors import InvalidInput, NotFound

router = APIRouter()

_SET = N_("Bounces of mail that leaves from %(domain)s from now on go to %(bounces)s.")
_CLEARED = N_("Bounces of mail that leaves from %(domain)s from now on go to the sender's address.")


@router.post("/bounce-domain/{domain:path}", dependencies=[Depends(writes_quota)])
def change_bounce_domain(request: Request, domain: str, user: GetUserDep, form: PostedDep) -> Response:
    """Set the bounce domain, or clear it when the field is empty."""
    key, words, typed = domain_key(domain), language_of(request), form.text("bounce_domain")
    if DOMAINS.get(fresh=True).find(key) is None:
        raise NotFound("sender domain", domain)
    if not typed:
        change(user, sender_domains.clear_bounce_domain, key)
        text = words.gettext(_CLEARED, domain=key)
    else:
        even = form.checked("even_sender_domain")
        try:
            done, _ = change(user, sender_domains.set_bounce_domain, key, typed, even_sender_domain=even)
        except InvalidInput as problem:
            form.problem_of(words, problem, fields={"": "bounce_domain"})
            return domain_page(request, user, key, bounce_form=form, status=422)
        text = words.gettext(_SET, domain=key, bounces=done.bounce_domain)
    return see_other(request, f"/domains/{key}", Flash(kind="done", text=text))
