"""Preview of a chosen file: its encoding, columns and first rows.

The upload page requests it when a file is chosen, with the file's beginning (all of a workbook). Nothing is stored.
"""

from __future__ import annotations

import threading
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from ses_ops.application.file_preview import FileLook, beginning, look_at
from ses_ops.application.group_import import refuse_other_columns
from ses_ops.audience.csv.faults import CsvFault
from ses_ops.console import file_errors
from ses_ops.console.access import changes_console
from ses_ops.console.database import reading
from ses_ops.console.groups.upload import check_fields, file_options
from ses_ops.console.language import language_of
from ses_ops.console.page import fragment
from ses_ops.console.uploads.file_form import LARGEST_FILE, FileForm, FileFormDep
from ses_ops.domain.template_variables import variable_name
from ses_ops.errors import BadCsv, SesError
from ses_ops.storage.audience import recipients

router = APIRouter()

#: Most previews at a time in one process: each reads some megabytes.
_AT_ONCE = threading.BoundedSemaphore(4)


@router.post("/new-group/look", dependencies=[Depends(changes_console)])
def look_new(request: Request, posted: FileFormDep) -> Response:
    """The preview of a file for a new group."""
    return _look(request, posted, None)


@router.post("/groups/{name}/look", dependencies=[Depends(changes_console)])
def look(request: Request, name: str, posted: FileFormDep) -> Response:
    """The preview of a file for an existing group."""
    return _look(request, posted, name)


def _look(request: Request, posted: FileForm, group: str | None) -> Response:
    form = posted.form
    check_fields(request, form)
    if posted.file is None and not posted.too_large:
        raise HTTPException(400)
    found = None
    if not form.errors:
        if not _AT_ONCE.acquire(blocking=False):
            raise HTTPException(503)
        try:
            found = _read(posted, group)
        except SesError as problem:
            form.problem(*file_errors.problem_of(language_of(request), problem))
        finally:
            _AT_ONCE.release()
    return fragment(request, "groups/upload_preview.html", every=0, found=found, form=form, columns=_columns(found))


def _read(posted: FileForm, group: str | None) -> FileLook:
    if posted.too_large:
        raise BadCsv(CsvFault.LARGE_WORKBOOK, most=LARGEST_FILE // 1024**2)
    blocks = beginning(posted.blocks())
    found = look_at(lambda: blocks, where=posted.name, **file_options(posted.form))
    if group is not None and posted.form.text("mode") == "add":
        with reading() as conn:
            known = recipients.find_group(conn, group)
        if known.recipient_count:
            refuse_other_columns(found.header, known.variables, posted.name)
    return found


def _columns(found: FileLook | None) -> list[dict[str, Any]]:
    """The file's columns for the page; `plain` is a column's name unless a person chooses another."""
    if found is None:
        return []
    header = found.header
    return [
        {
            "written": written,
            "name": name,
            "is_address": place == header.address,
            "renamed": place != header.address and variable_name(written) != name,
        }
        for place, (written, name) in enumerate(zip(header.written, header.columns, strict=True))
        if place not in header.ours
    ]
