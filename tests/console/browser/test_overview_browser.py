"""The landing page in a real browser."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.integration.sending_world import DOMAIN, quota


@pytest.fixture
def busy(world, monkeypatch):
    """Something in every section, and a month behind it."""
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps({**quota(500_000), "typo.example": {"plan": "fast"}}))
    world.seed("spring-sale")
    world.outcome("spring-sale", sent=12_000, failed=37, suppressed=40, unknown=2, in_progress=7_921)
    world.seed("over-quota")
    world.outcome("over-quota", sent=500, cached=19_500)
    world.seed("waits-for-ann")
    world.outcome("waits-for-ann", sent=100, cached=900)
    world.execute(
        "UPDATE send_task SET paused_at = now(), paused_reason = 'paused by ann: wrong price'"
        " WHERE name = 'waits-for-ann'"
    )
    world.seed("broken-" + "x" * 50)
    world.execute(
        "UPDATE send_task SET error = %s WHERE name LIKE 'broken%%'", "no variable <script>city</script> \u202egnol"
    )
    world.execute(
        "INSERT INTO attempt (chunk_id, run_id, host, pid, started_at, sent, failed)"
        " SELECT (SELECT min(id) FROM chunk), 'r', 'h', 1, now() - n * interval '1 day', 900 * mod(n * 7, 13) + 400,"
        " 9 * mod(n, 7) FROM generate_series(0, 27) n"
    )
    return world


def test_nothing_shuts_people_out(busy, nothing_shuts_people_out):
    nothing_shuts_people_out("/", before=lambda page: page.locator("details.as-table summary").click())


def test_the_first_steps_shut_nobody_out(world, nothing_shuts_people_out):
    world.group("customers", 3)
    nothing_shuts_people_out("/")


def test_the_first_steps_and_the_days_are_two_cards(world, open_page):
    page = open_page("/")
    steps, days = (
        page.locator(f'section[aria-labelledby="{name}"]').bounding_box() for name in ("first-steps", "days")
    )
    assert round(days["y"] - (steps["y"] + steps["height"])) == 16, "the space between two cards"


def test_bars_and_sections_change_without_a_reload(busy, open_page):
    page = open_page("/")
    row = page.locator('[data-key="sending:spring-sale"]')
    assert "12,000 of 20,000 sent" in row.inner_text()
    busy.execute(
        "UPDATE chunk SET sent = 16000, pending = 3921 WHERE task_id = (SELECT id FROM send_task"
        " WHERE name = 'spring-sale')"
    )
    row.get_by_text("16,000 of 20,000 sent").wait_for(timeout=30_000)
    busy.execute("UPDATE send_task SET paused_at = now() WHERE name = 'spring-sale'")
    page.locator('[data-key="paused:spring-sale"]').wait_for(timeout=30_000)
    assert page.locator('[data-key="sending:spring-sale"]').count() == 0
    page.get_by_text("Nothing is being sent.").wait_for()


def test_everything_leads_somewhere_by_keyboard(busy, open_page):
    page = open_page("/")
    page.get_by_role("link", name="1 error").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks?status=error")


def test_the_steps_are_ticked_in_this_browser(world, open_page):
    page = open_page("/")
    assert page.locator(".steps .done").count() == 0
    page.get_by_role("link", name="Preview a template").click()
    page.wait_for_url("**/templates")
    page.get_by_role("link", name="Overview").click()
    expect(page.locator(".steps .done")).to_have_count(1)
    assert DOMAIN not in page.content()
