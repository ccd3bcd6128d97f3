"""What processes without Airflow need of it, copied; what they ask of it, done.

Called by `ses airflow-sync`, which is a process with Airflow's settings and its metadata database.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.application.airflow_copy import keep_quota, keep_smtp
from ses_ops.application.airflow_requests import do_requests, forget_old_requests
from ses_ops.errors import NotSetUp, SesError
from ses_ops.orchestration import audit, connections, control, quota_variable

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """What was done."""

    #: Whether the quota Variable and the mail server's connection are set; the copies say so too.
    quota: bool
    mail_server: bool
    problems: list[str]


def copy_settings(conn: Connection) -> tuple[bool, bool]:
    """Copy the quota Variable and the mail server's connection; whether each is set.

    Raises SesError when Airflow cannot be asked: then the copies stay as they are.
    """
    text = connections.quota_variable()
    keep_quota(conn, text)
    try:
        found = connections.ses_smtp()
    except NotSetUp:
        keep_smtp(conn, None)
        return text is not None, False
    keep_smtp(conn, found)
    return text is not None, True


def sync(conn: Connection) -> Synced:
    """Copy the settings, and do what is asked for."""
    # First the requests: one of them may change the Variable.
    problems = do_requests(conn, scheduler=control, plans=quota_variable, write_entries=audit.write_rows)
    quota, mail_server = copy_settings(conn)
    forget_old_requests(conn)
    return Synced(quota=quota, mail_server=mail_server, problems=problems)


def copy_quota_after_change(conn: Connection) -> None:
    """Copy the quota Variable after an edit of it, as well as that can be done: `ses_maintenance` does it too."""
    try:
        keep_quota(conn, connections.quota_variable())
    except SesError as problem:
        log.info("the copy of the quota Variable is renewed by ses_maintenance: %s", problem)
