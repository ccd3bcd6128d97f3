"""The console where people meet it: in a frame of Airflow's own UI."""

from __future__ import annotations

import pytest

from tests.console.console_world import token


@pytest.fixture
def airflow(browser, console_url, world):
    """Opens a page of Airflow's UI as a user."""
    context = browser.new_context(locale="en-GB", color_scheme="dark", viewport={"width": 1280, "height": 800})
    context.add_cookies([{"name": "_token", "value": token("user"), "url": console_url}])

    def open_it(path: str):
        page = context.new_page()
        page.goto(console_url + path)
        return page

    yield open_it
    context.close()


def test_the_navigation_has_an_entry_that_leads_to_the_console(world, airflow):
    world.seed("hello")
    page = airflow("/")
    page.get_by_role("link", name="Mail").first.click(timeout=30_000)
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Overview").wait_for()
    frame.get_by_role("link", name="Send tasks", exact=True).click()
    frame.get_by_role("link", name="hello", exact=True).wait_for()


def test_a_link_leaves_the_frame_and_a_question_can_be_answered_in_it(world, airflow):
    world.seed("hello")
    page = airflow("/plugin/mail/ses/tasks")
    frame = page.frame_locator("iframe")
    frame.locator("#more-hello").click(timeout=30_000)
    frame.get_by_role("button", name="Cancel", exact=True).click()
    frame.get_by_role("button", name="Go back").click()
    assert world.overview("hello").status == "waiting"
    # The menu is still open: the question was asked from it.
    frame.get_by_role("link", name="Open the DAG").click()
    page.wait_for_url("**/dags/send_task__hello**")
