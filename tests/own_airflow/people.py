"""The people of a team with FAB, who they are allowed to be, and each one's browser by HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.own_airflow.team_airflow import ADMIN, ADMIN_PASSWORD, FOREIGN_DAG, TeamAirflow

PREFIX = "/ses"
PASSWORD = "a-password-of-the-tests"
#: What a browser says of a form of our own page.
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}

#: What somebody needs to get into Airflow's UI at all.
GETS_IN = [
    ("can_read", "Website"),
    ("menu_access", "DAGs"),
    ("can_read", "My Profile"),
]
#: A role that the team made itself, with FAB's own words: of one foreign DAG only.
READER, READER_RIGHTS = "ReportReader", [*GETS_IN, ("can_read", f"DAG:{FOREIGN_DAG}")]
#: A role of people who make mailings and have no right to all DAGs: `ses airflow-rights --team MailTeam` makes it.
MAKER = "MailTeam"
#: By name: the role.
PEOPLE = {"olga": "Op", "ursula": "User", "victor": "Viewer", "rita": READER, "mina": MAKER}


@dataclass
class Person:
    """Somebody who is logged in (or not), with the cookie that Airflow's UI would have."""

    name: str | None
    http: httpx.Client = field(repr=False)

    def get(self, path: str) -> httpx.Response:
        """A page of the console: `/tasks`."""
        return self.http.get(PREFIX + path)

    def post(self, path: str, **form: str) -> httpx.Response:
        """A form of the console's own page."""
        return self.http.post(PREFIX + path, data=form, headers=OWN_PAGE)

    def api(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Airflow's REST API: `/api/v2/dags`."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.request(method, path, json=body, headers=headers)

    @property
    def token(self) -> str:
        return self.http.cookies.get("_token") or ""


def log_in(airflow: TeamAirflow, name: str | None, password: str = PASSWORD) -> Person:
    """A new browser of a person; None is somebody without a login."""
    http = httpx.Client(base_url=airflow.url, trust_env=False, timeout=60, follow_redirects=False)
    if name is not None:
        answer = http.post("/auth/token", json={"username": name, "password": password})
        assert answer.status_code == 201, (name, answer.status_code, answer.text)
        http.cookies.set("_token", answer.json()["access_token"])
    return Person(name=name, http=http)


def administrator(airflow: TeamAirflow) -> Person:
    return log_in(airflow, ADMIN, ADMIN_PASSWORD)


def hire(admin: Person) -> None:
    """Make READER and the people, by FAB's REST API; MAKER must be there."""
    actions = [{"action": {"name": action}, "resource": {"name": resource}} for action, resource in READER_RIGHTS]
    answer = admin.api("POST", "/auth/fab/v1/roles", {"name": READER, "actions": actions})
    assert answer.status_code == 200, answer.text
    for name, role in PEOPLE.items():
        body = {
            "username": name,
            "email": f"{name}@example.com",
            "first_name": name,
            "last_name": role,
            "roles": [{"name": role}],
            "password": PASSWORD,
        }
        answer = admin.api("POST", "/auth/fab/v1/users", body)
        assert answer.status_code in (200, 201), (name, answer.text)
