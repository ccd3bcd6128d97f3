"""The landing page: what sends, what stands still, what failed, what needs a person, messages a day."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from ses_ops.console.charts.column_chart import Column, draw
from ses_ops.console.language import language
from ses_ops.console.overview.sent_days import by_day
from ses_ops.storage.ledger.activity import SentQuarter
from tests.integration.sending_world import DOMAIN, quota

VARIABLE = "AIRFLOW_VAR_SES_WARMUP_QUOTA"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def section(client, heading: str, path: str = "/live/overview") -> str:
    """The HTML of one section by its heading."""
    html = client.get(path).text
    found = re.search(rf"<section[^>]*>\s*<h2[^>]*>{heading}</h2>(.*?)</section>", html, re.DOTALL)
    return found[1] if found else ""


def test_the_navigation_marks_where_a_page_belongs(world, user):
    world.seed("hello")
    places = {
        "/": ("page", "Overview"),
        "/tasks": ("page", "Send tasks"),
        "/tasks/hello/edit": ("true", "Send tasks"),
        "/new-task?clone=hello": ("page", "New send task"),
        "/new-group": ("true", "Recipient groups"),
        "/groups/customers": ("true", "Recipient groups"),
        f"/domains/{DOMAIN}": ("true", "Sender domains"),
        "/tasksandmore": None,
    }
    for path, place in places.items():
        found = re.findall(r'aria-current="(\w+)">([^<]+)</a></li>', user.get(path).text)
        assert found == ([place] if place else []), path


def test_a_newcomer_sees_three_steps_with_ticks_for_those_done(world, user, viewer):
    page = user.get("/").text
    assert "Your first mailing, in three steps" in page
    assert page.count('<li class="done">') == 0
    for path in ("/groups", "/first-steps/preview", "/new-task"):
        assert f'href="/ses{path}"' in page
    world.group("customers", 3)
    assert user.get("/").text.count('<li class="done">') == 1
    answer = user.get("/first-steps/preview")
    assert answer.headers["location"] == "/ses/templates"
    user.http.cookies.update(answer.cookies)
    assert user.get("/").text.count('<li class="done">') == 2
    world.seed("hello")
    assert "in three steps" not in user.text("/")
    assert 'href="/ses/new-task"' in user.get("/").text


def test_a_viewer_of_an_empty_installation_is_offered_nothing_that_is_refused(world, viewer):
    page = viewer.get("/").text
    assert "your role in Airflow does not allow you" in page
    assert "/new-task" not in page


def test_what_sends_what_is_paused_and_until_when(world, viewer, user):
    world.seed("moving")
    world.outcome("moving", sent=120, in_progress=80)
    world.seed("over-quota")
    world.outcome("over-quota", sent=5, cached=15)
    world.seed("stopped")
    world.outcome("stopped", sent=5, cached=15)
    user.post("/tasks/stopped/pause", reason="wrong price")
    for path in ("/", "/live/overview"):
        sending = section(viewer, "Sending now", path)
        assert "120 of 200 sent" in sending
        assert 'class="bar moving"' in sending
        paused = section(viewer, "Paused, and until when", path)
        assert re.search(r"over-quota.*goes on <time.*15 cached.*stopped.*until a person resumes it", paused, re.DOTALL)
        assert "wrong price" in paused
    assert "goes on" not in re.sub(r"(?s).*stopped", "", paused), "a person's pause has no end of its own"


def test_when_nothing_sends_it_says_what_is_next(world, viewer):
    world.seed("news", type="scheduled", start_at="2099-01-01 09:00", time_zone="UTC")
    text = viewer.text("/")
    assert "Nothing is being sent. The next to start is news, Jan 1, 2099" in text
    assert "Nothing is paused." in text


def test_everything_that_needs_a_person_is_named_once(world, viewer, monkeypatch):
    world.seed("doubtful")
    world.outcome("doubtful", sent=5, unknown=2)
    world.seed("broken")
    world.execute("UPDATE send_task SET error = 'no variable city' WHERE name = 'broken'")
    world.seed("late", type="scheduled", start_at="2099-01-01 09:00", time_zone="UTC")
    world.execute(
        "INSERT INTO occurrence (task_id, key, run_id, held_reason)"
        " SELECT id, 'once', 'r', 'missed its start by 3 days' FROM send_task WHERE name = 'late'"
    )
    world.seed("elsewhere", sender="Other <news@other.example>")
    monkeypatch.setenv(VARIABLE, json.dumps({**quota(7), "typo.example": {"started_on": "soon"}}))
    needs = section(viewer, "Needs a person", "/")
    assert "2 messages may have been sent or not" in needs
    assert "no variable city" in needs
    assert "missed its start by 3 days" in needs
    assert "The Variable has no entry for this domain" in needs
    assert "Must be a date such as" in needs
    assert needs.count("<li") == 5
    assert re.findall(r'href="/ses(/[^"]+)"', needs) == [
        *("/domains/other.example", "/domains/typo.example"),
        *("/tasks/broken", "/tasks/late", "/tasks/doubtful"),
    ]


def test_a_variable_that_cannot_be_read_needs_a_person_when_there_is_a_task(world, viewer, monkeypatch):
    monkeypatch.setenv(VARIABLE, "{")
    assert "not valid JSON" not in viewer.text("/"), "a newcomer has other things to do first"
    world.seed("hello")
    assert "not valid JSON" in viewer.text("/")


def test_failures_of_the_last_week_are_shown_and_older_ones_are_not(world, viewer):
    for name, age in (("fresh", "1 day"), ("old", "9 days")):
        world.seed(name)
        world.outcome(name, sent=5, failed=4)
        world.execute(
            "UPDATE chunk SET reserved_at = now() - %s::interval WHERE task_id ="
            " (SELECT id FROM send_task WHERE name = %s)",
            *(age, name),
        )
    failed = section(viewer, "Failed in the last seven days")
    assert "4 messages failed" in failed
    assert "fresh" in failed
    assert "old" not in failed


def test_tiles_count_the_tasks_by_status(world, viewer):
    world.seed("one")
    world.seed("two")
    world.outcome("two", sent=5)
    html = viewer.get("/").text
    assert re.search(r'href="/ses/tasks\?status=waiting"><strong>1</strong>', html)
    assert re.search(r'href="/ses/tasks\?status=finished"><strong>1</strong>', html)


def test_a_person_sees_only_what_belongs_to_tasks_that_they_may_see(world, viewer, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    for name in ("open", "secret", "secret-gone"):
        world.seed(name)
        world.outcome(name, sent=5, failed=1, unknown=1, cached=3)
        attempt(world, name, sent=7)
    world.execute("UPDATE send_task SET deleted_at = now() WHERE name = 'secret-gone'")
    assert "21 messages were sent" in viewer.text("/"), "a deleted task's messages were sent all the same"
    manager = get_auth_manager()
    allowed = type(manager).is_authorized_dag

    def only_open(self, *, details=None, **more):
        hidden = details is not None and str(details.id).startswith("send_task__secret")
        return not hidden and allowed(self, details=details, **more)

    monkeypatch.setattr(type(manager), "is_authorized_dag", only_open)
    for path in ("/", "/live/overview", "/live/overview-days"):
        assert "secret" not in viewer.get(path).text
    assert "7 messages were sent" in viewer.text("/live/overview-days")
    assert "open" in viewer.text("/")


def attempt(world, task: str, *, sent: int | None, ago: str = "0 days", before: int = 0) -> None:
    """An attempt at a task's only chunk; without `sent` it goes on."""
    world.execute(
        "WITH made AS (INSERT INTO attempt (chunk_id, run_id, host, pid, started_at, sent, sent_before)"
        " SELECT c.id, 'r', 'h', 1, now() - %s::interval, %s, %s FROM chunk c JOIN send_task t ON t.id = c.task_id"
        " WHERE t.name = %s RETURNING id, chunk_id)"
        " UPDATE chunk SET attempt_id = made.id FROM made WHERE chunk.id = made.chunk_id",
        *(ago, sent, before, task),
    )


def test_messages_a_day_come_from_attempts_those_that_go_on_included(world, viewer):
    world.seed("sale")
    world.outcome("sale", sent=30, cached=5)
    attempt(world, "sale", sent=10, ago="2 days")
    attempt(world, "sale", sent=None, before=10)
    attempt(world, "sale", sent=99, ago="40 days")
    world.execute("UPDATE chunk SET attempt_id = (SELECT id FROM attempt WHERE sent IS NULL)")
    text = viewer.text("/live/overview-days")
    assert "30 messages were sent in the last 30 days" in text
    html = viewer.get("/live/overview-days").text
    assert re.search(r'aria-current="date"><td>[\d-]+ <strong>today</strong></td><td class="numbers">20</td>', html)
    assert html.count("<tr") == 31
    assert html.count('class="front"') == 2


def test_a_day_is_the_day_of_the_domains_plan():
    late = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    sent = [SentQuarter(domain=domain, began_at=late, sent=5, failed=1) for domain in ("tokyo.example", "utc.example")]
    days = by_day(sent, zones={"tokyo.example": "Asia/Tokyo"}, now=late)
    assert [(f"{day.day}", day.sent, day.failed, day.today) for day in days[-2:]] == [
        ("2026-11-24", 5, 1, False),
        ("2026-11-25", 5, 1, True),
    ]
    assert len(days) == 30


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("highest", [0, 1, 3, 7, 16, 17, 499, 500, 12_345, 1_000_000, 9_999_999_999])
def test_no_column_is_higher_than_its_chart_and_what_is_there_is_seen(highest, root):
    columns = [Column(label="a", title="a", front=n, back=highest) for n in {0, 1, highest}]
    chart = draw(language("en"), columns, root=root)
    for one in chart.columns:
        assert (one.front is None) == (one.column.front == 0)
        assert one.front is None or (one.front[1] >= 2 and one.front[0] >= chart.top - 0.1)
    assert len({line.label for line in chart.lines}) == 4


def test_nothing_from_data_is_markup(world, viewer, monkeypatch):
    world.seed("hello")
    world.execute("UPDATE send_task SET error = %s, paused_reason = %s, paused_at = now()", HOSTILE, HOSTILE)
    monkeypatch.setenv(VARIABLE, json.dumps({HOSTILE: {HOSTILE: 1, "plan": "<b>"}, DOMAIN: HOSTILE}))
    for path in ("/", "/live/overview", "/live/overview-days"):
        page = viewer.get(path).text
        assert "<img" not in page
        assert "<script>" not in page
        assert "style=" not in page
    assert "&lt;script&gt;" in viewer.get("/").text
