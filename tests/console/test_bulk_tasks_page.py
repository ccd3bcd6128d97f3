"""Several send tasks at once: one review, each by its own rights, a result for each."""

from __future__ import annotations

import re
from html import unescape

import pytest

from ses_ops.console.tasks import bulk_choice
from tests.console.console_world import visible_text

BULK = "/bulk-tasks"


@pytest.fixture
def several(world):
    """One that waits, one that was paused, one that is finished."""
    world.seed("waits", type="scheduled", start_at="2099-01-01 09:00")
    world.seed("stands", type="scheduled", start_at="2099-01-01 09:00")
    world.execute("UPDATE send_task SET paused_at = now(), paused_reason = 'paused by ann' WHERE name = 'stands'")
    world.seed("done")
    world.outcome("done", sent=9)
    return world


def lines(html: str) -> dict[str, str]:
    """What stands behind each task's name."""
    rows = re.findall(r"<tr><?\s*<td>(.*?)</td>(.*?)</tr>", html, re.DOTALL)
    return {visible_text(name): visible_text(rest) for name, rest in rows}


def hidden(html: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html)}


def chosen(client, action: str, *names: str, **more: str):
    return client.post(BULK, action=action, names=" ".join(names), **more)


def test_the_list_offers_it_to_those_who_may_do_something(several, user, viewer):
    html = user.get("/tasks?status=waiting").text
    assert 'name="name" value="waits"' in html
    assert 'form="bulk"' in html
    assert hidden(html)["list"] == "?status=waiting"
    assert "bulk" not in viewer.get("/tasks").text


def test_the_review_says_of_each_what_happens_and_changes_nothing(several, user):
    answer = chosen(user, "pause", "waits", "stands", "done", list="?q=s")
    assert answer.status_code == 200
    said = lines(answer.text)
    assert "will be paused" in said["waits"]
    assert "left as it is: It is finished: there is nothing to pause." in said["done"]
    assert "left as it is" in said["stands"]
    assert "Pause 1" in visible_text(answer.text)
    assert hidden(answer.text) == {
        "action": "pause",
        "list": "?q=s",
        "names": "done stands waits",
        "confirmed": "yes",
    }
    assert several.overview("waits").status == "waiting"
    assert several.audit_log() == []


def test_each_is_changed_or_not_and_the_result_is_told_for_each(several, user):
    answer = chosen(user, "pause", "waits", "stands", "done", "nobodys", confirmed="yes", reason="wrong price")
    said = lines(answer.text)
    assert said["waits"] == "paused"
    assert "nothing to pause" in said["done"]
    assert said["nobodys"] == "It is gone: it was deleted meanwhile."
    assert "1 send task is done" in visible_text(answer.text)
    assert several.overview("waits").reason == "paused by user: wrong price"
    assert several.overview("stands").reason == "paused by ann"
    assert [(row["event"], row["dag_id"]) for row in several.audit_log()] == [("ses_pause_task", "send_task__waits")]


def test_many_are_resumed_cancelled_and_deleted(several, user):
    assert lines(chosen(user, "resume", "stands", "waits", confirmed="yes").text)["stands"] == "goes on"
    assert several.overview("stands").status == "waiting"
    cancelled = lines(chosen(user, "cancel", "stands", "waits", "done", confirmed="yes").text)
    assert (cancelled["stands"], cancelled["waits"]) == ("cancelled", "cancelled")
    assert "nothing to cancel" in cancelled["done"]
    deleted = lines(chosen(user, "delete", "stands", "waits", "done", confirmed="yes").text)
    assert set(deleted.values()) == {"deleted"}
    assert several.rows("SELECT count(*) FROM send_task WHERE deleted_at IS NULL") == [(0,)]


def test_airflow_is_told_of_the_deleted(several, user, monkeypatch):
    from ses_ops.orchestration import control

    told = []
    monkeypatch.setattr(control, "forget_task", told.append)
    chosen(user, "delete", "waits", "done", "stands", confirmed="yes")
    assert told == ["done", "waits"], "the one that stands must be cancelled first"


def test_each_by_the_persons_own_rights_on_it(several, user, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    several.seed("readonly", type="scheduled", start_at="2099-01-01 09:00")
    several.seed("secret", type="scheduled", start_at="2099-01-01 09:00")
    manager = get_auth_manager()
    allowed = type(manager).is_authorized_dag

    def limited(self, *, method, details=None, **more):
        task = "" if details is None else details.id
        if task == "send_task__secret" or (task == "send_task__readonly" and method != "GET"):
            return False
        return allowed(self, method=method, details=details, **more)

    monkeypatch.setattr(type(manager), "is_authorized_dag", limited)
    said = lines(chosen(user, "cancel", "waits", "readonly", "secret", confirmed="yes").text)
    assert said["waits"] == "cancelled"
    assert said["readonly"] == "Your role in Airflow does not allow you to do this with it."
    assert said["secret"] == "It is gone: it was deleted meanwhile.", "what may not be seen is as good as absent"
    left = dict(several.rows("SELECT name, cancelled_at IS NOT NULL FROM send_task"))
    assert left == {"waits": True, "readonly": False, "secret": False, "stands": False, "done": False}
    assert chosen(user, "cancel", "readonly", confirmed="yes").status_code == 403


def test_all_tasks_of_a_search_can_be_chosen_on_every_page(world, user):
    world.group("few", 1)
    for number in range(60):
        world.task(f"task-{number:02}", group="few", type="scheduled", start_at="2099-01-01 09:00")
    world.task("another", group="few", type="scheduled", start_at="2099-01-01 09:00")
    review = user.post(BULK, action="pause", all="yes", list="?q=task-&sort=name&order=asc&page=2")
    names = hidden(review.text)["names"].split()
    assert names == [f"task-{number:02}" for number in range(60)]
    assert "Pause 60" in visible_text(review.text)
    user.post(BULK, **hidden(review.text))
    assert world.rows("SELECT count(*) FROM send_task WHERE paused_at IS NOT NULL") == [(60,)]
    assert world.overview("another").status == "waiting"


def test_more_than_can_be_done_at_once_are_done_in_turns(several, user, monkeypatch):
    monkeypatch.setattr(bulk_choice, "MOST", 2)
    monkeypatch.setattr("ses_ops.console.tasks.bulk.MOST", 2)
    review = user.post(BULK, action="delete", all="yes")
    assert "These are the first 2" in visible_text(review.text)
    assert len(hidden(review.text)["names"].split()) == 2


def test_no_selection_leads_back_to_the_list_with_a_word(several, user):
    answer = user.post(BULK, action="pause", list="?status=waiting")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ses/tasks?status=waiting")
    assert "Select at least one send task first." in user.text("/tasks")
    assert user.post(BULK, action="explode", name="waits").status_code == 400


def test_what_the_engine_refuses_at_the_last_moment_is_told_beside_the_task(several, user, monkeypatch):
    from ses_ops.application import task_decisions
    from ses_ops.errors import Conflict

    def refused(conn, actor, name):
        raise Conflict(f"send task {name!r} is being sent; try again when it has stopped")

    monkeypatch.setattr(task_decisions, "delete", refused)
    said = lines(chosen(user, "delete", "waits", "done", confirmed="yes").text)
    assert all("is being sent; try again" in text for text in said.values())
    assert "0 send tasks are done" in visible_text(chosen(user, "delete", "done", confirmed="yes").text)
