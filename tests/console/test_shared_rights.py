"""Rights on single DAGs against every route: what none, a foreign DAG's, or one task's shows of everybody's mail."""

from __future__ import annotations

import pytest

from tests.console.access_table import Line
from tests.console.console_world import OWN_PAGE, PREFIX, visible_text
from tests.console.test_access import CHANGING, LINES

FOREIGN = "team_report"
#: Rules that a right to read one task meets, for that task.
OF_ONE_TASK = {"signed_in", "enters_console", "reads_task"}
#: What stands nowhere for people without a right to it: names, a subject, domains and addresses of the other task.
SECRETS = ("giraffes", "zebra", "Very secret subject", "secret.example", "partner-", "1,234", "1234")


@pytest.fixture
def only(monkeypatch):
    """`only({dag_id: methods})`: everybody has these rights on DAGs and no other."""
    from airflow.api_fastapi.app import get_auth_manager

    manager = type(get_auth_manager())

    def only(given):
        def is_authorized_dag(self, *, method, access_entity=None, details=None, **more):
            if details is None or details.id is None:
                return bool(given)  # a list of DAGs: who may see one may ask for it
            return method in given.get(details.id, "")

        monkeypatch.setattr(manager, "is_authorized_dag", is_authorized_dag)

    return only


@pytest.fixture
def two_tasks(world):
    """`hello`, and `zebra`, of whose mail nothing may be seen."""
    world.group("giraffes", 1234)
    world.execute("UPDATE recipient SET address = 'partner-' || address")
    world.seed("hello")
    world.seed("zebra", group="giraffes", sender="Secret <news@secret.example>", subject="Very secret subject")
    world.outcome("zebra", sent=1200, failed=34)
    return world


def asked(client, route: str, line: Line):
    method = route.partition(" ")[0]
    content = {"data": line.form} if method in CHANGING else {}
    return client.http.request(method, PREFIX + line.path, headers=OWN_PAGE, **content)


@pytest.mark.parametrize("given", [{}, {FOREIGN: "GET"}, {FOREIGN: "GET PUT POST DELETE"}], ids=["none", "read", "all"])
def test_a_right_to_no_dag_of_ours_opens_no_route(given, two_tasks, user, only):
    only(given)
    got = {route: asked(user, route, line) for route, line in LINES.items() if line.rule != "writes_quota"}
    expected = {route: 200 if LINES[route].rule == "signed_in" else 403 for route in got}
    assert {route: answer.status_code for route, answer in got.items()} == expected
    assert not [route for route, answer in got.items() if route != "GET /static/{name}" and shown(answer)]
    assert two_tasks.audit_log() == []


def test_a_foreign_dags_tab_says_only_that_it_sends_no_mail(two_tasks, user, only):
    only({FOREIGN: "GET"})
    for path in (f"/dag/{FOREIGN}", f"/run/{FOREIGN}/manual__1"):
        answer = user.get(path)
        assert answer.status_code == 200
        assert "This DAG sends no mail" in answer.text
        assert not shown(answer)
    for path in ("/dag/send_task__zebra", "/dag/send_task__never-was", "/run/send_task__zebra/x", "/dag/ses_test_send"):
        assert user.get(path).status_code == 403, path


def test_a_right_to_one_task_opens_its_pages_and_shows_nothing_of_the_others(two_tasks, user, only):
    only({"send_task__hello": "GET"})
    got = {route: asked(user, route, line) for route, line in LINES.items() if line.rule != "writes_quota"}
    wrong = {
        route: answer.status_code
        for route, answer in got.items()
        if (answer.status_code == 403) is (LINES[route].rule in OF_ONE_TASK) and route != "POST /bulk-tasks"
    }
    assert wrong == {}
    assert got["POST /bulk-tasks"].status_code == 403, "the task may be seen and not paused"
    told = {route: shown(answer) for route, answer in got.items() if route != "GET /static/{name}"}
    assert {route: words for route, words in told.items() if words} == {}


def test_a_right_to_one_task_is_enough_to_stop_it_and_not_to_change_what_it_sends(two_tasks, user, only):
    only({"send_task__hello": "GET PUT DELETE"})
    assert user.post("/tasks/hello/pause").status_code == 303
    assert user.get("/tasks/hello/edit").status_code == 403
    page = user.get("/tasks/hello").text
    assert "/tasks/hello/edit" not in page
    assert "/groups" not in page, "no link to a page that may not be seen"
    assert "customers" in page, "the group is a fact of the task"
    assert user.post("/tasks/hello/cancel", confirmed="yes").status_code == 303
    assert user.post("/tasks/hello/delete", confirmed="yes").status_code == 303


def test_reading_what_is_shared_shows_no_task_and_changes_nothing(two_tasks, user, only):
    only({"ses_test_send": "GET"})
    for path in ("/groups", "/groups/giraffes", "/suppression", "/templates", "/templates/hello", "/domains", "/"):
        assert user.get(path).status_code == 200, path
    assert "Very secret subject" not in user.get("/tasks").text + user.get("/").text + user.get("/templates/hello").text
    refused = user.post("/suppression/add", addresses="ann@example.com", reason="manual")
    assert refused.status_code == 403
    assert "for who may trigger the DAG ses_test_send" in visible_text(refused.text)


def test_who_may_trigger_and_not_read_may_nothing(two_tasks, user, only):
    only({"ses_test_send": "PUT POST"})
    assert [user.get(path).status_code for path in ("/", "/groups", "/new-task")] == [403, 403, 403]


def test_what_changes_people_belongs_to_a_dag_in_airflows_audit_log(world, user):
    """Rows of no DAG are shown to whoever may see audit rows at all, of whichever DAG."""
    world.seed("hello")
    user.post("/suppression/add", addresses="ann@example.com", reason="manual")
    user.post("/tasks/hello/pause")
    assert [row["dag_id"] for row in world.audit_log()] == ["ses_test_send", "send_task__hello"]


def shown(answer) -> list[str]:
    text = visible_text(answer.text) + answer.headers.get("content-disposition", "")
    return [secret for secret in SECRETS if secret in text]
