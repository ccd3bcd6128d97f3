"""Export of a group's recipients, for those who may change the group."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends
from starlette.responses import Response

from ses_ops.application.exports import export_group
from ses_ops.application.group_export import group_csv
from ses_ops.console.access import changes_console
from ses_ops.console.actor import actor_of
from ses_ops.console.csv_download import csv_headers
from ses_ops.console.database import reading, streaming
from ses_ops.console.download import Download, check_exports
from ses_ops.storage.audience.recipients import RecipientGroup

router = APIRouter()


@router.get("/groups/{name}/recipients.csv", dependencies=[Depends(changes_console)])
def export_recipients(name: str, user: GetUserDep) -> Response:
    """The file, streamed from the database; it is never in memory as a whole."""
    check_exports(user.get_name())
    with reading() as conn:
        group = export_group(conn, actor_of(user), name)
    file = f"{name}-{datetime.now(UTC):%Y%m%d-%H%M}.csv"
    return Download(_csv(group), headers=csv_headers(file), person=user.get_name())


def _csv(group: RecipientGroup) -> Generator[bytes, None, None]:
    with streaming() as conn:
        yield from group_csv(conn, group)
