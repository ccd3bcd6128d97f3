"""The review before a mailing: everything that is set, what may not be meant, and exactly this mail to oneself."""

from __future__ import annotations

import re

import pytest

from tests.console.console_world import visible_text

FORM = {
    "name": "spring",
    "type": "scheduled",
    "start_at": "2099-03-01T09:00",
    "time_zone": "Asia/Tokyo",
    "template": "hello",
    "group": "customers",
    "sender": "Example Shop <news@mail.example.com>",
    "subject": "Spring, {{ name }}",
    "reply_to": "ask@example.com",
    "unsubscribe_url": "https://shop.example.com/u?n={{ name }}",
    "advertisement": "before",
    "start_grace": "90m",
    "on_unknown": "resend",
}


@pytest.fixture
def tests(monkeypatch):
    """Test sends that were started."""
    from ses_ops.orchestration import test_send_runs

    orders = []
    monkeypatch.setattr(test_send_runs, "dag_state", lambda: test_send_runs.DagState.READY)
    monkeypatch.setattr(test_send_runs, "start", lambda order, run_id, by: orders.append(order))
    return orders


def test_everything_that_is_set_is_shown(world, user):
    world.group("customers", 3)
    text = visible_text(user.post("/new-task/review", **FORM).text)
    for fact in (
        "Sender Example Shop <news@mail.example.com>",
        "Reply-to address ask@example.com",
        "Subject Spring, {{ name }}",
        "Advertisement mark [AD] before the subject",
        "Unsubscribe address https://shop.example.com/u?n={{ name }}",
        "Start Sun, Mar 1, 2099 9:00 AM (Asia/Tokyo)",
        "Time zone Asia/Tokyo",
        "A start may be late by 1 hr 30 min",
        "Mail in doubt after a crash is sent again",
    ):
        assert fact in text.replace("\u202f", " "), fact
    plain = {**FORM, "reply_to": "", "unsubscribe_url": "", "advertisement": "none", "subject": ""}
    text = visible_text(user.post("/new-task/review", **plain).text)
    for fact in (
        "Reply-to address none: answers go to the sender",
        "Subject Subject of the template",
        "Advertisement mark none",
        "Unsubscribe address none",
    ):
        assert fact in text, fact


def test_a_link_that_is_not_https_is_warned_of(world, user):
    world.group("customers", 3)
    warning = "The unsubscribe address is not https"
    for url, warned in (
        ("http://shop.example.com/u", True),
        ("HTTP://shop.example.com/u", True),
        ("https://shop.example.com/u", False),
        ("mailto:leave@shop.example.com", False),
        ("", False),
    ):
        text = visible_text(user.post("/new-task/review", **{**FORM, "unsubscribe_url": url}).text)
        assert (warning in text) is warned, url


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (
            {"start_at": "2035-03-25T02:30", "time_zone": "Europe/Berlin"},
            "start_at",
            "02:30 does not exist in Europe/Berlin",
        ),
        ({"start_at": "2020-03-01T09:00"}, "start_at", "2020-03-01 09:00 Asia/Tokyo has passed"),
        ({"unsubscribe_url": "http://x"}, "unsubscribe_url", "'x' is no host name with a dot"),
        ({"unsubscribe_url": "https://localhost/u"}, "unsubscribe_url", "'localhost' is no host name with a dot"),
        ({"reply_to": "ask@shop"}, "reply_to", "it has no dot in it"),
    ],
    ids=["skipped", "passed", "host", "localhost", "reply"],
)
def test_what_cannot_be_meant_is_told_beside_its_field(change, field, words, world, user):
    world.group("customers", 3)
    answer = user.post("/new-task/review", **{**FORM, **change})
    assert answer.status_code == 422
    told = re.search(rf'id="{field}-error">([^<]*)<', answer.text)
    assert told is not None
    assert words in visible_text(told[1])
    japanese = user.post("/new-task/review", headers={"Accept-Language": "ja"}, **{**FORM, **change})
    assert re.search(rf'id="{field}-error">[^<]*[ぁ-ん]', japanese.text)


@pytest.mark.parametrize(("start", "twice"), [("2035-10-28T02:30", True), ("2035-10-28T03:30", False)])
def test_a_time_that_comes_twice_is_said(start, twice, world, user):
    world.group("customers", 3)
    text = visible_text(user.post("/new-task/review", **{**FORM, "start_at": start, "time_zone": "Europe/Berlin"}).text)
    assert ("The clock of Europe/Berlin shows this time twice on that day; the first one is meant." in text) is twice


def test_exactly_this_mail_is_sent_to_oneself_and_nothing_else_happens(world, user, tests):
    world.group("customers", 3)
    page = user.post("/new-task/review", **FORM).text
    assert 'action="/ses/new-task/test"' in page
    answer = user.post("/new-task/test", **FORM, test_recipients="me@example.com")
    assert answer.status_code == 200
    assert "The test send is on its way." in visible_text(answer.text)
    assert re.search(r'href="/ses/test-sends/console__[^"]*" target="_blank"', answer.text)
    assert "Create the task" in answer.text, "the review is still there"
    (order,) = tests
    assert (order.recipients, order.sender, order.subject) == (["me@example.com"], FORM["sender"], FORM["subject"])
    assert (order.reply_to, order.unsubscribe_url) == (FORM["reply_to"], FORM["unsubscribe_url"])
    assert (order.advertisement, dict(order.values)) == ("before", {"name": "Person 1"})
    assert world.rows("SELECT count(*)::int FROM send_task") == [(0,)]
    (row,) = world.audit_log()
    assert (row["event"], row["extra"]["of_task"]) == ("ses_test_send", "spring")


@pytest.mark.parametrize(
    ("to", "quota", "words"),
    [
        ("", 100, "Write at least one address"),
        ("nobody", 100, "has no @"),
        ("a@x.example, b@x.example", 1, "has room for 1 more messages"),
        (", ".join(f"a{n}@x.example" for n in range(21)), 100, "at most 20 are possible"),
    ],
    ids=["nobody", "typo", "quota", "many"],
)
def test_a_test_that_cannot_be_sent_says_why_and_keeps_the_review(to, quota, words, world, user, tests, monkeypatch):
    import json

    from tests.integration.sending_world import quota as variable

    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(variable(quota)))
    world.group("customers", 3)
    answer = user.post("/new-task/test", **FORM, test_recipients=to)
    assert answer.status_code == 422
    assert words in visible_text(answer.text)
    assert "Create the task" in answer.text
    assert not tests


def test_an_edit_can_be_tried_on_oneself_with_the_values_of_who_is_left(world, user, tests):
    from tests.console.test_edit_task_page import opened
    from tests.integration.sending_world import quota as variable
    from tests.recording_smtp import RecordingServer

    world.quota_variable = variable(4)
    with RecordingServer() as server:
        world.smtp_uri = server.uri
        world.seed("hello", count=10)
        world.whole_run(world.run("hello"))
    form = {**opened(user, "hello"), "subject": "Corrected, {{ name }}", "test_recipients": "me@example.com"}
    answer = user.post("/tasks/hello/edit/test", **form)
    assert answer.status_code == 200, visible_text(answer.text)
    assert "Save the changes" in answer.text
    (order,) = tests
    assert (order.subject, dict(order.values)) == ("Corrected, {{ name }}", {"name": "Person 5"})
    assert world.rows("SELECT subject FROM send_task") == [(None,)]
