"""Who may make tasks and has no right to all DAGs: what they and others can do with a task, here and in Airflow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.console.console_world import visible_text
from tests.own_airflow.first_steps import visible_dags
from tests.own_airflow.people import PASSWORD, PEOPLE, Person, log_in
from tests.own_airflow.test_first_mail import ADDRESSES

pytestmark = pytest.mark.full

MAKER = PEOPLE["mina"]
WHO = f"role {MAKER}, and everybody with rights to all DAGs"
TASK = {
    "type": "triggered",
    "template": "hello",
    "sender": "Example Shop <news@mail.example.com>",
    "group": "customers",
    "time_zone": "UTC",
}


@pytest.fixture
def mina(team) -> Person:
    """She may make mailings, and has no right to all DAGs."""
    return log_in(team, "mina")


@pytest.fixture
def rival(team, admin) -> Iterator[Person]:
    """The same rights in another role, which a test may take away."""
    if admin.api("GET", "/auth/fab/v1/roles/RivalMaker").status_code == 404:
        team.ses("airflow-rights", "--team", "RivalMaker")
    body = {"username": "ravi", "email": "ravi@example.com", "first_name": "Ravi", "last_name": "Rival"}
    answer = admin.api("POST", "/auth/fab/v1/users", {**body, "roles": [{"name": "RivalMaker"}], "password": PASSWORD})
    assert answer.status_code in (200, 201), answer.text
    yield log_in(team, "ravi")
    admin.api("DELETE", "/auth/fab/v1/users/ravi")


def make(person: Person, name: str, **more: str) -> None:
    answer = person.post("/new-task", name=name, **{**TASK, **more})
    assert (answer.status_code, answer.headers.get("location")) == (303, f"/ses/tasks/{name}"), answer.text


def edited(person: Person, name: str, **changes: str) -> int:
    """The status of a change by the form."""
    form = person.get(f"/tasks/{name}/edit").text
    (seen,) = re.findall(r'name="seen" value="([^"]*)"', form)
    return person.post(f"/tasks/{name}/edit", name=name, seen=seen, **{**TASK, **changes}).status_code


def take_away(person: Person, name: str) -> None:
    assert person.post(f"/tasks/{name}/cancel", confirmed="yes").status_code == 303
    assert person.post(f"/tasks/{name}/delete", confirmed="yes").status_code == 303


def test_who_can_see_and_stop_a_task_is_said_before_it_is_made(mina, admin):
    before = visible_text(mina.post("/new-task/review", name="hers", **TASK).text)
    assert f"Who can see and stop it {WHO}" in before
    assert "Who can see and stop it everybody with rights to all DAGs" in visible_text(
        admin.post("/new-task/review", name="adas", **TASK).text
    )
    assert f'value="{MAKER}"' in mina.get("/new-task").text


def test_a_maker_sees_stops_and_deletes_their_task_and_nobody_else_without_rights_does(mina, rival, team, mail_server):
    make(mina, "hers")
    assert WHO in visible_text(mina.get("/tasks/hers").text)
    assert "send_task__hers" in visible_dags(mina)
    for path in ("/tasks/hers", "/tasks/hers/edit", "/tasks/hers/messages.csv", "/live/task/hers"):
        assert (mina.get(path).status_code, rival.get(path).status_code) == (200, 403), path
    assert "send_task__hers" not in visible_dags(rival)
    assert rival.api("GET", "/api/v2/dags/send_task__hers").status_code == 403
    assert "hers" not in rival.get("/").text + rival.get("/tasks").text + rival.get("/groups/customers").text
    refused = [rival.post(f"/tasks/hers/{act}", confirmed="yes").status_code for act in ("pause", "cancel", "delete")]
    assert refused == [403, 403, 403]
    before = sum(mail_server.accepted.values())
    run = mina.api("POST", "/api/v2/dags/send_task__hers/dagRuns", {"logical_date": None})
    assert run.status_code == 200, run.text
    run_id = run.json()["dag_run_id"]
    team.wait_for(
        lambda: mina.api("GET", f"/api/v2/dags/send_task__hers/dagRuns/{run_id}").json()["state"] == "success",
        "end of the mailing",
    )
    assert sum(mail_server.accepted.values()) == before + len(ADDRESSES)
    assert [mina.post(f"/tasks/hers/{act}").status_code for act in ("pause", "resume")] == [303, 303]
    take_away(mina, "hers")


def test_a_name_that_is_used_again_does_not_show_what_its_last_task_sent(mina, rival, team):
    make(mina, "again")
    take_away(mina, "again")
    assert mina.get("/tasks/again").status_code == 200, "a deleted task stays readable for its people"
    make(rival, "again")
    ((old,),) = team.rows("SELECT id FROM send_task WHERE name = 'again' AND deleted_at IS NOT NULL")
    assert rival.get("/tasks/again").status_code == 200
    for path in (f"/tasks/again?task={old}", f"/live/task/again?task={old}", f"/tasks/again/messages.csv?task={old}"):
        assert rival.get(path).status_code == 403, path
    assert "Deleted tasks of this name" not in rival.get("/tasks/again").text
    assert mina.get("/tasks/again").status_code == 403
    take_away(rival, "again")


def test_roles_can_be_given_and_taken_later(mina, rival, admin):
    make(mina, "shared")
    assert edited(mina, "shared", roles=f"{MAKER}, RivalMaker") == 422, "a role that she does not have"
    assert edited(mina, "shared", roles="Nobodys") == 422
    assert edited(admin, "shared", roles=f"{MAKER}, RivalMaker") == 303
    assert [person.get("/tasks/shared").status_code for person in (mina, rival)] == [200, 200]
    assert edited(admin, "shared", roles="RivalMaker") == 303
    assert [person.get("/tasks/shared").status_code for person in (mina, rival)] == [403, 200]
    assert mina.post("/tasks/shared/pause").status_code == 403
    assert edited(admin, "shared", roles="") == 303
    assert [person.get("/tasks/shared").status_code for person in (mina, rival)] == [403, 403]
    take_away(admin, "shared")


def test_a_role_that_is_deleted_takes_no_dag_away(mina, rival, team, admin):
    make(rival, "orphan")
    assert admin.api("DELETE", "/auth/fab/v1/users/ravi").status_code in (200, 204)
    assert admin.api("DELETE", "/auth/fab/v1/roles/RivalMaker").status_code in (200, 204)
    read = admin.api("GET", "/api/v2/dags/send_task__orphan").json()["last_parsed_time"]
    team.wait_for(
        lambda: admin.api("GET", "/api/v2/dags/send_task__orphan").json()["last_parsed_time"] != read,
        "another look at the DAG file",
        within=240,
    )
    errors = admin.api("GET", "/api/v2/importErrors").json()
    assert errors["total_entries"] == 0, errors
    dag = admin.api("GET", "/api/v2/dags/send_task__orphan").json()
    assert (dag["is_stale"], dag["has_import_errors"]) == (False, False)
    told = team.ses("airflow-rights")
    assert "send task orphan: Airflow has no role RivalMaker" in told.stdout
    assert edited(admin, "orphan", roles="RivalMaker", subject="Another") == 303
    take_away(admin, "orphan")


def test_a_definition_in_yaml_names_roles_that_airflow_has(mina, rival, team):
    file = team.folder / "yaml-task.yaml"
    file.write_text(json.dumps({**TASK, "name": "yaml-task", "roles": [MAKER[:-1]]}))
    wrong = team.ses("task", "apply", "yaml-task.yaml", check=False)
    assert wrong.returncode == 1
    assert f"Airflow has no role {MAKER[:-1]!r}; did you mean {MAKER}?" in wrong.stderr
    file.write_text(json.dumps({**TASK, "name": "yaml-task", "roles": [MAKER]}))
    team.ses("task", "apply", "yaml-task.yaml")
    assert MAKER in team.ses("task", "show", "yaml-task").stdout
    assert [person.get("/tasks/yaml-task").status_code for person in (mina, rival)] == [200, 403]
    team.ses("task", "edit", "yaml-task", "--roles", "RivalMaker", "--yes")
    assert rival.get("/tasks/yaml-task").status_code == 200
    take_away(rival, "yaml-task")


def test_one_command_lets_roles_see_the_console_and_says_before_what_it_would_do(team, admin):
    plugins = ("--action", "can_read", "--resource", "Plugins")
    team.run("airflow", "roles", "del-perms", "Viewer", "User", *plugins)
    victor = log_in(team, "victor")
    team.wait_for(lambda: victor.api("GET", "/api/v2/plugins").status_code == 403, "old right of a Viewer", within=60)
    assert victor.api("GET", "/api/v2/plugins").status_code == 403
    told = team.ses("airflow-rights", "--team", "Letters", "--dry-run").stdout
    assert "role Letters: would be made" in told
    assert "role Viewer: would be given can_read on Plugins" in told
    assert admin.api("GET", "/auth/fab/v1/roles/Letters").status_code == 404
    try:
        done = json.loads(team.ses("airflow-rights", "--team", "Letters", "--json").stdout)
        assert done["new_roles"] == ["Letters"]
        assert {"role": "User", "action": "can_read", "resource": "Plugins"} in done["rights"]
        assert team.ses("airflow-rights", "--team", "Letters").stdout.startswith("every role has what it needs already")
        body = {"username": "lea", "email": "lea@example.com", "first_name": "Lea", "last_name": "Letters"}
        admin.api("POST", "/auth/fab/v1/users", {**body, "roles": [{"name": "Letters"}], "password": PASSWORD})
        lea = log_in(team, "lea")
        assert lea.api("GET", "/api/v2/plugins").status_code == 200
        assert visible_dags(lea) == {"ses_test_send"}
        make(lea, "leas")
        assert visible_dags(lea) == {"ses_test_send", "send_task__leas"}
        docs = lea.api("GET", "/api/v2/dags/send_task__leas/details").json()["doc_md"]
        assert "[Open in the mail console](/ses/tasks/leas)" in docs
        take_away(lea, "leas")
        team.wait_for(lambda: victor.api("GET", "/api/v2/plugins").status_code == 200, "right of a Viewer", within=60)
    finally:
        admin.api("DELETE", "/auth/fab/v1/users/lea")
