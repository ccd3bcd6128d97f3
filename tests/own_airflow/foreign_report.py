"""Whether what the team had before us works: its own DAG, and Airflow itself."""

from __future__ import annotations

import re

from tests.own_airflow.people import Person
from tests.own_airflow.team_airflow import FOREIGN_DAG, TeamAirflow

#: What a component prints when something is wrong with it.
_COMPLAINT = re.compile(r"^Traceback|\[error\s*\]|\[critical\s*\]|\bERROR\b", re.MULTILINE)


def foreign_dag_runs(airflow: TeamAirflow, admin: Person, run_id: str) -> None:
    """The team's own DAG is triggered as its people do, and comes to its end."""
    path = f"/api/v2/dags/{FOREIGN_DAG}"
    assert admin.api("PATCH", path, {"is_paused": False}).status_code == 200
    answer = admin.api("POST", f"{path}/dagRuns", {"dag_run_id": run_id, "logical_date": None})
    assert answer.status_code == 200, answer.text

    def state() -> str | None:
        found = admin.api("GET", f"{path}/dagRuns/{run_id}").json()["state"]
        return found if found in ("success", "failed") else None

    assert airflow.wait_for(state, f"end of {FOREIGN_DAG}") == "success", airflow.last_words()


def import_errors(admin: Person) -> list[str]:
    """The DAG files that cannot be read, with the last line of why."""
    found = admin.api("GET", "/api/v2/importErrors").json()["import_errors"]
    return [f"{one['filename']}: {one['stack_trace'].strip().splitlines()[-1]}" for one in found]


def complaints(airflow: TeamAirflow) -> list[str]:
    """The lines of the components' output that tell of an error, from their newest start."""
    found = []
    for name, component in airflow.components.items():
        said = component.newest_output
        found += [f"{name}: {said[one.start() :].splitlines()[0]}" for one in _COMPLAINT.finditer(said)]
    return found
