"""The record of the running stack's processes, for the next start after a SIGKILL.

The next start ends the processes that the killed supervisor left behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import psutil

from ses_ops.stack.places import Places, write_private_json
from ses_ops.stack.processes import Component, ProcessIdentity, descendants, end_all, session_members


def write_down(places: Places, components: Iterable[Component]) -> None:
    """Record the identity (pid and time of creation) of every component and of every descendant of this process."""
    known = {one.identity.pid: one.identity for one in components}
    for process in descendants():
        try:
            identity = ProcessIdentity(name=process.name(), pid=process.pid, created=process.create_time())
            known.setdefault(process.pid, identity)
        except psutil.Error:
            continue
    write_private_json(places.pids, [asdict(one) for one in known.values()])


def end_leftovers(places: Places) -> int:
    """End the processes that an earlier supervisor of this SES_HOME left running; returns their number.

    PostgreSQL is left to `EmbeddedPostgres`, which shuts it down in an orderly way.
    """
    recorded = _recorded(places.pids)
    found = {one.pid: one for one in (identity.find() for identity in recorded) if one}
    for process in list(found.values()):
        found.update((one.pid, one) for one in descendants(process.pid))
    # Children that began after the last record are still in the session of a component and in Airflow's folder.
    oldest = min((one.created for one in recorded), default=0.0)
    # The kernel reuses no number of a session that has members: another process of that pid means an ended session.
    sessions = [one.pid for one in recorded if one.pid in found or not psutil.pid_exists(one.pid)]
    for process in session_members(sessions):
        if _works_in(process, places.airflow) and process.create_time() >= oldest:
            found[process.pid] = process
    ended = [one for one in found.values() if not _is_postgres(one)]
    end_all(ended, seconds=10)
    places.pids.unlink(missing_ok=True)
    return len(ended)


def _recorded(path: Path) -> list[ProcessIdentity]:
    try:
        return [ProcessIdentity(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()) == folder.resolve()
    except (psutil.Error, OSError):
        return False


def _is_postgres(process: psutil.Process) -> bool:
    try:
        return process.name() == "postgres"
    except psutil.Error:
        return True
