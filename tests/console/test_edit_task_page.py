"""Editing a send task: what can still change, and that nobody's change is lost."""

from __future__ import annotations

import re

import pytest

from tests.console.console_world import visible_text
from tests.console.test_new_task_page import error, value

NEVER = "2099-01-01 09:00"


@pytest.fixture
def told(monkeypatch):
    from ses_ops.orchestration import control

    heard: list[dict] = []
    monkeypatch.setattr(control, "update_dags", lambda **what: heard.append(what))
    return heard


def opened(client, name: str) -> dict[str, str]:
    """The fields of the form as the page shows them."""
    page = client.get(f"/tasks/{name}/edit").text
    names = set(re.findall(r'<(?:input|select)[^>]* name="(\w+)"', page))
    return {one: value(page, one) for one in names}


def test_the_form_shows_the_task_and_saving_it_untouched_changes_nothing(world, user, told):
    definition = {
        "type": "recurring",
        "start_at": "2099-03-01 09:00",
        "cron": "0 9 * * MON",
        "until": "2099-12-01 00:00",
        "time_zone": "Asia/Tokyo",
        "subject": "For {{ name }}",
        "reply_to": "a@example.com",
        "unsubscribe_url": "https://example.com/u",
        "advertisement": "after",
        "start_grace": "90m",
        "on_unknown": "resend",
    }
    world.seed("weekly", **definition)
    form = opened(user, "weekly")
    assert form["start_at"] == "2099-03-01T09:00"
    assert form["start_grace"] == "90m"
    assert (form["repeat"], form["cron"]) == ("cron", "0 9 * * MON")
    assert user.post("/tasks/weekly/edit", **form).status_code == 303
    assert "Nothing was changed in weekly." in user.text("/tasks")
    assert not told


def test_a_change_is_looked_at_first_then_saved_told_and_recorded(world, user, told):
    world.seed("later", type="scheduled", start_at=NEVER)
    form = {**opened(user, "later"), "subject": "Another", "start_at": "2098-01-01T10:00"}
    world.execute("UPDATE recipient_group SET variables = '{}'")
    (world.templates / "hello" / "body.html").write_text("<p>Hello</p>")
    review = user.post("/tasks/later/edit/review", **form)
    assert review.status_code == 200, visible_text(review.text)
    assert "Save the changes" in review.text
    assert "Jan 1, 2098" in review.text
    assert world.rows("SELECT subject FROM send_task") == [(None,)]
    assert user.post("/tasks/later/edit", **form).status_code == 303
    assert "The send task later is changed." in user.text("/tasks")
    assert world.rows("SELECT name, subject FROM send_task") == [("later", "Another")]
    assert told == [{"created": [], "changed": ["later"]}]
    (row,) = world.audit_log()
    assert row["event"] == "ses_change_task"
    assert row["extra"]["changed"] == ["schedule", "subject"]


def test_a_name_in_the_form_renames_nothing_and_touches_no_other_task(world, user, told):
    world.seed("later", type="scheduled", start_at=NEVER)
    world.seed("other", type="scheduled", start_at=NEVER, subject="Mine")
    form = {**opened(user, "later"), "name": "other", "subject": "Yours"}
    assert user.post("/tasks/later/edit", **form).status_code == 303
    assert world.rows("SELECT name, subject FROM send_task ORDER BY 1") == [("later", "Yours"), ("other", "Mine")]


def test_who_was_quicker_is_not_overwritten_without_a_word(world, user, told):
    world.seed("later", type="scheduled", start_at=NEVER)
    mine = {**opened(user, "later"), "subject": "Mine"}
    assert user.post("/tasks/later/edit", **{**opened(user, "later"), "subject": "Theirs"}).status_code == 303
    for path in ("/tasks/later/edit/review", "/tasks/later/edit"):
        answer = user.post(path, **mine)
        assert answer.status_code == 422
        assert "Somebody changed this task" in visible_text(answer.text)
        assert value(answer.text, "subject") == "Mine"
    assert world.rows("SELECT subject FROM send_task") == [("Theirs",)]
    assert user.post("/tasks/later/edit", **{**mine, "seen": value(answer.text, "seen")}).status_code == 303


def test_an_error_elsewhere_does_not_hide_that_somebody_was_quicker(world, user, told):
    world.seed("later", type="scheduled", start_at=NEVER)
    mine = {**opened(user, "later"), "sender": "nonsense"}
    user.post("/tasks/later/edit", **{**opened(user, "later"), "subject": "Theirs"})
    answer = user.post("/tasks/later/edit", **mine)
    assert error(answer.text, "sender")
    fixed = {**mine, "sender": "news@mail.example.com", "seen": value(answer.text, "seen")}
    assert "Somebody changed this task" in visible_text(user.post("/tasks/later/edit", **fixed).text)


def test_a_recurring_task_can_change_between_its_occurrences_but_not_into_another_type(world, user, told):
    world.seed("weekly", type="recurring", start_at=NEVER, every="7d")
    world.execute("INSERT INTO occurrence (task_id, key, run_id) SELECT id, 'first', 'run' FROM send_task")
    form = opened(user, "weekly")
    assert user.post("/tasks/weekly/edit/review", **{**form, "subject": "New"}).status_code == 200
    answer = user.post("/tasks/weekly/edit", **{**form, "type": "scheduled"})
    assert answer.status_code == 422
    assert "has already begun to send" in visible_text(answer.text)


def test_a_cancelled_or_deleted_task_cannot_be_edited(world, user):
    world.seed("hello", type="scheduled", start_at=NEVER)
    form = opened(user, "hello")
    world.execute("UPDATE send_task SET cancelled_at = now()")
    assert user.get("/tasks/hello/edit").status_code == 409
    world.execute("UPDATE send_task SET deleted_at = now()")
    assert user.get("/tasks/hello/edit").status_code == 404
    assert user.post("/tasks/hello/edit", **form).status_code == 404
    assert world.rows("SELECT count(*)::int FROM send_task") == [(1,)], "it is not made again"


def test_the_list_offers_editing_to_who_may(world, user, viewer):
    world.seed("later", type="scheduled", start_at=NEVER)
    assert 'href="/ses/tasks/later/edit"' in user.get("/tasks").text
    assert "/tasks/later/edit" not in viewer.get("/tasks").text
