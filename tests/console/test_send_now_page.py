"""Send now: a triggered task is started in the console, with a look ahead, its rights, and once for each form."""

from __future__ import annotations

import re

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import NotFound
from ses_ops.orchestration import control
from tests.console.console_world import visible_text
from tests.console.test_task_rights import only_edits, refuse  # noqa: F401 - fixtures
from tests.recording_smtp import RecordingServer

NEVER = "2099-01-01 09:00"


@pytest.fixture
def runs(monkeypatch):
    """Runs that Airflow was asked for, as it keeps them: one an id."""
    made: dict[str, dict] = {}

    def trigger(name: str, run_id: str, conf: dict | None = None, run_after=None) -> bool:
        if run_id in made:
            return False
        made[run_id] = conf or {}
        return True

    monkeypatch.setattr(control, "trigger_run", trigger)
    return made


def opened(client, name: str = "hello") -> dict[str, str]:
    page = client.get(f"/tasks/{name}/send-now").text
    return {"run": re.search(r'name="run" value="([^"]*)"', page)[1]}


def test_a_triggered_task_is_looked_at_and_started(world, user, runs):
    world.seed("hello", count=10, type="triggered", reply_to="ask@example.com")
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) SELECT address_key, address, 'manual'"
        " FROM recipient WHERE position = 1"
    )
    assert 'href="/ses/tasks/hello/send-now"' in user.get("/tasks/hello").text
    assert 'href="/ses/tasks/hello/send-now"' in user.get("/tasks").text
    text = user.text("/tasks/hello/send-now")
    assert "9 recipients" in text
    assert "10 in the group customers, 1 of them on the suppression list." in text
    assert "Reply-to address ask@example.com" in text
    assert "Hello Person 1" in text
    assert "Send to the whole group" not in text, "the trigger's form has no field"
    form = opened(user)
    answer = user.post("/tasks/hello/send-now", **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ses/tasks/hello")
    assert "hello starts." in user.text("/tasks/hello")
    ((run_id, conf),) = runs.items()
    assert conf == {}
    (row,) = world.audit_log()
    assert (row["event"], row["extra"]) == ("ses_send_now", {"task": "hello", "run": run_id})
    with RecordingServer() as server:
        world.smtp_uri = server.uri
        assert world.whole_run(world.run("hello", RunKind.TRIGGERED, run_id=run_id)).sent == 9


def test_the_same_form_twice_is_one_start_and_a_new_one_another(world, user, runs):
    world.seed("hello", type="triggered")
    form = opened(user)
    for _ in range(2):
        user.post("/tasks/hello/send-now", **form)
    assert "hello was started already." in user.text("/tasks/hello")
    assert len(runs) == 1
    user.post("/tasks/hello/send-now", **opened(user))
    user.post("/tasks/hello/send-now", run="resume__now")
    assert len(runs) == 3
    assert all(run_id.startswith("console__") for run_id in runs), "nobody chooses what kind of run it is"


def test_a_recurring_task_starts_once_more_only_when_it_is_ticked(world, user, runs):
    world.seed("hello", type="recurring", start_at=NEVER, every="7d")
    assert "Everybody in the group gets the mail once more" in user.text("/tasks/hello/send-now")
    answer = user.post("/tasks/hello/send-now", **opened(user))
    assert answer.status_code == 422
    assert "a start by hand is one more" in visible_text(answer.text)
    assert not runs
    user.post("/tasks/hello/send-now", **opened(user), send_to_whole_group_again="yes")
    assert list(runs.values()) == [{"send_to_whole_group_again": True}]


def test_who_may_not_start_is_offered_nothing_and_refused(world, user, viewer, runs, only_edits):  # noqa: F811
    world.seed("hello", type="triggered")
    for who in (user, viewer):
        assert "/send-now" not in who.get("/tasks/hello").text + who.get("/tasks").text
        assert who.get("/tasks/hello/send-now").status_code == 403
        assert who.post("/tasks/hello/send-now").status_code == 403
    assert not runs


@pytest.mark.parametrize(
    ("task", "change", "words"),
    [
        ({"type": "triggered"}, "paused_at = now()", "is paused; resume it first"),
        ({"type": "triggered"}, "cancelled_at = now()", "is cancelled"),
        ({"type": "scheduled", "start_at": NEVER}, "start_grace = '1 hour'", "has one start"),
    ],
    ids=["paused", "cancelled", "scheduled"],
)
def test_a_task_that_cannot_start_by_hand_says_why(world, user, runs, task, change, words):
    world.seed("hello", **task)
    world.execute(f"UPDATE send_task SET {change}")
    assert "/send-now" not in user.get("/tasks/hello").text
    for answer in (user.get("/tasks/hello/send-now"), user.post("/tasks/hello/send-now")):
        assert answer.status_code == 409
        assert words in visible_text(answer.text)
    assert not runs


def test_a_template_that_does_not_fit_is_told_before_anything_starts(world, user, runs):
    world.seed("hello", type="triggered")
    (world.templates / "hello" / "body.html").write_text("{{ city }}")
    page = user.get("/tasks/hello/send-now").text
    assert "needs city" in visible_text(page)
    assert 'id="start"' not in page


def test_a_dag_that_airflow_has_not_read_is_said(world, user, monkeypatch):
    def unread(*_, **__):
        raise NotFound("DAG", "send_task__hello")

    world.seed("hello", type="triggered")
    monkeypatch.setattr(control, "trigger_run", unread)
    answer = user.post("/tasks/hello/send-now", **opened(user))
    assert answer.status_code == 409
    assert "Airflow has not read the DAG of hello yet." in visible_text(answer.text)
