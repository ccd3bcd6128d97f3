"""The list of send tasks in a real browser."""

from __future__ import annotations

import re

import pytest

from tests.console.browser.chromium import axe_violations


@pytest.fixture
def busy(world):
    """A list with every state that there is."""
    world.seed("spring-sale", subject="Spring sale: 20 % off for {{ name }}")
    world.outcome("spring-sale", sent=12_000, failed=3, suppressed=40, unknown=2, in_progress=7_955)
    world.seed("over-quota")
    world.outcome("over-quota", sent=500, cached=19_500)
    world.seed("weekly-news", type="recurring", start_at="2099-01-01 09:00", every="7d", time_zone="Asia/Tokyo")
    world.seed("done-already")
    world.outcome("done-already", sent=990, failed=10)
    world.seed("broken")
    world.execute("UPDATE send_task SET error = 'the template has no variable city' WHERE name = 'broken'")
    world.seed("stopped")
    world.execute("UPDATE send_task SET cancelled_at = now() WHERE name = 'stopped'")
    return world


def test_nothing_shuts_people_out(busy, nothing_shuts_people_out):
    def open_all(page):
        page.locator("details.arrange summary").click()
        page.locator("details.menu summary").first.click()

    nothing_shuts_people_out("/tasks", before=open_all)


def test_an_empty_list_shuts_nobody_out(world, nothing_shuts_people_out):
    nothing_shuts_people_out("/tasks")


def test_an_error_page_shuts_nobody_out(world, open_page):
    page = open_page("/nothing", status=404)
    assert axe_violations(page) == []
    assert page.locator("h1").inner_text() == "There is nothing here"


def test_a_bar_moves_without_a_reload_and_the_focus_stays(busy, open_page):
    page = open_page("/tasks")
    row = page.locator('[data-key="spring-sale"]')
    assert "12,000 of 20,000 sent" in row.inner_text()
    page.locator("#pause-spring-sale").focus()
    busy.execute(
        "UPDATE chunk SET sent = 16000, pending = 3955 WHERE task_id = (SELECT id FROM send_task"
        " WHERE name = 'spring-sale')"
    )
    row.get_by_text("16,000 of 20,000 sent").wait_for(timeout=30_000)
    assert row.locator("rect.sent").get_attribute("width") == "800"
    assert page.evaluate("document.activeElement.id") == "pause-spring-sale"


def test_an_open_menu_stays_open_while_rows_come_and_go_around_it(busy, open_page):
    page = open_page("/tasks?sort=name&order=asc")
    names = page.locator("a.name")
    page.locator("#more-spring-sale").click()
    menu = page.locator('[data-key="spring-sale"] details')
    busy.execute("UPDATE send_task SET name = 'zz-broken' WHERE name = 'broken'")
    busy.task("a-new-one", group="customers")
    page.locator('[data-key="a-new-one"]').wait_for()
    assert [one for one in names.all_inner_texts() if one] == [
        *("a-new-one", "done-already", "over-quota", "spring-sale", "stopped", "weekly-news", "zz-broken")
    ]
    assert menu.get_attribute("open") is not None
    assert page.evaluate("document.activeElement.id") == "more-spring-sale"


def test_times_are_in_the_viewers_zone_and_utc_when_hovered_or_asked_for(busy, open_page):
    page = open_page("/tasks")
    time = page.locator('[data-key="weekly-news"] [data-part="next"] time')
    utc = "Jan 1, 2099, 12:00:00 AM UTC".replace(" AM", "\u202fAM")
    assert "1 Jan 2099, 09:00" in time.inner_text()
    assert time.get_attribute("title") == utc
    assert "Times are those of Asia/Tokyo" in page.get_by_role("contentinfo").inner_text()
    page.get_by_role("button", name="Show UTC").press("Enter")
    assert time.inner_text() == utc
    page.reload()
    assert time.inner_text() == utc, "it is remembered"
    page.get_by_role("button", name="Show UTC", pressed=True).press("Enter")
    assert "1 Jan 2099, 09:00" in time.inner_text()


def test_pausing_and_cancelling_work_by_keyboard_alone(busy, open_page):
    page = open_page("/tasks?q=spring")
    page.locator("#pause-spring-sale").focus()
    page.keyboard.press("Enter")
    page.get_by_text("spring-sale is paused.").wait_for()
    page.wait_for_load_state()
    page.locator("#more-spring-sale").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_text("Cancel the send task spring-sale?").wait_for()
    assert axe_violations(page) == [], "with the question open"
    page.keyboard.press("Escape")
    assert busy.overview("spring-sale").status == "paused", "Escape is no"
    page.get_by_role("button", name="Cancel", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel the task").focus()
    page.keyboard.press("Enter")
    page.get_by_text("spring-sale is cancelled.").wait_for()
    assert re.search(r"/tasks\?q=spring$", page.url)


def test_everything_works_without_script(busy, open_page):
    page = open_page("/tasks?q=spring", java_script_enabled=False)
    page.locator("#pause-spring-sale").click()
    page.get_by_text("spring-sale is paused.").wait_for()
    page.wait_for_load_state()
    page.locator("#more-spring-sale").click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the task").click()
    page.get_by_text("spring-sale is cancelled.").wait_for()
