"""Pages of an import into a group: progress, result, report, cancel."""

from __future__ import annotations

from uuid import UUID

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from psycopg2.extensions import connection as Connection
from starlette.responses import Response

from ses_ops import settings
from ses_ops.application import groups
from ses_ops.application.exports import export_rejected
from ses_ops.application.group_fit import Misfit, misfits
from ses_ops.audience.rejected_rows import unpacked_beginning
from ses_ops.console import file_errors
from ses_ops.console.access import changes_console, reads_shared, visible
from ses_ops.console.actor import actor_of
from ses_ops.console.csv_download import unpacked_csv
from ses_ops.console.database import reading
from ses_ops.console.door import change
from ses_ops.console.flash import Flash
from ses_ops.console.forms import see_other
from ses_ops.console.language import N_, language_of
from ses_ops.console.page import fragment, render
from ses_ops.errors import NotFound
from ses_ops.storage.audience import imports
from ses_ops.storage.audience.imports import ImportRecord, ImportState

router = APIRouter()

#: Most rejected rows on the page; the report has all of them.
SHOWN = 10


@router.get("/imports/{id}", dependencies=[Depends(reads_shared)])
def import_page(request: Request, id: str, user: GetUserDep) -> Response:
    """The page of an import: its progress or its result."""
    with reading() as conn:
        record = _find(conn, id)
        packed = imports.report_of(conn, record.id) if record.report_rows else None
        unfit = _misfits(conn, record, user)
    return render(
        request,
        "groups/import.html",
        record=record,
        problem=file_errors.problem_of_record(language_of(request), record),
        reasons=file_errors.REASONS,
        rejected=unpacked_beginning(packed, SHOWN),
        misfits=unfit,
        kept_days=imports.KEPT_DAYS,
    )


@router.get("/live/imports/{id}", dependencies=[Depends(reads_shared)])
def import_live(request: Request, id: str) -> Response:
    """The progress of an import. An unknown import may begin soon: its form is being sent."""
    with reading() as conn:
        record = imports.find(conn, str(_uuid(id)))
    problem = file_errors.problem_of_record(language_of(request), record) if record else None
    over = record is not None and record.state is not ImportState.RUNNING
    return fragment(request, "groups/import_progress.html", every=0 if over else 1, record=record, problem=problem)


@router.post("/imports/{id}/stop", dependencies=[Depends(changes_console)])
def stop(request: Request, id: str, user: GetUserDep) -> Response:
    """Cancel an import within a second, whichever process runs it."""
    with reading() as conn:
        record = _find(conn, id)
    asked = change(user, groups.stop_import, record)[0].changed
    words = language_of(request)
    text = N_("The import is stopped within a moment.") if asked else N_("The import was over already.")
    return see_other(request, f"/imports/{record.id}", Flash(kind="note", text=words.gettext(text)))


@router.get("/imports/{id}/rejected.csv", dependencies=[Depends(reads_shared)])
def rejected_csv(id: str, user: GetUserDep) -> Response:
    """The report of rejected rows."""
    with reading() as conn:
        record = _find(conn, id)
        packed = imports.report_of(conn, record.id)
    if packed is None:
        raise HTTPException(404)
    export_rejected(actor_of(user), group=record.group_name, file=record.file_name)
    return unpacked_csv(packed, f"{record.group_name}-rejected.csv")


def _misfits(conn: Connection, record: ImportRecord, user: BaseUser) -> list[Misfit]:
    """The tasks whose template does not fit the group after the import, of those that the person may see."""
    if record.group_name is None or record.state is not ImportState.IMPORTED:
        return []
    try:
        found = misfits(conn, record.group_name, settings.templates_root())
    except NotFound:
        return []
    seen = visible(user, (one.task for one in found))
    return [one for one in found if one.task in seen]


def _find(conn: Connection, id: str) -> ImportRecord:
    record = imports.find(conn, str(_uuid(id)))
    if record is None or record.group_name is None:
        raise HTTPException(404)
    return record


def _uuid(id: str) -> UUID:
    try:
        return UUID(id)
    except ValueError:
        raise HTTPException(404) from None
