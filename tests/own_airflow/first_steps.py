"""What a team's administrator does after the installation, by the requests that Airflow's own forms make."""

from __future__ import annotations

import csv
import json
from typing import Any

from tests.own_airflow.people import Person
from tests.own_airflow.team_airflow import TeamAirflow
from tests.recording_smtp import RecordingServer

#: What Airflow's form for SMTP stores when nobody has touched its extra fields.
UNTOUCHED_EXTRA: dict[str, Any] = {
    "timeout": 30,
    "retry_limit": 5,
    "disable_tls": False,
    "disable_ssl": False,
    "auth_type": "basic",
    **dict.fromkeys(("from_email", "subject_template", "html_content_template", "access_token")),
    **dict.fromkeys(("client_id", "client_secret", "tenant_id", "scope")),
}
#: A form of the console.
TASK = {
    "type": "immediate",
    "template": "hello",
    "sender": "Example Shop <news@mail.example.com>",
    "group": "customers",
    "time_zone": "UTC",
}


def connect_database(airflow: TeamAirflow, admin: Person) -> None:
    """Admin, Connections, Add: `ses_db`."""
    _put_connection(admin, airflow.postgres.connection("ses_db"))


def connect_relay(admin: Person, server: RecordingServer, daily: int = 1_000_000) -> None:
    """Admin, Connections, Add: `ses_smtp`; Admin, Variables, Add: `ses_warmup_quota`, so many messages a day."""
    quota = {"mail.example.com": {"plan": [daily], "started_on": "2026-01-01", "time_zone": "UTC"}}
    fields = {"connection_id": "ses_smtp", "conn_type": "smtp", "host": "127.0.0.1", "port": server.port}
    _put_connection(admin, {**fields, "extra": json.dumps(UNTOUCHED_EXTRA)})
    answer = admin.api("POST", "/api/v2/variables", {"key": "ses_warmup_quota", "value": json.dumps(quota)})
    assert answer.status_code == 201, answer.text


def _put_connection(admin: Person, fields: dict[str, Any]) -> None:
    answer = admin.api("POST", "/api/v2/connections", fields)
    assert answer.status_code == 201, answer.text


def import_group(airflow: TeamAirflow, name: str, addresses: list[str]) -> None:
    """A file of addresses with a name each."""
    with (airflow.folder / f"{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("email", "name"), *((one, one.split("@")[0]) for one in addresses)])
    airflow.ses("group", "import", name, f"{name}.csv")


def make_task(person: Person, name: str, **changes: str) -> None:
    """New send task, Create the task."""
    answer = person.post("/new-task", **{**TASK, "name": name, **changes})
    assert answer.status_code == 303, answer.text


def visible_dags(person: Person) -> set[str]:
    """The DAGs that Airflow shows to somebody."""
    answer = person.api("GET", "/api/v2/dags?limit=1000")
    assert answer.status_code == 200, (person.name, answer.text)
    return {dag["dag_id"] for dag in answer.json()["dags"]}
