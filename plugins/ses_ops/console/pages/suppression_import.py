"""Import of a CSV file into the suppression list: all of it or nothing, and a report of the rows that were left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console import audit
from ses_ops.console.access import changes_console
from ses_ops.console.database import changing
from ses_ops.console.file_form import LARGEST_FILE, FileForm, FileFormDep
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, see_other
from ses_ops.console.language import Language, language_of
from ses_ops.console.page import render
from ses_ops.console.pages.suppression import REASONS
from ses_ops.domain.csv_delimiter import guess_delimiter
from ses_ops.domain.csv_rows import Rejected
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import InvalidInput
from ses_ops.storage.suppression_import import SuppressionImport, import_suppressions

router = APIRouter()

#: Rejected rows that the report shows; a file with more of them has one mistake, not a thousand.
MOST_SHOWN = 200
_EXAMPLE = "address,reason,note,expires\nann@example.com,unsubscribe,,\nben@example.com,manual,"


@dataclass
class _Report:
    """The rows that were left out."""

    shown: list[Rejected] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, rejected: Rejected) -> None:
        self.kinds[rejected.kind] += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(rejected)


@router.get("/suppression/import", dependencies=[Depends(changes_console)])
def import_form(request: Request) -> Response:
    """An empty form."""
    return _form_page(request, Form.of(reason=SuppressionReason.MANUAL.value, address_column=""))


@router.post("/suppression/import", dependencies=[Depends(changes_console)])
def import_file(request: Request, user: GetUserDep, posted: FileFormDep) -> Response:
    """Read the file. What was left out is shown; with nothing left out, back to the list."""
    form, words = posted.form, language_of(request)
    if problem := _file_problem(posted, words):
        form.problem("file", problem)
    if form.text("reason") not in REASONS:
        form.problem("reason", words.gettext("Choose one of the reasons."))
    if form.errors:
        return _form_page(request, form, status=422)
    report = _Report()
    delimiter, blocks = guess_delimiter(posted.blocks())
    try:
        with audit.recorded(user, "import_suppression", file=posted.name) as facts, changing() as conn:
            done = import_suppressions(
                conn,
                blocks,
                where=posted.name,
                delimiter=delimiter,
                address_column=form.text("address_column") or None,
                reason=form.text("reason"),
                now=datetime.now(UTC),
                added_by=user.get_name(),
                report=report.add,
            )
            facts.update(read=done.read, changed=done.changed, rejected=report.kinds.total())
    except InvalidInput as problem:
        form.problem("file", _said(problem, posted.name, words))
        return _form_page(request, form, status=422, report=report)
    if report.kinds:
        return render(request, "suppression_imported.html", done=done, report=report, name=posted.name)
    return see_other(request, "/suppression", Flash(kind="done", text=_done(done, words)))


def _file_problem(posted: FileForm, words: Language) -> str | None:
    if posted.too_large:
        return words.gettext(
            "The file is larger than %(most)s MB. Split it, or ask an administrator to run: ses suppression import",
            most=words.number(LARGEST_FILE // 2**20),
        )
    return None if posted.file else words.gettext("Choose a file.")


def _said(problem: InvalidInput, name: str, words: Language) -> str:
    """What is wrong with the file, with the field of this page in place of the command line's option."""
    text = str(problem).removeprefix(f"{name}: ")
    if "--address-column" in text:
        text += " " + words.gettext("(here: the field “Column with the address”)")
    return text[:1].upper() + text[1:]


def _done(done: SuppressionImport, words: Language) -> str:
    return words.ngettext(
        "%(num)s address was read, %(changed)s of them new on the list.",
        "%(num)s addresses were read, %(changed)s of them new on the list.",
        done.read,
        changed=words.number(done.changed),
    )


def _form_page(request: Request, form: Form, *, status: int = 200, report: _Report | None = None) -> Response:
    words = language_of(request)
    return render(
        request,
        "suppression_import.html",
        status=status,
        form=form,
        choices=[(value, words.gettext(text)) for value, text in REASONS.items()],
        report=report or _Report(),
        example=_EXAMPLE + words.gettext("asked by phone") + ",2030-01-31",
    )
