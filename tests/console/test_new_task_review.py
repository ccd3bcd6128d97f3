"""The look ahead of a new send task: to how many, when, on which days, what they read; and that nothing happens yet."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from ses_ops.application.group_import import import_group
from ses_ops.console.mail_frame import MAIL_POLICY
from tests.console.console_world import visible_text
from tests.console.stopwatch import Stopwatch
from tests.console.test_new_task_page import FORM, RECURRING
from tests.integration.sending_world import quota

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def ready(world):
    """An installation with a template and a group."""
    world.group("customers", 10)
    return world


def test_the_look_ahead_says_to_how_many_and_changes_nothing(ready, user):
    ready.execute(
        "INSERT INTO suppression (address_key, address, reason) SELECT address_key, address, 'manual' FROM recipient"
        " WHERE position <= 3"
    )
    answer = user.post("/new-task/review", **FORM)
    assert answer.status_code == 200
    text = visible_text(answer.text)
    assert "7 recipients" in text
    assert "10 in the group customers, 3 of them on the suppression list." in text
    assert "The group has a column for each variable of the mail: name" in text
    assert "At once, as soon as the task exists." in text
    assert "Hello Person 1" in text
    assert "customers-1@customers.example" in text
    assert not ready.rows("SELECT 1 FROM send_task")
    assert not ready.audit_log()


def test_the_forecast_counts_what_is_cached_already(ready, user, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(4)))
    ready.seed("earlier")
    ready.outcome("earlier", cached=6)
    text = visible_text(user.post("/new-task/review", **FORM).text)
    # 4 a day. The cached 6 are due tomorrow: they take that day, and half of the day after it.
    rows = re.findall(r" 4 ([\d]+) ([\d]+) ([\d]+)(?= |$)", text[text.index("In all") : text.index("Under today")])
    assert rows == [("0", "4", "4"), ("2", "2", "6"), ("0", "4", "10")]
    assert "spreads it over 3 days. The last message leaves between" in text


def test_a_long_forecast_shows_its_beginning_and_its_end(ready, user, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(1)))
    ready.group("many", 40)
    text = visible_text(user.post("/new-task/review", **{**FORM, "group": "many"}).text)
    assert "over 40 days" in text
    assert "and 25 more days" in text


def test_a_domain_without_a_plan_is_a_warning(ready, user):
    text = visible_text(user.post("/new-task/review", **{**FORM, "sender": "news@new.example.com"}).text)
    assert "new.example.com: The Variable has no entry for this domain" in text
    assert "Until that is mended the task will show an error and send nothing." in text
    assert user.post("/new-task", **{**FORM, "sender": "news@new.example.com"}).status_code == 303


def test_the_next_five_starts_are_in_the_tasks_zone_and_in_utc_across_a_clock_change(ready, user):
    answer = user.post("/new-task/review", **{**RECURRING, "time_zone": "Europe/Berlin"})
    rows = re.findall(r"<tr><td>([^<]*)</td><td>([^<]*)</td></tr>", answer.text)
    rows = [tuple(cell.replace("\u202f", " ") for cell in row) for row in rows]
    assert len(rows) == 5
    assert rows[0] == ("Sat, Mar 28, 2099 9:00 AM", "Sat, Mar 28, 2099 8:00 AM")
    assert rows[1] == ("Sun, Mar 29, 2099 9:00 AM", "Sun, Mar 29, 2099 7:00 AM")


def test_an_end_says_that_these_are_all(ready, user):
    text = visible_text(user.post("/new-task/review", **{**RECURRING, "until": "2099-03-29T12:00"}).text)
    assert "These are all: then the end is reached." in text
    assert "Mar 30" not in text


def test_the_mail_stands_in_a_frame_that_can_run_nothing(ready, user):
    (ready.templates / "hello" / "body.html").write_text("<p>Dear {{ name }}</p><script>alert(1)</script>")
    page = user.post("/new-task/review", **FORM).text
    source = unescape(re.search(r'<iframe sandbox="" [^>]*src="/ses([^"]*)"', page)[1])
    frame = user.get(source)
    assert "Dear Person 1" in frame.text
    assert frame.headers["content-security-policy"] == MAIL_POLICY
    assert "alert(1)" not in page


def test_hostile_values_are_text(ready, user):
    name = json.dumps({"name": HOSTILE})
    ready.execute("UPDATE recipient SET values = %s", name)
    (ready.templates / "hello" / "body.txt").write_text("Dear {{ name }}")
    answer = user.post("/new-task/review", **{**FORM, "subject": "{{ name }}" + HOSTILE})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert HOSTILE in visible_text(answer.text)
    wrong = user.post("/new-task/review", **dict.fromkeys(FORM, HOSTILE))
    assert wrong.status_code == 422
    assert "<script>alert" not in wrong.text


def test_the_form_and_the_look_ahead_are_quick_with_many_tasks_and_much_cached(ready, user, postgres):
    ready.seed("task-0")
    ready.execute(
        "INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, time_zone)"
        " SELECT 'task-' || n, type, template, sender, sender_domain, group_id, 'UTC'"
        " FROM send_task, generate_series(1, 999) n"
    )
    ready.execute(
        "INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count)"
        " SELECT id, 'once', 'run', now(), 10000 FROM send_task"
    )
    ready.execute(
        "INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent,"
        " sending_through, cached_at) SELECT o.id, o.task_id, 'mail.example.com', 500 * n + 1, 500 * (n + 1), 'cached',"
        " 100, 400, 500 * n, now() FROM occurrence o, generate_series(0, 19) n"
    )
    ready.execute("ANALYZE")
    watch = Stopwatch(postgres)
    pages = {"form": lambda: user.get("/new-task"), "review": lambda: user.post("/new-task/review", **FORM)}
    for name, page in pages.items():
        assert page().status_code == 200
        assert watch.best(page, limit=0.3) < 0.3, name


def test_the_check_names_columns_that_a_template_takes_for_something_else(world, user):
    (world.templates / "hello" / "body.html").write_text("{{ name | default('there') }}{% if vip %}VIP{% endif %}")
    file = b"email,name,vip\na@b.example,,no\n"
    import_group(world.conn, "people", [file], where="f.csv", report=print)
    text = visible_text(user.post("/new-task/review", **{**FORM, "group": "people"}).text)
    assert "default() does nothing for an empty cell, and the group has some in: name." in text
    assert "{% if … %} is true for every text but an empty one" in text
    assert "such as false, no or 0 in: vip." in text
    import_group(world.conn, "people", [file], where="f.csv", report=print, empty_is_missing=True)
    assert "default() does" not in visible_text(user.post("/new-task/review", **{**FORM, "group": "people"}).text)
