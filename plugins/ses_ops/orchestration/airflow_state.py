"""Checks of an Airflow for `ses doctor`: version, components, DAG files of ses-ops."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Literal, NamedTuple

from ses_ops.orchestration.airflow_versions import airflow_version, untried
from ses_ops.orchestration.control import dag_import_errors, dag_switches, metadata_session
from ses_ops.orchestration.dag_files import OUR_FILES, copies

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Components by their names in Airflow's health: the command that starts one, and what does not happen without it.
_COMPONENTS = {
    "scheduler": ("airflow scheduler", "no send task starts"),
    "dag_processor": ("airflow dag-processor", "new and changed send tasks are not read"),
}


class Finding(NamedTuple):
    """One line of the report."""

    state: Literal["ok", "warn", "FAIL"]
    text: str


def findings() -> Iterator[Finding]:
    """Every problem that was found, or one line that there is none. Raises SesError for an unusable Airflow."""
    switches = dag_switches()
    problems = [*_versions(), *_components(), *_files()]
    yield from problems
    if not any(one.state == "FAIL" for one in problems):
        yield Finding("ok", f"Airflow {airflow_version()}, no import error; {len(switches)} send task DAGs")


def _versions() -> Iterator[Finding]:
    if sentence := untried():
        yield Finding("warn", sentence)


def _components() -> Iterator[Finding]:
    from airflow.api.common.airflow_health import get_airflow_health

    health = get_airflow_health()
    for name, (command, without) in _COMPONENTS.items():
        if health[name]["status"] != "healthy":
            yield Finding("FAIL", f"`{command}` does not run: {without}")


def _files() -> Iterator[Finding]:
    for problem in dag_import_errors():
        if PurePath(problem.file).name in OUR_FILES or problem.of_ours:
            yield Finding("FAIL", f"{problem.file} cannot be imported: {problem.error}")
    with metadata_session() as session:
        places = sorted(copies(session))
    if not places:
        yield Finding(
            "FAIL", f"Airflow knows no DAG file of ses-ops: {', '.join(OUR_FILES)} belong in one of its DAG bundles"
        )
    elif len(places) > 1:
        named = ", ".join(f"{bundle}:{folder}" for bundle, folder in places)
        yield Finding(
            "warn", f"the DAG files of ses-ops are there several times ({named}); the one that was read last wins"
        )
