"""A task that has begun is corrected: what can change, for whom, and who may; what was sent keeps its record."""

from __future__ import annotations

import re

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.orchestration import control
from tests.console.console_world import visible_text
from tests.console.test_edit_task_page import opened
from tests.console.test_task_rights import only_edits, refuse  # noqa: F401 - fixtures
from tests.integration.sending_world import DOMAIN, quota
from tests.recording_smtp import RecordingServer

OTHER = "other.example.org"


@pytest.fixture
def told(monkeypatch):
    heard: list[tuple] = []
    monkeypatch.setattr(control, "update_dags", lambda **what: heard.append(("read", what["changed"])))
    monkeypatch.setattr(control, "start_run", lambda name, kind=None: heard.append(("run", name)) or "run")
    return heard


@pytest.fixture
def server(world):
    with RecordingServer() as server:
        world.smtp_uri = server.uri
        yield server


@pytest.fixture
def half(world, server):
    """Ten messages over a quota of four."""
    world.quota_variable = {**quota(4), **quota(100, domain=OTHER)}
    world.seed("hello", count=10)
    world.whole_run(world.run("hello"))
    return world


def headers(server, name: str) -> list[str]:
    return sorted(
        line.partition(":")[2].strip()
        for content in server.contents.values()
        for line in content.decode().partition("\r\n\r\n")[0].splitlines()
        if line.lower().startswith(name.lower() + ":")
    )


def test_the_rest_of_a_task_leaves_with_another_sender_reply_address_and_template(half, server, user, told):
    (half.templates / "better").mkdir()
    (half.templates / "better" / "subject.txt").write_text("Better {{ name }}")
    (half.templates / "better" / "body.html").write_text("<p>Better, {{ name }}</p>")
    change = {"sender": f"Right <right@{OTHER}>", "reply_to": "ask@example.com", "template": "better"}
    form = {**opened(user, "hello"), **change}
    review = user.post("/tasks/hello/edit/review", **form)
    text = visible_text(review.text)
    assert review.status_code == 200, text
    assert "6 messages that have not left" in text
    assert "4 messages were sent; their record stays as it is." in text
    assert f"Sender Example <news@{DOMAIN}> Right <right@{OTHER}>" in text
    assert "Reply-to address none: answers go to the sender ask@example.com" in text
    assert "Template hello better" in text
    assert "Better Person 5" in text, "the first message that has not left"
    assert "customers-5@customers.example" in text
    frame = re.search(r'src="/ses(/tasks/hello/edit/mail[^"]*)"', review.text)[1].replace("&amp;", "&")
    assert "Better, Person 5" in user.get(frame).text
    assert half.rows("SELECT template FROM send_task") == [("hello",)], "looking changes nothing"

    assert user.post("/tasks/hello/edit", **form).status_code == 303
    assert told == [("read", ["hello"]), ("run", "hello")], "the other domain has quota left: it goes on now"
    half.whole_run(half.run("hello", RunKind.RESUME))
    assert set(server.accepted.values()) == {1}
    assert len(server.accepted) == 10
    assert headers(server, "From") == [f"Example <news@{DOMAIN}>"] * 4 + [f"Right <right@{OTHER}>"] * 6
    assert headers(server, "Reply-To") == ["ask@example.com"] * 6
    page = user.text("/tasks/hello")
    assert re.search(rf"Edition 2 .*Right <right@{OTHER}> .* 6 ", page), page
    assert re.search(rf"Edition 1 .*Example <news@{DOMAIN}> .* 4 ", page), page
    assert "replaced" in page
    assert half.rows("SELECT edition, sender, replaced_by FROM former_edition") == [
        (1, f"Example <news@{DOMAIN}>", "user")
    ]
    sent_with = (
        "SELECT a.edition, count(*)::int FROM message m JOIN attempt a ON a.id = m.attempt_id GROUP BY 1 ORDER BY 1"
    )
    assert half.rows(sent_with) == [(1, 4), (2, 6)], "each message says what it was sent with"
    half.check_ledger()


def test_a_typo_in_the_sender_of_a_task_in_error_is_mended_and_the_task_goes_on(world, server, user, told):
    world.quota_variable = quota(100)
    world.seed("hello", count=12, sender="Example <news@mial.example.com>")
    run = world.run("hello")
    world.freeze(run)
    with pytest.raises(Exception, match=r"mial\.example\.com"):
        world.reserve(run)
    page = user.get("/tasks/hello").text
    assert 'href="/ses/tasks/hello/edit"' in page
    assert 'action="/ses/tasks/hello/pause"' in page, "held, too"
    form = {**opened(user, "hello"), "sender": f"Example <news@{DOMAIN}>"}
    text = visible_text(user.post("/tasks/hello/edit/review", **form).text)
    assert "12 messages that have not left" in text
    assert "As soon as this is saved, mail goes on" in text
    assert user.post("/tasks/hello/edit", **form).status_code == 303
    assert ("run", "hello") in told
    assert world.overview("hello").error is None
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 12
    world.check_ledger()


def test_a_start_that_failed_can_be_given_another_group(world, server, user, told):
    world.seed("hello", count=3, subject="{{ nick }}")
    world.group("others", 5)
    with pytest.raises(Exception, match="nick"):
        world.freeze(world.run("hello"))
    form = {**opened(user, "hello"), "subject": "Hello {{ name }}", "group": "others"}
    assert user.post("/tasks/hello/edit", **form).status_code == 303
    assert user.post("/tasks/hello/resume").status_code == 303
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 5


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"type": "scheduled", "start_at": "2099-01-01T09:00"}, "when it starts can change no more"),
        ({"type": "triggered"}, "when it starts can change no more"),
        ({"group": "others"}, "who gets it can change no more"),
    ],
)
def test_when_it_starts_and_who_gets_it_are_over_once_it_has_begun(change, sentence, half, user, told):
    half.group("others", 5)
    page = user.get("/tasks/hello/edit").text
    assert "The task has begun; this can change no more." in visible_text(page)
    assert '<select id="group"' not in page
    for path in ("/tasks/hello/edit/review", "/tasks/hello/edit"):
        answer = user.post(path, **{**opened(user, "hello"), **change})
        assert answer.status_code == 422
        assert sentence in visible_text(answer.text)
    assert not told


def test_a_template_that_needs_what_the_frozen_audience_lacks_is_refused(half, user, told):
    (half.templates / "city").mkdir()
    (half.templates / "city" / "subject.txt").write_text("{{ name }} of {{ city }}")
    (half.templates / "city" / "body.html").write_text("<p>x</p>")
    # The group has it by now; those who are left were read before.
    half.execute("UPDATE recipient_group SET variables = '{name,city}'")
    answer = user.post("/tasks/hello/edit/review", **{**opened(user, "hello"), "template": "city"})
    assert answer.status_code == 422
    assert "needs city, which the recipients who are left have no values for" in visible_text(answer.text)


def test_a_task_of_which_all_has_left_offers_no_edit_and_refuses_one(world, server, user):
    world.seed("hello", count=3)
    world.whole_run(world.run("hello"))
    assert "/tasks/hello/edit" not in user.get("/tasks/hello").text
    answer = user.get("/tasks/hello/edit")
    assert answer.status_code == 409
    assert "all mail of send task" in visible_text(answer.text)


def test_what_failed_can_be_corrected_before_it_is_retried(world, user, told):
    with RecordingServer(lambda to: b"550 5.6.0 bad subject" if to.startswith("customers-2@") else None) as server:
        world.smtp_uri = server.uri
        world.seed("hello", count=3)
        world.whole_run(world.run("hello"))
    form = {**opened(user, "hello"), "subject": "Better"}
    text = visible_text(user.post("/tasks/hello/edit/review", **form).text)
    assert "0 messages that have not left" in text
    assert "1 message has failed; if it is retried, it leaves as changed." in text
    assert user.post("/tasks/hello/edit", **form).status_code == 303
    assert told == [("read", ["hello"])], "nothing is sent by that"
    assert world.overview("hello").status == "finished"


def test_pause_is_offered_of_everything_that_has_not_ended(half, user):
    def offers(name: str = "hello") -> bool:
        return all(f'action="/ses/tasks/{name}/pause"' in user.get(path).text for path in (f"/tasks/{name}", "/tasks"))

    assert offers(), "waits for quota"
    half.execute("UPDATE chunk SET setbacks = 1, reason = '452 try later' WHERE state = 'cached'")
    assert offers(), "retrying"
    half.execute("UPDATE send_task SET error = 'something'")
    assert offers(), "in error"
    assert user.post("/tasks/hello/pause").status_code == 303
    assert half.overview("hello").status == "paused"
    assert "something" in user.text("/tasks/hello"), "the error is still there to be read"
    assert not offers(), "it is paused already"
    half.execute("UPDATE send_task SET paused_at = NULL, error = NULL, cancelled_at = now()")
    assert not offers()


@pytest.mark.parametrize("waits", ["error", "when"])
def test_who_may_not_start_mail_makes_none_leave_by_an_edit(waits, world, server, user, told, only_edits):  # noqa: F811
    if waits == "error":
        world.quota_variable = quota(100)
        world.seed("hello", count=12)
        world.freeze(world.run("hello"))
        world.execute("UPDATE send_task SET error = 'no quota'")
        change = {"subject": "Better"}
    else:
        world.seed("hello", count=12, type="scheduled", start_at="2099-01-01")
        assert "must have the right to trigger" in visible_text(user.get("/tasks/hello/edit").text)
        change = {"type": "immediate"}
    before = world.rows("SELECT * FROM send_task")
    form = {**opened(user, "hello"), **change}
    for path in ("/tasks/hello/edit/review", "/tasks/hello/edit"):
        answer = user.post(path, **form)
        assert answer.status_code == 403
        assert "needs the right to trigger its DAG" in visible_text(answer.text)
    assert world.rows("SELECT * FROM send_task") == before
    assert not told
    (row,) = world.audit_log()
    assert row["event"] == "ses_change_task"
    assert "right to trigger" in row["extra"]["refused"]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "immediate"},
        {"type": "triggered"},
        {"start_at": "2098-01-01T09:00"},
        {"start_at": "2100-01-01T09:00"},
        {"time_zone": "Asia/Tokyo"},
        {"start_grace": "48h"},
        {"type": "recurring", "repeat": "every", "every_count": "1", "every_unit": "h"},
    ],
    ids=lambda change: "-".join(change.values()).replace(":", ""),
)
def test_every_change_of_when_mail_leaves_needs_the_right_to_start_it(change, world, user, told, only_edits):  # noqa: F811
    world.seed("hello", type="scheduled", start_at="2099-01-01")
    assert user.post("/tasks/hello/edit", **{**opened(user, "hello"), **change}).status_code == 403
    assert not told


def test_who_may_only_edit_corrects_what_waits_by_itself_and_hurries_nothing(half, user, told, only_edits):  # noqa: F811
    due = half.rows("SELECT due_at FROM chunk WHERE state = 'cached'")
    form = {**opened(user, "hello"), "subject": "Better", "sender": f"Right <right@{OTHER}>"}
    assert user.post("/tasks/hello/edit", **form).status_code == 303
    assert half.rows("SELECT due_at FROM chunk WHERE state = 'cached'") == due
    assert told == [("read", ["hello"])]


@pytest.mark.parametrize("start", ["now", "2099"])
def test_a_pause_that_ends_after_the_start_has_come_starts_mail(start, world, user, only_edits):  # noqa: F811
    world.seed("hello", type="scheduled", start_at="2099-01-01")
    assert user.post("/tasks/hello/pause").status_code == 303
    if start == "now":
        world.execute("UPDATE send_task SET start_at = now() - interval '1 minute'")
    offered = 'action="/ses/tasks/hello/resume"' in user.get("/tasks/hello").text
    status = user.post("/tasks/hello/resume").status_code
    assert (offered, status) == ((False, 403) if start == "now" else (True, 303))
