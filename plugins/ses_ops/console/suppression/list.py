"""Pages of the suppression list: search, add, remove, export."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application import suppressions
from ses_ops.application.exports import export_suppressions
from ses_ops.audience.csv.cells import safe_cell
from ses_ops.console import feedback_labels
from ses_ops.console.access import changes_console, reads_shared
from ses_ops.console.actor import actor_of
from ses_ops.console.address_field import read_addresses
from ses_ops.console.csv_download import csv_headers
from ses_ops.console.database import database_is_ready, reading, streaming
from ses_ops.console.door import change
from ses_ops.console.download import Download, check_exports
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, PostedDep, see_other, way_back
from ses_ops.console.language import N_, Language, language_of
from ses_ops.console.listing import Listing, Page
from ses_ops.console.page import render
from ses_ops.domain.address import Address, parse_address
from ses_ops.domain.suppression import SuppressionReason, read_expiry
from ses_ops.errors import InvalidInput, NotFound
from ses_ops.storage.suppression import entries as storage
from ses_ops.storage.suppression.entries import MOST_LISTED, ListedSuppression
from ses_ops.storage.suppression.hashed_suppression import ERASED

router = APIRouter()

REASONS: dict[str, str] = {
    SuppressionReason.MANUAL.value: N_("by hand"),
    SuppressionReason.UNSUBSCRIBE.value: N_("unsubscribed"),
    SuppressionReason.COMPLAINT.value: N_("complaint"),
    SuppressionReason.HARD_BOUNCE.value: N_("hard bounce"),
}
#: Most addresses added by the form; more need a file.
MOST_ADDED = 200
#: Most characters of a note.
LONGEST_NOTE = 500
COLUMNS = ("address", "reason", "note", "added_at", "expires", "added_by", "scope", "source", "message")
#: The filter for entries that came from no feed.
NO_FEED = "none"
#: Characters of CSV in one block of the response.
_BLOCK = 64 * 1024


@router.get("/suppression", dependencies=[Depends(reads_shared)])
def suppression(request: Request) -> Response:
    """The list, newest first."""
    listing = _listing(request)
    with reading() as conn:
        page, has_more = _page(conn, listing)
        anything = bool(page.rows) or bool(storage.page(conn, search=None, reason=None, offset=0, limit=1)[0])
    return render(
        request,
        "suppression/list.html",
        page=page,
        anything=anything,
        reasons=REASONS,
        sources={NO_FEED: N_("a person, or the mail server"), **feedback_labels.FEEDS},
        feed_name=feedback_labels.feed_name,
        more_than=MOST_LISTED if has_more else None,
    )


@router.get("/suppression/export", dependencies=[Depends(changes_console)])
def export(request: Request, user: GetUserDep) -> Response:
    """The whole filtered list as CSV that a spreadsheet and the import of ses-ops can read."""
    listing = _listing(request)
    check_exports(user.get_name())
    asked = _asked_of(listing)
    export_suppressions(actor_of(user), **asked)
    return Download(_csv(**asked), headers=csv_headers("suppression.csv"), person=user.get_name())


@router.get("/suppression/add", dependencies=[Depends(changes_console), Depends(database_is_ready)])
def add_form(request: Request) -> Response:
    """An empty form, or one with the address of a link."""
    form = Form.of(addresses=request.query_params.get("address", ""), reason="manual", note="", expires="")
    return _add_page(request, form)


@router.post("/suppression/add", dependencies=[Depends(changes_console)])
def add(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Put addresses on the list, all or none."""
    words = language_of(request)
    addresses, problem = read_addresses(form.raw("addresses"), words, most=MOST_ADDED)
    if problem:
        form.problem("addresses", problem)
    reason, expires_at = _reason_and_expiry(request, form)
    note = form.text("note")
    if len(note) > LONGEST_NOTE:
        form.problem("note", words.gettext("At most %(most)s characters.", most=words.number(LONGEST_NOTE)))
    if form.errors or reason is None:
        return _add_page(request, form, status=422)
    more: dict[str, Any] = {"reason": reason, "note": note, "expires_at": expires_at}
    count = change(user, suppressions.add, addresses, **more)[0].count
    text = words.ngettext("%(num)s address gets no mail.", "%(num)s addresses get no mail.", count)
    if before := len(addresses) - count:
        already = words.ngettext("%(num)s was on the list already.", "%(num)s were on the list already.", before)
        text = f"{text} {already}" if count else already
    return see_other(request, "/suppression", Flash(kind="done", text=text))


@router.get("/suppression/remove", dependencies=[Depends(changes_console)])
def remove_form(request: Request) -> Response:
    """The question, with the entry and a field for the reason."""
    back = way_back(Form.of(back=request.query_params.get("back", "")), "/suppression")
    query = request.query_params
    given = {"scope": query["scope"]} if "scope" in query else {}
    form = Form.of(address=query.get("address", ""), why="", back=back, **given)
    return _remove_page(request, form, _entry(_asked(form), _scope(form)))


@router.post("/suppression/remove", dependencies=[Depends(changes_console)])
def remove(request: Request, user: GetUserDep, form: PostedDep) -> Response:
    """Remove an address from the list; the reason goes to the audit log."""
    address, why, words = _asked(form), form.text("why"), language_of(request)
    if not why:
        form.problem("why", words.gettext("Write why, for example: asked for our mail again by phone."))
    entry = _entry(address, _scope(form))
    if form.errors:
        return _remove_page(request, form, entry, status=422)
    change(user, suppressions.remove, address, why=why[:LONGEST_NOTE], scope=_scope(form))
    flash = Flash(kind="done", text=_removed(words, entry, address))
    return see_other(request, way_back(form, "/suppression"), flash)


def _reason_and_expiry(request: Request, form: Form) -> tuple[SuppressionReason | None, datetime | None]:
    words = language_of(request)
    try:
        reason = SuppressionReason(form.text("reason"))
    except ValueError:
        form.problem("reason", words.gettext("Choose one of the reasons."))
        return None, None
    if form.text("expires") and reason is not SuppressionReason.MANUAL:
        text = N_("Only an entry by hand can end; leave this empty, or choose the reason “by hand”.")
        form.problem("expires", words.gettext(text))
        return reason, None
    try:
        return reason, read_expiry(form.text("expires"), reason, now=datetime.now(UTC), where="expires")
    except InvalidInput:
        form.problem("expires", words.gettext("Write a day that is still to come, for example 2030-01-31."))
        return reason, None


def _add_page(request: Request, form: Form, *, status: int = 200) -> Response:
    choices = [(value, language_of(request).gettext(text)) for value, text in REASONS.items()]
    return render(request, "suppression/add.html", status=status, form=form, choices=choices, most=MOST_ADDED)


def _removed(words: Language, entry: storage.Suppression, address: Address) -> str:
    if entry.scope:
        return words.gettext("%(address)s gets mail of %(domain)s again.", address=address.address, domain=entry.scope)
    return words.gettext("%(address)s gets mail again.", address=address.address)


def _scope(form: Form) -> str | None:
    """The scope of the one entry that the form is about; None: all entries of the address."""
    return form.text("scope") if "scope" in form else None


def _entry(address: Address, scope: str | None) -> storage.Suppression:
    with reading() as conn:
        found = storage.find(conn, address.key, scope=scope)
    if not found:
        raise NotFound("suppressed address", address.address)
    return found[0]


def _remove_page(request: Request, form: Form, entry: storage.Suppression, *, status: int = 200) -> Response:
    back = way_back(form, "/suppression")
    return render(request, "suppression/remove.html", status=status, form=form, entry=entry, reasons=REASONS, back=back)


def _asked(form: Form) -> Address:
    """The address of the form. Raises NotFound for one that cannot be on the list."""
    text = form.text("address")
    if text.startswith(ERASED):
        return Address(text, text)
    try:
        return parse_address(text, dotless=True)
    except InvalidInput:
        raise NotFound("suppressed address", text) from None


def _listing(request: Request) -> Listing:
    return Listing.read(
        request.query_params,
        sorts=("added",),
        filters={"reason": list(SuppressionReason), "source": [NO_FEED, *feedback_labels.FEEDS]},
        descending=True,
    )


def _asked_of(listing: Listing) -> dict[str, str | None]:
    source = listing.filters.get("source")
    return {
        "search": listing.text or None,
        "reason": listing.filters.get("reason"),
        "source": "" if source == NO_FEED else source,
    }


def _page(conn: Any, listing: Listing) -> tuple[Page[ListedSuppression], bool]:
    """A page, and whether more entries match than are counted."""
    asked: dict[str, Any] = {**_asked_of(listing), "limit": listing.size}
    rows, total = storage.page(conn, **asked, offset=listing.offset)
    if not rows and listing.page > 1:
        listing = listing.at_page(1)
        rows, total = storage.page(conn, **asked, offset=0)
    return Page(listing=listing, rows=rows, total=min(total, MOST_LISTED)), total > MOST_LISTED


def _csv(*, search: str | None, reason: str | None, source: str | None) -> Generator[bytes, None, None]:
    """The file in blocks, first the byte order mark by which spreadsheets know UTF-8."""
    block = io.StringIO()
    writer = csv.writer(block, lineterminator="\r\n")
    block.write("\ufeff")
    writer.writerow(COLUMNS)
    with streaming() as conn:
        for entry in storage.stream(conn, search=search, reason=reason, source=source):
            writer.writerow(_cells(entry))
            if block.tell() > _BLOCK:
                yield block.getvalue().encode()
                block.seek(0)
                block.truncate()
    yield block.getvalue().encode()


def _cells(entry: ListedSuppression) -> tuple[str, ...]:
    ends = entry.expires_at.isoformat(timespec="seconds") if entry.expires_at else ""
    message = f"{entry.occurrence_id}.{entry.seq}" if entry.occurrence_id else ""
    return (
        *(safe_cell(entry.address), entry.reason, safe_cell(entry.note)),
        *(entry.created_at.isoformat(timespec="seconds"), ends, safe_cell(entry.added_by)),
        *(entry.scope, entry.source, message),
    )
