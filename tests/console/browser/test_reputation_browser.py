"""The reputation of a sender domain in a real browser."""

from __future__ import annotations

import json

import pytest

from ses_ops.application.judge_reputation import judge_domain
from ses_ops.domain.warmup import QuotaPlans
from tests.console.browser.chromium import axe_violations
from tests.console.browser.conftest import look_again
from tests.integration.reputation_world import ReputationWorld
from tests.integration.sending_world import DOMAIN, MORNING

PATH = f"/domains/{DOMAIN}"
ENTRY = {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING, "start_level": 6}


@pytest.fixture
def led(world, monkeypatch):
    """Two months of mail: good weeks, a gap, a bad day; today it is blocked."""
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps({DOMAIN: ENTRY}))
    domain = ReputationWorld(conn=world.conn, domain=DOMAIN)
    domain.measured()
    world.seed("spring-sale")
    for days_ago in range(1, 60):
        if days_ago % 7 == 3:
            continue
        sent = 15_000 - 200 * days_ago if days_ago % 5 else 200
        bad = sent // 8 if days_ago in (20, 41) else sent // 60
        domain.day(
            days_ago, accepted=sent - bad, invalid_refused=bad, spam_refused=sent // 90, complained=sent // 1_800
        )
    domain.day(accepted=2_000, invalid_refused=60)
    world.plan = QuotaPlans.parse({DOMAIN: ENTRY})[DOMAIN]
    judge_domain(world.conn, world.plan)
    domain.day(accepted=100, invalid_refused=300, spam_refused=20)
    return domain


def judge(world) -> None:
    judge_domain(world.conn, world.plan)


def test_the_page_with_a_blocked_domain_shuts_nobody_out(led, world, nothing_shuts_people_out):
    judge(world)
    nothing_shuts_people_out(PATH, "admin", before=lambda page: page.locator("details.as-table summary").nth(0).click())


def test_the_overview_that_announces_it_shuts_nobody_out(led, world, nothing_shuts_people_out):
    judge(world)
    nothing_shuts_people_out("/")


def test_the_level_falls_before_the_eyes_of_a_person(led, world, open_page):
    page = open_page(PATH)
    page.get_by_text("Level 6").first.wait_for()
    assert page.get_by_text("Nothing leaves from this domain until").count() == 0
    judge(world)
    look_again(page)
    page.get_by_text("Nothing leaves from this domain until").first.wait_for(timeout=30_000)


def test_the_chart_is_read_by_keyboard_as_a_table(led, open_page):
    page = open_page(PATH, width=360)
    assert page.locator(".rate-panel").count() == 5
    assert page.locator(".rate-panel .plot").first.get_attribute("aria-label").startswith("Level of each day")
    summary = page.locator("section[aria-labelledby=reputation-days] summary")
    summary.focus()
    page.keyboard.press("Enter")
    rows = page.locator("section[aria-labelledby=reputation-days] tbody tr")
    assert rows.count() == 59, "from the first day with mail on, the days without mail too"
    assert "14.51%" in rows.first.inner_text()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_domain_is_blocked_and_released_by_the_keyboard_alone(width, led, world, open_page):
    page = open_page(PATH, "op", width=width)
    page.locator("#act-block").focus()
    page.keyboard.press("Space")
    page.locator("#reason").focus()
    page.keyboard.type("a wrong list")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"Block {DOMAIN} until somebody releases it?").wait_for()
    assert axe_violations(page) == []
    page.get_by_role("button", name="Block the domain").press("Enter")
    page.get_by_text(f"{DOMAIN} is blocked until somebody releases it.").wait_for()
    assert "a wrong list" in page.locator(".decisions li").first.inner_text()
    page.get_by_role("link", name="Release the domain").press("Enter")
    assert page.locator("#act-release").is_checked()
    page.locator("#reason").fill("the list is mended")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Release the domain").press("Enter")
    page.get_by_text(f"{DOMAIN} is released.").wait_for()
    assert world.rows("SELECT blocked_until FROM reputation") == [(None,)]


def test_a_decision_without_a_level_keeps_what_was_typed(led, open_page):
    page = open_page(PATH, "op")
    page.get_by_label("Pin the level").check()
    page.get_by_label("Reason").fill("a known list")
    page.get_by_role("button", name="Go on to the question").click()
    page.locator("#level-error").wait_for()
    assert page.get_by_label("Reason").input_value() == "a known list"
    assert page.get_by_label("Pin the level").is_checked()
    assert axe_violations(page) == []
