"""Import of a CSV file into the suppression list, all or nothing.

The rows that were left out are a report that a reload does not lose.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Request
from psycopg2.extensions import connection as Connection
from starlette.responses import Response

from ses_ops.application.ports import Actor
from ses_ops.application.suppression_import import COLUMNS
from ses_ops.application.suppressions import KeptReport
from ses_ops.application.suppressions import import_file as import_suppressions
from ses_ops.audience.import_outcome import ImportOutcome
from ses_ops.audience.rejected_rows import RejectedRows, unpacked_beginning
from ses_ops.console.access import changes_console
from ses_ops.console.actor import actor_of
from ses_ops.console.database import changing, reading
from ses_ops.console.file_errors import check_encoding, problem_of
from ses_ops.console.flash import Flash
from ses_ops.console.forms import Form, see_other
from ses_ops.console.language import N_, Language, language_of
from ses_ops.console.page import render
from ses_ops.console.suppression.list import REASONS
from ses_ops.console.suppression.reports import KINDS, SHOWN
from ses_ops.console.uploads.file_form import LARGEST_FILE, FileForm, FileFormDep
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import BadCsv, InvalidInput
from ses_ops.storage.audience import imports
from ses_ops.storage.audience.imports import KEPT_DAYS

router = APIRouter()

_LONGEST_FILE_NAME = 200
#: Most reports of earlier imports that are listed.
_LISTED = 10
_EXAMPLE = "address,reason,note,expires\nann@example.com,unsubscribe,,\nben@example.com,manual,"


@router.get("/suppression/import", dependencies=[Depends(changes_console)])
def import_form(request: Request) -> Response:
    """An empty form."""
    return _form_page(request, Form.of(reason=SuppressionReason.MANUAL.value, address_column=""))


@router.post("/suppression/import", dependencies=[Depends(changes_console)])
def import_file(request: Request, user: GetUserDep, posted: FileFormDep) -> Response:
    """Import the file. Rows that were left out are stored as a report and shown; without any, redirect to the list."""
    form, words = posted.form, language_of(request)
    if problem := _file_problem(posted, words):
        form.problem("file", problem)
    if form.text("reason") not in REASONS:
        form.problem("reason", words.gettext("Choose one of the reasons."))
    check_encoding(words, form)
    if form.errors:
        return _form_page(request, form, status=422)
    file_name = posted.name.replace("\0", "")[-_LONGEST_FILE_NAME:]
    kept = KeptReport(id=uuid4(), file_name=file_name, rows=RejectedRows())
    try:
        with changing() as conn:
            done = _import(conn, actor_of(user), posted, kept)
    except InvalidInput as problem:
        _say(form, problem, words)
        return _form_page(request, form, status=422, failed=kept.id)
    if done.rejected:
        return see_other(request, f"/suppression/reports/{kept.id}")
    return see_other(request, "/suppression", Flash(kind="done", text=_done(done, words)))


def _import(conn: Connection, actor: Actor, posted: FileForm, kept: KeptReport) -> ImportOutcome:
    return import_suppressions(
        conn,
        actor,
        posted.blocks(),
        where=posted.name,
        delimiter=None,
        address_column=posted.form.text("address_column") or None,
        encoding=posted.form.text("encoding") or None,
        reason=posted.form.text("reason"),
        now=datetime.now(UTC),
        report=kept.rows.add,
        file_columns=kept.rows.name_columns,
        kept=kept,
    )


def _file_problem(posted: FileForm, words: Language) -> str | None:
    if posted.too_large:
        return words.gettext(
            "The file is larger than %(most)s MB. Split it, or ask an administrator to run: ses suppression import",
            most=words.number(LARGEST_FILE // 2**20),
        )
    return None if posted.file else words.gettext("Choose a file.")


def _say(form: Form, problem: InvalidInput, words: Language) -> None:
    """Write the error of the file beside its field, or beside the field of the address column."""
    if isinstance(problem, BadCsv):
        field, text = problem_of(words, problem)
        form.problem(field if field == "address_column" else "file", text)
    elif problem.field:
        text = N_("The column %(name)s is not known here. Take it out; known are the address, %(columns)s.")
        form.problem("file", words.gettext(text, name=problem.field, columns=", ".join(COLUMNS)))
    else:
        form.problem_of(words, problem, fields={"": "file"})


def _done(done: ImportOutcome, words: Language) -> str:
    return words.ngettext(
        "%(num)s address was read, %(changed)s of them new on the list.",
        "%(num)s addresses were read, %(changed)s of them new on the list.",
        done.read,
        changed=words.number(done.added),
    )


def _form_page(request: Request, form: Form, *, status: int = 200, failed: UUID | None = None) -> Response:
    """The form; after a failed import with the invalid rows of its file."""
    words = language_of(request)
    with reading() as conn:
        report = imports.find(conn, str(failed)) if failed else None
        content = imports.report_of(conn, str(failed)) if failed else None
        earlier = imports.of_suppression_list(conn, limit=_LISTED)
    return render(
        request,
        "suppression/import.html",
        status=status,
        form=form,
        choices=[(value, words.gettext(text)) for value, text in REASONS.items()],
        report=report if report and report.rejected else None,
        rejected=unpacked_beginning(content, SHOWN),
        earlier=[one for one in earlier if one != report],
        kinds=KINDS,
        kept_days=KEPT_DAYS,
        example=_EXAMPLE + words.gettext("asked by phone") + ",2030-01-31",
    )
