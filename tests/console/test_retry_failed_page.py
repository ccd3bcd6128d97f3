"""Retry failed: a question first, with how many of which code, and who is left out."""

from __future__ import annotations

import re

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.orchestration import control
from tests.console.console_world import visible_text
from tests.recording_smtp import RecordingServer

ANSWERS = {
    1: b"550 5.1.1 no such user",
    2: b"550 5.1.1 no such user",
    3: b"554 5.6.0 <b>no</b>",
    4: b"552 5.3.4 too big",
}


@pytest.fixture
def runs(monkeypatch):
    started: list[str] = []
    monkeypatch.setattr(control, "start_run", lambda name, kind=None: started.append(name) or "run")
    return started


@pytest.fixture
def failed(world):
    """Eight messages: two hard bounces, which are suppressed, and two refusals of other kinds."""
    with RecordingServer(lambda to: ANSWERS.get(int(to.partition("@")[0].partition("-")[2]))) as server:
        world.smtp_uri = server.uri
        world.seed("hello", count=8)
        world.whole_run(world.run("hello"))
        assert world.states() == {"sent": 4, "failed": 4}
        server.refuse = None
        yield world


def test_it_asks_first_how_many_of_which_code(failed, user, runs):
    answer = user.post("/tasks/hello/retry-failed", back="/tasks/hello")
    assert answer.status_code == 200
    text = visible_text(answer.text)
    assert "2 messages can be tried again" in text
    assert "2 messages are left out: their addresses are on the suppression list. They stay failed." in text
    assert " 550 2 2 0 " in text
    assert re.search(r"554 1 0 1 .*552 1 0 1 |552 1 0 1 .*554 1 0 1 ", text)
    assert "<b>no" not in answer.text
    assert re.search(r'value="550" disabled', answer.text)
    assert failed.states() == {"sent": 4, "failed": 4}
    assert not failed.audit_log()
    assert not runs


def test_the_codes_that_are_ticked_are_tried_again_and_no_other(failed, user, runs):
    answer = user.post("/tasks/hello/retry-failed", back="/tasks/hello", confirmed="yes", chosen="yes", code="554")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ses/tasks/hello")
    assert "1 failed message of hello is tried again." in user.text("/tasks/hello")
    assert failed.states() == {"sent": 4, "failed": 3, "requeued": 1}
    assert runs == ["hello"]
    (row,) = failed.audit_log()
    assert row["extra"] == {"task": "hello", "codes": [554], "count": 1}
    assert failed.whole_run(failed.run("hello", RunKind.RESUME)).sent == 5
    failed.check_ledger()


@pytest.mark.parametrize("code", [{}, {"code": "x"}, {"code": "99999"}])
def test_nothing_ticked_is_asked_again(code, failed, user, runs):
    answer = user.post("/tasks/hello/retry-failed", confirmed="yes", chosen="yes", **code)
    assert answer.status_code == 422
    assert "Choose at least one line." in visible_text(answer.text)
    assert not runs


def test_a_task_of_which_nothing_failed_says_so(world, user):
    world.seed("hello")
    assert "No message has failed." in visible_text(user.post("/tasks/hello/retry-failed").text)
