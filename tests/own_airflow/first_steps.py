"""What a team's administrator does after the installation, by the requests that Airflow's own forms make."""

from __future__ import annotations

import json
from typing import Any

from tests.own_airflow.people import Person
from tests.own_airflow.team_airflow import TeamAirflow
from tests.recording_smtp import RecordingServer

#: The warm-up of the sender domain: no limit that these tests reach.
QUOTA = {"mail.example.com": {"plan": [1_000_000], "started_on": "2026-01-01", "time_zone": "UTC"}}


def connect_database(airflow: TeamAirflow, admin: Person) -> None:
    """Admin, Connections, Add: `ses_db`."""
    _put_connection(admin, airflow.postgres.connection("ses_db"))


def connect_relay(admin: Person, server: RecordingServer) -> None:
    """Admin, Connections, Add: `ses_smtp`; Admin, Variables, Add: `ses_warmup_quota`."""
    extra = json.dumps({"tls": "none"})
    fields = {"connection_id": "ses_smtp", "conn_type": "smtp", "host": "127.0.0.1", "port": server.port}
    _put_connection(admin, {**fields, "extra": extra})
    answer = admin.api("POST", "/api/v2/variables", {"key": "ses_warmup_quota", "value": json.dumps(QUOTA)})
    assert answer.status_code in (201, 409), answer.text


def _put_connection(admin: Person, fields: dict[str, Any]) -> None:
    answer = admin.api("POST", "/api/v2/connections", fields)
    assert answer.status_code == 201, answer.text


def visible_dags(person: Person) -> set[str]:
    """The DAGs that Airflow shows to somebody."""
    answer = person.api("GET", "/api/v2/dags?limit=1000")
    assert answer.status_code == 200, (person.name, answer.text)
    return {dag["dag_id"] for dag in answer.json()["dags"]}
