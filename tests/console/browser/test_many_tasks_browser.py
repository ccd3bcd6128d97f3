"""A long list of send tasks in a real browser: selecting several, long subjects, starts of other zones."""

from __future__ import annotations

import pytest

from tests.console.browser.chromium import axe_violations
from tests.console.browser.conftest import look_again

LONG = "A subject that goes on and on without ever coming to the point that its author had in mind " * 4


@pytest.fixture
def many(world):
    """Three pages of them."""
    world.group("customers", 1)
    for number in range(60):
        world.task(f"task-{number:02}", group="customers", type="scheduled", start_at="2099-01-01 09:00")
    return world


def test_several_are_selected_and_paused_with_one_review(many, open_page):
    page = open_page("/tasks?q=task-0&sort=name&order=asc")
    page.locator("#select-task-03").check()
    page.locator("#select-task-05").check()
    page.get_by_text("2 selected").wait_for()
    many.execute("UPDATE send_task SET subject = 'New words' WHERE name = 'task-03'")
    look_again(page)
    page.locator('[data-key="task-03"]').get_by_text("New words").wait_for(timeout=30_000)
    assert page.locator("#select-task-03").is_checked(), "a row that moves keeps its box"
    page.get_by_role("button", name="Pause selected").press("Enter")
    page.get_by_role("heading", name="Pause these send tasks?").wait_for()
    assert axe_violations(page) == []
    page.get_by_label("Reason").fill("wrong price")
    page.get_by_role("button", name="Pause 2").click()
    page.get_by_role("heading", name="2 send tasks are done").wait_for()
    assert axe_violations(page) == []
    page.get_by_role("link", name="Back to the list").click()
    page.wait_for_url("**/tasks?q=task-0&sort=name&order=asc")
    paused = [name for (name,) in many.rows("SELECT name FROM send_task WHERE paused_at IS NOT NULL ORDER BY 1")]
    assert paused == ["task-03", "task-05"]


def test_all_of_a_page_are_selected_by_one_box(many, open_page):
    page = open_page("/tasks")
    page.get_by_label("Select all on this page").check()
    page.get_by_text("25 selected").wait_for()
    page.locator("#select-task-59").uncheck()
    page.get_by_text("24 selected").wait_for()
    assert page.locator("#select-all").evaluate("one => one.indeterminate")
    page.get_by_role("link", name="Page 3 of 3").click()
    page.locator("#select-task-00").wait_for()
    assert "51 to 60 of 60" in page.locator("nav.pages").inner_text()


def test_without_script_boxes_and_buttons_do_the_same(many, open_page):
    page = open_page("/tasks?q=task-0", java_script_enabled=False)
    page.locator("#select-task-03").check()
    page.get_by_role("button", name="Cancel selected").click()
    page.get_by_role("button", name="Cancel 1").click()
    page.get_by_role("heading", name="1 send task is done").wait_for()
    assert many.overview("task-03").status == "cancelled"


def test_a_long_subject_takes_two_lines_and_is_whole_when_hovered_or_in_focus(many, open_page):
    many.execute("UPDATE send_task SET subject = %s WHERE name = 'task-59'", LONG)
    page = open_page("/tasks")
    row = page.locator('[data-key="task-59"]')
    assert row.bounding_box()["height"] < 130
    clamped = row.locator(".at-subject .clamped")
    size = "one => getComputedStyle(one, '::after').content"
    assert clamped.evaluate(size) == "none"
    clamped.focus()
    assert LONG.strip() in clamped.evaluate(size)
    page.locator("h1").click()
    assert clamped.evaluate(size) == "none"
    clamped.hover()
    assert LONG.strip() in clamped.evaluate(size)
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_no_date_of_a_list_is_broken_into_two_lines(many, open_page):
    for path in ("/tasks", "/groups", "/suppression"):
        page = open_page(path)
        heights = page.locator(".list time").evaluate_all(
            "all => all.map((one) => [one.offsetHeight, parseFloat(getComputedStyle(one).lineHeight)])"
        )
        assert all(height < 1.6 * line for height, line in heights), path


def test_a_start_is_shown_in_the_zone_of_the_task_and_in_the_viewers(many, open_page):
    many.execute("UPDATE send_task SET time_zone = 'America/New_York' WHERE name = 'task-59'")
    page = open_page("/tasks")
    cell = page.locator('[data-key="task-59"] [data-part="next"]')
    assert cell.inner_text().split("\n")[-3:] == ["2099-01-01 04:00", "America/New_York", "1 Jan 2099, 18:00"]
