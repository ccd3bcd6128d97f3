"""`/v1/suppressions`: addresses that get no mail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.problems import Refusal
from ses_ops.api.rest.access import Manages, Reads, Served, domains_asked, domains_of
from ses_ops.api.rest.answers import answer, require_match
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, body, done, listed, one_of
from ses_ops.api.rest.fields import fields_of, list_in, text_in
from ses_ops.api.rest.paging import ITEMS, Cursor, Limit, cursor_of, cut, page, position_of
from ses_ops.api.rest.query import known_query
from ses_ops.api.rest.task_examples import SUPPRESS, SUPPRESSED, SUPPRESSION
from ses_ops.application import suppressions
from ses_ops.domain.address import Address, domain_key, parse_address
from ses_ops.domain.suppression import SuppressionReason, read_expiry
from ses_ops.errors import InvalidInput, NotFound
from ses_ops.storage.suppression import entries
from ses_ops.storage.suppression.entries import SuppressionPosition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.changed import Changed
    from ses_ops.application.ports import Actor
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.storage.suppression.entries import Suppression

router = APIRouter(
    prefix="/v1/suppressions", tags=["Suppressions"], dependencies=[Depends(known_query)], responses=PROBLEMS
)

GivenAddress = Annotated[str, Path(max_length=320, description="An address.", examples=["ann@example.com"])]
_LIST = "suppressions"
#: Addresses of one request.
MOST = 1_000
#: Characters of the longest remark.
_LONGEST_NOTE = 1_000


@router.get("", summary="List suppressed addresses", responses=listed(SUPPRESSION))
async def list_all(
    request: Request,
    key: Reads,
    services: Served,
    search: Annotated[str | None, Query(max_length=320, description="Only addresses with this text in them.")] = None,
    reason: Annotated[SuppressionReason | None, Query(description="Only entries for this reason.")] = None,
    source: Annotated[str | None, Query(max_length=100, description="Only entries that this feed made.")] = None,
    domain: Annotated[
        str | None, Query(max_length=255, description="Only entries for the bulk mail of this sender domain.")
    ] = None,
    limit: Limit = ITEMS,
    cursor: Cursor = None,
) -> Response:
    """The entries, newest first. An entry with an empty `scope` stops all mail, one with a sender domain its bulk mail.

    A key of some sender domains sees their entries and those for all mail.
    """
    position = None if cursor is None else SuppressionPosition(*position_of(_LIST, cursor, datetime, str, str))
    asked: dict[str, Any] = {"search": search, "reason": reason and reason.value, "source": source}
    scopes = _scopes(key) if domain is None else list(domains_asked(key, domain) or ())
    found = await services.read(entries.entries_behind, position, **asked, scopes=scopes, limit=limit + 1)
    shown, following = cut(found, limit, lambda one: cursor_of(_LIST, *one.position))
    return answer(request, page([_entry(one) for one in shown], following))


@router.get("/{address}", summary="The entries of an address", responses=one_of({"data": [SUPPRESSION]}))
async def show(request: Request, key: Reads, services: Served, address: GivenAddress) -> Response:
    """Why an address gets no mail: its entries, first the one for all mail. 404: it gets mail."""
    found = await services.read(_of_address, key, parse_address(address, dotless=True))
    return answer(request, {"data": found})


@router.post(
    "",
    summary="Suppress addresses",
    responses=CHANGE_PROBLEMS | done(SUPPRESSED, "All of them are on the list; `count`: those that were not before."),
    openapi_extra=body(SUPPRESS),
)
async def add(request: Request, key: Manages, services: Served) -> Response:
    """Put addresses on the list for all mail, all or none. An entry is never shortened: what lasts for ever stays.

    `expires_at` (a day, or a time in UTC) is for `manual` only. The key must be for all sender domains.
    """
    _check_all_domains(key)
    given = await fields_of(request, ("addresses", "reason", "note", "expires_at"))
    addresses = _addresses(list_in(given, "addresses", most=MOST))
    known = [one.value for one in SuppressionReason]
    reason = text_in(given, "reason", most=50) or SuppressionReason.MANUAL
    if reason not in known:
        raise InvalidInput("option_not_known", value=reason, known=known, field="reason")
    expiry = text_in(given, "expires_at", most=50)
    changed = await services.change(
        key,
        suppressions.add,
        addresses,
        reason=SuppressionReason(reason),
        note=text_in(given, "note", most=_LONGEST_NOTE) or "",
        expires_at=read_expiry(expiry, reason, now=datetime.now(UTC), where="expires_at"),
    )
    return answer(request, {"changed": changed.changed, "count": changed.count}, tagged=False)


@router.delete(
    "/{address}",
    summary="Let an address get mail again",
    status_code=204,
    responses=CHANGE_PROBLEMS | {204: {"description": "Its entries are removed."}},
)
async def remove(
    request: Request,
    key: Manages,
    services: Served,
    address: GivenAddress,
    domain: Annotated[
        str | None, Query(max_length=255, description="Only its entry for the bulk mail of this sender domain.")
    ] = None,
    why: Annotated[str | None, Query(max_length=500, description="The reason, for the audit log.")] = None,
) -> Response:
    """Remove all entries of an address, or the one of a sender domain. `If-Match`: the ETag of its entries."""
    if domain is None:
        _check_all_domains(key)
    else:
        domains_asked(key, domain)
    scope = None if domain is None else domain_key(domain)
    await services.change(key, _remove, request, key, parse_address(address, dotless=True), scope, why)
    return Response(status_code=204)


def _remove(
    conn: Connection, actor: Actor, request: Request, key: ApiKey, address: Address, scope: str | None, why: str | None
) -> Changed:
    require_match(request, {"data": _of_address(conn, key, address)})
    return suppressions.remove(conn, actor, address, scope=scope, why=why)


def _of_address(conn: Connection, key: ApiKey, address: Address) -> list[dict[str, Any]]:
    scopes = _scopes(key)
    found = [one for one in entries.find(conn, address.key) if scopes is None or one.scope in scopes]
    if not found:
        raise NotFound("suppressed address", address.address)
    return [_entry(one) for one in found]


def _scopes(key: ApiKey) -> Sequence[str] | None:
    """The scopes of entries that a key may see; None: all."""
    own = domains_of(key)
    return None if own is None else ["", *sorted(own)]


def _check_all_domains(key: ApiKey) -> None:
    """Refuse a key of some sender domains: what it asks for is about all mail. Raises Refusal 403."""
    if domains_of(key) is not None:
        raise Refusal(403, "api_key_not_for_all_mail")


def _addresses(given: Sequence[Any]) -> list[Address]:
    found = []
    for place, one in enumerate(given):
        if not isinstance(one, str):
            raise InvalidInput("not_a_text", value=str(one)[:80], field=f"addresses[{place}]")
        try:
            found.append(parse_address(one))
        except InvalidInput as problem:
            raise problem.at(field=f"addresses[{place}]") from None
    return found


def _entry(one: Suppression) -> dict[str, Any]:
    return {name: getattr(one, name) for name in SUPPRESSION}
