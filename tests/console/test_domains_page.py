"""Sender domains: today's quota, what waits, the plan, and what is wrong with the Variable."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest

from tests.integration.sending_world import DOMAIN, quota

VARIABLE = "AIRFLOW_VAR_SES_WARMUP_QUOTA"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
JAPANESE = {"Accept-Language": "ja,en;q=0.5"}


@pytest.fixture
def limited(world, monkeypatch):
    """A domain whose quota of 3 is used up by the first 3 of 5 messages."""
    monkeypatch.setenv(VARIABLE, json.dumps(quota(3)))
    world.quota_variable = quota(3)
    world.seed("sale", count=5)
    run = world.run("sale")
    world.freeze(run)
    (chunk,) = world.reserve(run).chunk_ids
    world.execute("UPDATE chunk SET sent = 3, pending = 0, state = 'settled', reserved = 0 WHERE id = %s", chunk)
    world.execute("UPDATE quota_day SET reserved = 0, used = 3")
    return world


def test_an_empty_installation_says_what_a_domain_is(world, user, monkeypatch):
    monkeypatch.setenv(VARIABLE, "{}")
    assert "There is no sender domain yet" in user.text("/domains")


def test_the_list_shows_the_quota_the_backlog_and_when_it_leaves(limited, viewer):
    for path in ("/domains", "/live/domains"):
        text = viewer.text(path)
        assert DOMAIN in text
        assert "3 of 3 used" in text
        assert "used up for today" in text
        html = viewer.get(path).text
        assert re.search(r'data-part="backlog">.*?</span>\s*2\s*</div>', html, re.DOTALL)
        assert re.search(r'data-part="gone">.*?<time datetime', html, re.DOTALL)


def test_a_domains_page_shows_today_what_waits_and_the_plan(limited, viewer):
    text = viewer.text(f"/domains/{DOMAIN}")
    assert "0 left of 3" in text
    assert "2 cached messages" in text
    assert "All of it leaves by" in text
    assert "its own, 1 step" in text
    html = viewer.get(f"/domains/{DOMAIN}").text
    assert html.count('class="column marked"') == 1
    assert re.search(r'<tr class="today" aria-current="date">.*?>3</td>\s*<td class="numbers">3</td>', html, re.DOTALL)
    assert "sale" in viewer.text(f"/live/domains/{DOMAIN}")


def test_single_messages_stand_apart_in_the_numbers_of_a_domain(limited, viewer):
    assert "single messages" not in viewer.text(f"/domains/{DOMAIN}").lower().partition("share of")[0]
    limited.execute("UPDATE quota_day SET single = 2")
    html = viewer.get(f"/domains/{DOMAIN}").text
    assert f'href="/ses/messages?domain={DOMAIN}">2' in html
    today = (
        r'<tr class="today" aria-current="date">.*?>3</td>\s*<td class="numbers">3</td>\s*<td class="numbers">2</td>'
    )
    assert re.search(today, html, re.DOTALL)


def test_a_domain_with_only_a_plan_or_only_tasks_is_listed_too(world, viewer, monkeypatch):
    monkeypatch.setenv(VARIABLE, json.dumps(quota(500, domain="plan.example")))
    world.seed("hello")
    text = viewer.text("/domains")
    assert "plan.example" in text
    assert "The Variable has no entry for this domain, so nothing is sent from it." in text
    assert "can be used" in viewer.text("/domains/plan.example")
    missing = viewer.text(f"/domains/{DOMAIN}")
    assert "Add an entry like this one" in missing
    assert f'"{DOMAIN}": {{' in missing
    assert "taken for spam" in missing
    assert viewer.get("/domains/other.example").status_code == 404


@pytest.mark.parametrize(
    ("entry", "field", "words"),
    [
        ({"plan": "fast", "started_on": "2026-01-01"}, "plan", "a list of whole numbers"),
        ({"plan": [0], "started_on": "2026-01-01"}, "plan", "a list of whole numbers"),
        ({"started_on": "soon"}, "started_on", "Must be a date such as"),
        ({"started_on": "9999-12-31"}, "started_on", "Must be a date such as"),
        ({"started_on": "2026-01-01", "time_zone": "Mars"}, "time_zone", "Must be the name of a time zone"),
        ({"started_on": "2026-01-01", "daily_limit": "many"}, "daily_limit", "Must be a whole number of messages"),
        ({"started_on": "2026-01-01", "day_length": "P9D"}, "day_length", "Must be a duration"),
        ({"started_on": "2026-01-01", "colour": 1}, "colour", "There is no such field"),
        ([500], None, "The entry must be an object"),
        (HOSTILE, None, "The entry must be an object"),
    ],
)
def test_a_wrong_entry_is_worded_beside_its_field_and_stops_no_other(entry, field, words, world, viewer, monkeypatch):
    monkeypatch.setenv(VARIABLE, json.dumps({"wrong.example": entry, **quota(7)}))
    text = viewer.text("/domains/wrong.example")
    assert words in text
    assert field is None or re.search(rf"\b{field} : ", text)
    assert "It is now:" in text
    assert words in viewer.text("/domains")
    assert "0 of 7 used" in viewer.text("/domains")


@pytest.mark.parametrize(
    ("value", "words"),
    [("", "is not set"), ("{", "not valid JSON"), ('{\n"a" 1}', "line 2, column 5"), ("[1]", "must be a JSON object")],
)
def test_a_variable_that_cannot_be_read_is_said_above_the_list(value, words, world, viewer, monkeypatch):
    monkeypatch.setenv(VARIABLE, value)
    world.seed("hello")
    for path in ("/domains", f"/domains/{DOMAIN}"):
        assert words in viewer.text(path)
    assert "No valid quota, so nothing is sent." in viewer.text("/domains")


def test_a_warmup_that_has_not_begun_says_when(world, viewer, monkeypatch):
    monkeypatch.setenv(VARIABLE, json.dumps({DOMAIN: {"started_on": "2099-12-01", "time_zone": "Asia/Tokyo"}}))
    assert "The warm-up begins Nov 30, 2099" in viewer.text("/domains")
    page = viewer.text(f"/domains/{DOMAIN}")
    assert "Until then nothing is sent" in page
    assert "standard, 20 steps" in page
    assert "Why nothing is sent" not in page


def test_a_rehearsal_says_how_long_its_days_are(world, viewer, monkeypatch):
    monkeypatch.setenv(VARIABLE, json.dumps(quota(500, day_length="PT60S")))
    assert "a day lasts 1 min" in viewer.text(f"/domains/{DOMAIN}")
    assert "1日は1 分" in viewer.text(f"/domains/{DOMAIN}", headers=JAPANESE)


def test_the_variable_is_edited_in_airflow_by_those_who_may(world, viewer, admin, monkeypatch):
    link = 'href="/variables?name_pattern=ses_warmup_quota" data-leave-frame'
    assert "AIRFLOW_VAR_SES_WARMUP_QUOTA" in admin.text("/domains"), "an edit would have no effect"
    monkeypatch.delenv(VARIABLE)
    from airflow.models.variable import Variable

    Variable.set("ses_warmup_quota", json.dumps(quota(11)))
    assert link in admin.get("/domains").text
    assert "0 of 11 used" in admin.text("/domains")
    assert '"started_on": "2026-01-01"' in admin.text(f"/domains/{DOMAIN}")
    assert link not in viewer.get("/domains").text
    assert "your role may not edit" in viewer.text("/domains")
    assert '"started_on": "2026-01-01"' not in viewer.text(f"/domains/{DOMAIN}")


def test_a_person_reads_no_name_of_a_task_that_they_may_not_see(limited, viewer, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    manager = get_auth_manager()
    allowed = type(manager).is_authorized_dag

    def none_of_it(self, *, details=None, **more):
        return (details is None or details.id != "send_task__sale") and allowed(self, details=details, **more)

    monkeypatch.setattr(type(manager), "is_authorized_dag", none_of_it)
    for path in (f"/domains/{DOMAIN}", f"/live/domains/{DOMAIN}"):
        page = viewer.text(path)
        assert "sale" not in page
        assert "tasks that you may not see" in page
        assert "2 cached messages" in page


def test_mail_of_a_task_that_a_person_stopped_is_said_to_wait_for_a_person(limited, user):
    user.post("/tasks/sale/pause")
    text = user.text(f"/domains/{DOMAIN}")
    assert "when a person resumes it" in text
    assert "All of it leaves" not in text
    assert "2 wait for a person" in user.text("/domains")


def test_what_was_sent_is_shown_without_a_plan_too(limited, viewer, monkeypatch):
    monkeypatch.setenv(VARIABLE, "{}")
    page = viewer.get(f"/domains/{DOMAIN}").text
    assert "What was sent" in page
    assert 'class="front"' in page


def test_nothing_from_data_is_markup(world, viewer, monkeypatch):
    entries = {HOSTILE: {"plan": HOSTILE, "started_on": "2026-01-01"}, "a/b?c#d": 1, DOMAIN: {HOSTILE: HOSTILE}}
    monkeypatch.setenv(VARIABLE, json.dumps(entries))
    links = re.findall(r'href="/ses(/domains/[^"]+)"', viewer.get("/domains").text)
    assert len(links) == 3
    for path in ("/domains", "/live/domains", *links):
        answer = viewer.get(path)
        assert answer.status_code == 200, path
        assert "<img" not in answer.text
        assert "<script>" not in answer.text
        assert "style=" not in answer.text


def test_an_international_domain_has_one_page_however_its_address_is_written(world, viewer, monkeypatch):
    entry = {"plan": [3], "started_on": "2026-01-01"}
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps({"münchen.example": entry}))
    for written in ("münchen.example", "mu\u0308nchen.example", "MÜNCHEN.example.", "xn--mnchen-3ya.example"):
        page = viewer.get(f"/domains/{quote(written)}")
        assert page.status_code == 200, written
        assert "xn--mnchen-3ya.example" in page.text
    both = {"münchen.example": entry, "xn--mnchen-3ya.example": entry}
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(both))
    page = viewer.get("/domains/xn--mnchen-3ya.example").text
    assert "several entries for this domain: münchen.example, xn--mnchen-3ya.example" in page
    shown = page[page.index("It is now:") :] if "It is now:" in page else page
    assert "münchen.example" in shown
    assert "xn--mnchen-3ya.example" in shown
