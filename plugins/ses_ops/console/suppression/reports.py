"""The report of a suppression import: page and file."""

from __future__ import annotations

from uuid import UUID

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Request
from psycopg2.extensions import connection as Connection
from starlette.responses import Response

from ses_ops.application.exports import export_rejected
from ses_ops.audience.rejected_rows import unpacked_beginning
from ses_ops.console import file_errors
from ses_ops.console.access import reads_shared
from ses_ops.console.actor import actor_of
from ses_ops.console.csv_download import unpacked_csv
from ses_ops.console.database import reading
from ses_ops.console.language import N_
from ses_ops.console.page import render
from ses_ops.storage.audience import imports
from ses_ops.storage.audience.imports import KEPT_DAYS, ImportRecord

router = APIRouter()

#: Most rejected rows on a page; the report has all of them.
SHOWN = 10
#: Texts for the reasons for which rows are left out.
KINDS: dict[str, str] = {
    **file_errors.REASONS,
    "bad reason": N_("The reason is not known"),
    "bad expiry": N_("The end cannot be"),
    "bad scope": N_("No mail is sent by this domain"),
}


@router.get("/suppression/reports/{id}", dependencies=[Depends(reads_shared)])
def report_page(request: Request, id: str) -> Response:
    """The result of an import, and the first rows that it left out."""
    with reading() as conn:
        report, content = _find(conn, id)
    rejected = unpacked_beginning(content, SHOWN)
    return render(
        request, "suppression/imported.html", report=report, rejected=rejected, kinds=KINDS, kept_days=KEPT_DAYS
    )


@router.get("/suppression/reports/{id}/rejected.csv", dependencies=[Depends(reads_shared)])
def rejected_csv(id: str, user: GetUserDep) -> Response:
    """The report as a file."""
    with reading() as conn:
        report, content = _find(conn, id)
    export_rejected(actor_of(user), report=report.id)
    return unpacked_csv(content, "suppression-rejected.csv")


def _find(conn: Connection, id: str) -> tuple[ImportRecord, bytes]:
    """An import into the suppression list that left rows out, and its report; 404 without one."""
    try:
        number = str(UUID(id))
    except ValueError:
        raise HTTPException(404) from None
    record, content = imports.find(conn, number), imports.report_of(conn, number)
    if record is None or record.group_name is not None or content is None:
        raise HTTPException(404)
    return record, content
