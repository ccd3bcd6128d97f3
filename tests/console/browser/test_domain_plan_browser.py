"""The form of a warm-up plan in a real browser."""

from __future__ import annotations

import json

import pytest

from tests.console.browser.chromium import axe_violations
from tests.integration.sending_world import DOMAIN, quota

PATH = f"/domains/{DOMAIN}"


@pytest.fixture
def stored(world, monkeypatch):
    """The Variable in Airflow's database."""
    from airflow.models.variable import Variable

    monkeypatch.delenv("AIRFLOW_VAR_SES_WARMUP_QUOTA")
    Variable.set("ses_warmup_quota", json.dumps(quota(1_000)))
    world.seed("spring-sale")
    world.outcome("spring-sale", sent=900, cached=9_000)
    return world


def preview(page):
    page.get_by_label("Plan", exact=True).select_option("standard")
    page.get_by_label("Daily limit").fill("12000")
    page.get_by_role("button", name="Show the coming days").click()
    page.locator("#preview").wait_for()
    page.locator("#preview summary").click()


def test_the_form_and_its_picture_shut_nobody_out(stored, nothing_shuts_people_out):
    def before(page):
        page.locator("#plan").select_option("standard")
        page.locator("#daily_limit").fill("12000")
        page.locator("button[value=preview]").click()
        page.locator("#preview summary").click()

    nothing_shuts_people_out(PATH, "admin", before=before)


def test_a_plan_is_typed_looked_at_and_saved(stored, open_page):
    page = open_page(PATH, "op")
    preview(page)
    assert page.locator("#preview .column").count() == 14
    assert "12,000" in page.locator("#preview tbody").inner_text()
    page.get_by_role("button", name="Save the plan").press("Enter")
    page.get_by_text(f"The plan of {DOMAIN} is saved").wait_for()
    assert "daily_limit" in page.get_by_role("region", name="Who changed it").inner_text()
    page.get_by_label("Time zone", exact=True).fill("Mars")
    page.get_by_role("button", name="Save the plan").click()
    page.get_by_text("Must be the name of a time zone").wait_for()
    assert axe_violations(page) == []
