"""Sender domains in a real browser."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.console.browser.chromium import scripted
from tests.console.browser.conftest import look_again
from tests.integration.sending_world import DOMAIN, MORNING

LONG = "a" * 60 + ".مثال.example"


@pytest.fixture
def warm(world, monkeypatch):
    """Twelve days into the standard plan; beside it a wrong entry, a missing one, and one that begins later."""
    began = datetime.now(ZoneInfo(MORNING)) - timedelta(days=11)
    entries = {
        DOMAIN: {"plan": "standard", "started_on": f"{began:%Y-%m-%d}", "time_zone": MORNING, "daily_limit": 900_000},
        LONG: {"plan": "<script>alert(1)</script>", "started_on": f"{began:%Y-%m-%d}"},
        "later.example": {"plan": [500, 1_000], "started_on": "2099-12-01", "time_zone": "Asia/Tokyo"},
    }
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(entries))
    world.seed("spring-sale")
    world.outcome("spring-sale", sent=120_000, cached=90_000)
    world.seed("reminder")
    world.outcome("reminder", sent=5, cached=700)
    world.execute("UPDATE send_task SET paused_at = now() WHERE name = 'reminder'")
    world.seed("elsewhere", sender="Other <news@missing.example>")
    world.execute("INSERT INTO sender_domain (domain) VALUES (%s)", DOMAIN)
    world.execute(
        "INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment, used)"
        " SELECT %s, day, day + interval '1 day', 12 - n, plan[12 - n], plan[12 - n] * (10 - mod(n, 4)) / 10"
        " FROM generate_series(0, 11) n, LATERAL (SELECT date_trunc('day', now(), %s) - n * interval '1 day' AS day,"
        " ARRAY[500, 1000, 2000, 5000, 10000, 20000, 40000, 60000, 80000, 100000, 150000, 200000] AS plan) d",
        DOMAIN,
        MORNING,
    )
    return world


def test_the_list_shuts_nobody_out(warm, nothing_shuts_people_out):
    nothing_shuts_people_out("/domains")


def test_a_domains_page_shuts_nobody_out(warm, nothing_shuts_people_out):
    nothing_shuts_people_out(
        f"/domains/{DOMAIN}", before=lambda page: page.locator("details.as-table summary").first.click()
    )


def test_a_wrong_entry_shuts_nobody_out(warm, nothing_shuts_people_out):
    nothing_shuts_people_out(f"/domains/{LONG}")


def test_no_domain_shuts_nobody_out(world, nothing_shuts_people_out, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", "{")
    nothing_shuts_people_out("/domains")


def test_the_quota_moves_without_a_reload(warm, open_page):
    page = open_page(f"/domains/{DOMAIN}")
    page.get_by_text("left of 200,000").wait_for()
    before = page.locator(".big").first.inner_text()
    warm.execute("UPDATE quota_day SET used = 199999 WHERE starts_at <= now() AND ends_at > now()")
    look_again(page)
    page.get_by_text("1 left of 200,000").wait_for(timeout=30_000)
    assert page.locator(".big").first.inner_text() != before


def test_the_plan_is_read_by_keyboard_as_a_table(warm, open_page):
    page = open_page(f"/domains/{DOMAIN}")
    assert page.locator(".chart .column").count() == 20
    assert page.locator(".chart .marked text").text_content() == "today"
    page.locator("details.as-table summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.as-table").first.locator("tbody tr").count() == 20
    assert "today" in page.locator("tr.today").inner_text()


def test_the_way_to_the_variable_leaves_the_frame(warm, airflow_ui, monkeypatch):
    from airflow.models.variable import Variable

    monkeypatch.delenv("AIRFLOW_VAR_SES_WARMUP_QUOTA")
    Variable.set("ses_warmup_quota", "{}")
    Variable.set("another_variable", "x")
    page = airflow_ui("/plugin/mail/ses/domains", "admin")
    frame = page.frame_locator("iframe")
    link = frame.get_by_role("link", name="Edit the quota in Airflow")
    link.wait_for(timeout=30_000)
    scripted(frame)
    link.click()
    page.wait_for_url("**/variables?**")
    page.get_by_text("ses_warmup_quota").first.wait_for(timeout=30_000)
    assert page.get_by_text("another_variable").count() == 0, "the list is narrowed to our Variable"
