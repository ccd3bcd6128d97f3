"""Resume, pause and cancel: offered where they do something, refused in words where they would undo what is settled."""

from __future__ import annotations

import json

import pytest

from ses_ops.application import task_decisions
from ses_ops.cli.main import run as run_cli
from ses_ops.console.database import forget_snapshots
from ses_ops.domain.occurrence import RunKind
from tests.actors import ANYBODY
from tests.integration.sending_world import quota
from tests.recording_smtp import RecordingServer


@pytest.fixture
def mailing(world, monkeypatch):
    """A task of six messages; `allow(n)` is the quota of the day."""

    def allow(count: int) -> None:
        world.quota_variable = quota(count)
        monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(count)))
        forget_snapshots()

    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    with RecordingServer() as server:
        world.smtp_uri, world.allow = server.uri, allow
        world.seed("hello", count=6)
        yield world


def due(world):
    return world.rows("SELECT due_at, cached_at FROM chunk WHERE state = 'cached' ORDER BY id")


def over_quota(mailing) -> None:
    """Cached yesterday, and due in a while: a run that came now would find nothing and put it off by a day."""
    mailing.allow(4)
    mailing.whole_run(mailing.run("hello"))
    mailing.execute("UPDATE chunk SET cached_at = now() - interval '20 hours', due_at = now() + interval '4 hours'")


def test_what_waits_for_quota_has_no_resume_and_is_not_put_back_by_a_press(mailing, user, capsys):
    over_quota(mailing)
    before = due(mailing)
    for path in ("/tasks", "/tasks/hello", "/live/task/hello"):
        assert "/hello/resume" not in user.get(path).text, path
    user.post("/tasks/hello/resume")  # of a page that is older
    assert "Nobody paused hello: it waits for quota, and goes on by itself at" in user.text("/tasks")
    assert run_cli(["task", "resume", "hello"]) == 0
    said = capsys.readouterr().out
    assert "nobody paused it: today's quota of 4" in said
    assert "nothing was changed" in said
    mailing.whole_run(mailing.run("hello", RunKind.RESUME))
    assert due(mailing) == before


def test_a_resume_after_a_pause_leaves_what_waits_for_quota_its_time_and_says_so(mailing, user):
    over_quota(mailing)
    before = due(mailing)
    user.post("/tasks/hello/pause")
    mailing.conn.rollback()
    assert mailing.overview("hello").next_run_at is None, "nothing of it goes on by itself"
    assert "/hello/resume" in user.get("/tasks/hello").text
    user.post("/tasks/hello/resume")
    assert "hello is resumed: it waits for quota, and goes on by itself at" in user.text("/tasks")
    mailing.whole_run(mailing.run("hello", RunKind.RESUME))
    assert due(mailing) == before


def test_a_quota_that_was_raised_can_be_used_at_once(mailing, user):
    over_quota(mailing)
    mailing.allow(100)
    for path in ("/tasks", "/tasks/hello"):
        assert "Send within today&#39;s quota" in user.get(path).text, path
    user.post("/tasks/hello/resume")
    assert "hello goes on." in user.text("/tasks")
    assert mailing.whole_run(mailing.run("hello", RunKind.RESUME)).sent == 6


def test_room_that_older_mail_of_others_has_first_call_on_is_none(mailing, user):
    over_quota(mailing)
    mailing.seed("other")
    mailing.freeze(mailing.run("other"))
    mailing.execute("UPDATE chunk SET cached_at = now() - interval '21 hours' WHERE first_seq = 1 AND state = 'cached'")
    mailing.allow(4 + 6)
    assert "/hello/resume" not in user.get("/tasks/hello").text
    mailing.allow(4 + 6 + 1)
    assert "/hello/resume" in user.get("/tasks/hello").text


def test_what_the_server_put_off_is_tried_now(mailing, user, monkeypatch):
    monkeypatch.setattr("ses_ops.sending.chunk.deferred.RETRY_DELAYS", ())
    mailing.allow(100)
    with RecordingServer(lambda _: b"452 4.2.2 mailbox full") as full:
        reachable, mailing.smtp_uri = mailing.smtp_uri, full.uri
        mailing.whole_run(mailing.run("hello"))
    assert mailing.overview("hello").status == "retrying"
    page = user.text("/tasks/hello")
    assert "Try now" in page
    assert "the next try is" in page
    mailing.smtp_uri = reachable
    user.post("/tasks/hello/resume")
    assert mailing.whole_run(mailing.run("hello", RunKind.RESUME)).sent == 6


@pytest.mark.parametrize("act", ["cancel", "pause", "resume"])
def test_what_has_finished_keeps_its_status_and_says_why_in_the_console_and_on_the_command_line(
    mailing, user, act, capsys
):
    mailing.allow(100)
    mailing.whole_run(mailing.run("hello"))
    why = "has finished: nothing of it is left to be stopped or to go on"
    assert run_cli(["task", act, "hello"]) == 1
    assert why in capsys.readouterr().err
    user.post(f"/tasks/hello/{act}", confirmed="yes")
    assert why in user.text("/tasks")
    assert f"/hello/{act}" not in user.get("/tasks").text
    overview = mailing.overview("hello")
    assert (overview.status, overview.sent_count, overview.reason) == ("finished", 6, None)


def test_a_cancel_or_a_pause_that_comes_too_late_changes_nothing_of_what_was_sent(mailing):
    """The last messages were leaving: all of it arrived, so it has finished."""
    mailing.allow(100)
    run = mailing.run("hello")
    mailing.freeze(run)
    for chunk in mailing.reserve(run).chunk_ids:
        mailing.send(chunk, run)
    mailing.execute("UPDATE send_task SET cancelled_at = now(), paused_at = now(), paused_reason = 'late'")
    mailing.settle(run)
    overview = mailing.overview("hello")
    assert (overview.status, overview.sent_count, overview.cancelled_count) == ("finished", 6, 0)


def test_a_triggered_task_never_ends_and_can_be_cancelled_between_two_starts(mailing, user):
    mailing.allow(100)
    mailing.execute("UPDATE send_task SET type = 'triggered'")
    mailing.whole_run(mailing.run("hello", RunKind.TRIGGERED))
    assert mailing.overview("hello").status == "waiting"
    user.post("/tasks/hello/cancel", confirmed="yes")
    overview = mailing.overview("hello")
    assert (overview.status, overview.cancelled_count) == ("cancelled", 0)


def test_a_retry_of_failed_mail_leaves_what_waits_for_quota_its_time(mailing):
    over_quota(mailing)
    mailing.execute("UPDATE chunk SET last_seq = 6, first_seq = 5 WHERE state = 'cached'")
    mailing.execute(
        "UPDATE message SET state = 'failed' WHERE seq = 5;"
        " UPDATE chunk SET pending = pending - 1, failed = 1 WHERE state = 'cached'"
    )
    before = due(mailing)
    assert task_decisions.retry_failed(mailing.conn, ANYBODY, "hello").count == 1
    mailing.whole_run(mailing.run("hello", RunKind.RESUME))
    assert due(mailing) == before
    assert mailing.overview("hello").cached_count == 2


def test_a_cancelled_task_promises_no_next_start(mailing, user, capsys):
    mailing.execute("UPDATE send_task SET type = 'recurring', every = '1d', start_at = now() + interval '1 day'")
    assert "Next starts" in user.text("/tasks/hello")
    user.post("/tasks/hello/cancel", confirmed="yes")
    assert "Next starts" not in user.text("/tasks/hello")
    assert run_cli(["task", "show", "hello", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["next_starts"], facts["next_run_at"], facts["status"]) == ([], None, "cancelled")
    assert facts["reason"].startswith("cancelled by ")
