"""Commands that look find a task that was deleted, and say so."""

from __future__ import annotations

import pytest


@pytest.fixture
def gone(world) -> int:
    world.group("customers", 3)
    world.task("sale", group="customers")
    world.whole_run(world.run("sale"))
    world.execute("UPDATE send_task SET deleted_at = now(), cancelled_at = now()")
    ((number,),) = world.rows("SELECT id FROM send_task")
    return int(number)


def test_a_deleted_task_is_shown_with_its_messages_and_starts(ses, world, gone):
    shown = ses("task", "show", "sale")
    assert "deleted_at" in shown.out
    assert f"sale (id {gone}) was deleted" in shown.err
    assert ses("task", "show", "sale", "--json").json["sent_count"] == 3
    assert len(ses("task", "messages", "sale", "--json").json) == 3
    assert len(ses("task", "starts", "sale", "--json").json) == 1


def test_deleted_tasks_are_listed_apart(ses, world, gone):
    assert ses("task", "list", "--json").json == []
    (one,) = ses("task", "list", "--deleted", "--json").json
    assert (one["name"], one["id"]) == ("sale", gone)
    assert str(gone) in ses("task", "list", "--deleted").out
    assert ses("task", "list", "--deleted", "--status", "sending").out == "No deleted send task is sending.\n"


def test_the_task_that_has_the_name_comes_first_and_an_id_finds_the_other(ses, world, gone):
    world.task("sale", group="customers")
    assert ses("task", "messages", "sale", "--json").json == []
    assert len(ses("task", "messages", "sale", "--id", gone, "--json").json) == 3
    assert ses("task", "show", "sale").err == ""
    assert "there is no send task named 'other'" in ses("task", "show", "other", "--id", gone).err


def test_nothing_of_a_deleted_task_can_be_changed(ses, world, gone):
    for command in ("pause", "resume", "cancel", "delete", "retry-failed"):
        answer = ses("task", command, "sale")
        assert answer.code == 1
        assert "there is no send task named 'sale'" in answer.err
