"""Import of a CSV file into the suppression list: all of it or nothing, and a report of the rows that were left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.console import audit, import_words
from ses_ops.console.access import changes_console
from ses_ops.console.database import changing
from ses_ops.console.file_form import LARGEST_FILE, FileForm, FileFormDep
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, see_other
from ses_ops.console.import_words import problem_of
from ses_ops.console.language import N_, Language, language_of
from ses_ops.console.page import render
from ses_ops.console.pages.suppression import REASONS
from ses_ops.domain.csv_delimiter import guess_delimiter
from ses_ops.domain.csv_rows import Rejected
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import BadCsv, InvalidInput
from ses_ops.storage.suppression_import import COLUMNS, SuppressionImport, import_suppressions

router = APIRouter()

#: Rejected rows that the report shows; a file with more of them has one mistake, not a thousand.
MOST_SHOWN = 200
#: Why rows are left out, in words.
KINDS: dict[str, str] = {
    **import_words.REASONS,
    "bad reason": N_("The reason is not known"),
    "bad expiry": N_("The end cannot be"),
}
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
        _say(form, problem, words)
        return _form_page(request, form, status=422, report=report)
    if report.kinds:
        return render(request, "suppression_imported.html", done=done, report=report, name=posted.name, kinds=KINDS)
    return see_other(request, "/suppression", Flash(kind="done", text=_done(done, words)))


def _file_problem(posted: FileForm, words: Language) -> str | None:
    if posted.too_large:
        return words.gettext(
            "The file is larger than %(most)s MB. Split it, or ask an administrator to run: ses suppression import",
            most=words.number(LARGEST_FILE // 2**20),
        )
    return None if posted.file else words.gettext("Choose a file.")


def _say(form: Form, problem: InvalidInput, words: Language) -> None:
    """What is wrong with the file, beside its field or that of the address column."""
    if isinstance(problem, BadCsv):
        field, text = problem_of(words, problem)
        form.problem(field if field == "address_column" else "file", text)
    elif problem.field:
        text = N_("The column %(name)s is not known here. Take it out; known are the address, %(columns)s.")
        form.problem("file", words.gettext(text, name=problem.field, columns=", ".join(COLUMNS)))
    else:
        form.problem_of(words, problem, fields={"": "file"})


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
        kinds=KINDS,
        example=_EXAMPLE + words.gettext("asked by phone") + ",2030-01-31",
    )
