"""The list of keys, the form of a new one, the page that shows its secret once, and the end of a key."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import api_keys
from ses_ops.console.access import may_write_quota, reads_shared, writes_quota
from ses_ops.console.database import reading
from ses_ops.console.door import change
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other
from ses_ops.console.keys.snippets import snippets
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import render
from ses_ops.console.quota_snapshot import DOMAINS
from ses_ops.domain.api_key import ANY_DOMAIN, MOST_PER_SECOND, Scope
from ses_ops.errors import Conflict, InvalidInput, NotSetUp

router = APIRouter()

SCOPES: dict[str, str] = {
    Scope.SEND.value: N_("send messages"),
    Scope.READ.value: N_("read messages, events and statistics"),
    Scope.MANAGE.value: N_("everything: also tasks, groups, suppressions, templates and quota"),
}


@router.get("/keys", dependencies=[Depends(reads_shared)])
def keys(request: Request, user: GetUserDep) -> Response:
    """All keys, and how a program begins with one."""
    with reading() as conn:
        found = api_keys.list_keys(conn)
    valid = next((one.id for one in found if one.revoked_at is None), "ID")
    example = snippets(id=valid, secret="SECRET", sender_domain=_domain(()), recipient=_recipient(user))  # noqa: S106
    return render(
        request, "keys/list.html", keys=found, snippets=example, scopes=SCOPES, may_write=may_write_quota(user)
    )


@router.get("/new-key", dependencies=[Depends(writes_quota)])
def new_key(request: Request) -> Response:
    """The form."""
    return _form_page(request, Form({"name": [""], "per_second": [""], "scope": [Scope.SEND.value], "domain": []}))


@router.post("/new-key", dependencies=[Depends(writes_quota)])
def make_key(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Make the key, and show its secret: this once."""
    words = language_of(request)
    try:
        domains = form.all("domain") or [ANY_DOMAIN]
        made, _ = change(
            user,
            api_keys.create_key,
            form.text("name"),
            form.all("scope"),
            domains,
            _per_second(form.text("per_second")),
        )
    except (InvalidInput, Conflict, NotSetUp) as problem:
        names = {"name": "name", "scopes": "scope", "domains": "domain", "per_second": "per_second"}
        form.problem_of(words, problem, fields=names)
        return _form_page(request, form, status=422)
    example = snippets(
        id=made.key.id, secret=made.secret, sender_domain=_domain(made.key.domains), recipient=_recipient(user)
    )
    return render(request, "keys/secret.html", key=made.key, secret=made.secret, snippets=example)


@router.post("/keys/{key}/revoke", dependencies=[Depends(writes_quota)])
def revoke(request: Request, key: str, user: GetUserDep, form: PostedDep) -> Response:
    """Revoke a key, after a question."""
    words = language_of(request)
    if not form.checked("confirmed"):
        with reading() as conn:
            found = api_keys.find_key(conn, key)
        return render(request, "keys/confirm.html", key=found)
    change(user, api_keys.revoke_key, key)
    return see_other(request, "/keys", Flash(kind="done", text=words.gettext("The key is revoked.")))


def _form_page(request: Request, form: Form, *, status: int = 200) -> Response:
    context: dict[str, Any] = {"form": form, "scopes": SCOPES, "domains": _domains(), "most": MOST_PER_SECOND}
    return render(request, "keys/new.html", status=status, **context)


def _domains() -> list[str]:
    """The sender domains of the quota Variable."""
    return sorted(quota.domain for quota in DOMAINS.get().quotas)


def _domain(of_key: frozenset[str] | tuple[str, ...]) -> str:
    """A sender domain that a key may use, for an example."""
    named = sorted(one for one in of_key if one != ANY_DOMAIN)
    return next(iter(named or _domains()), "mail.example.com")


def _recipient(user: Any) -> str | None:
    """The person's own address, where the login has one."""
    return getattr(user, "email", None)


def _per_second(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInput("api_key_per_second_not_usable", field="per_second")
    return int(text)
