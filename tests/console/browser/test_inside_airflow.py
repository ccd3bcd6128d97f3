"""The console where people meet it: in a frame of Airflow's own UI."""

from __future__ import annotations

from tests.console.browser.chromium import scripted


def test_the_navigation_has_an_entry_that_leads_to_the_console(world, airflow_ui):
    world.seed("hello")
    page = airflow_ui("/")
    page.get_by_role("link", name="Mail").first.click(timeout=30_000)
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Overview").wait_for()
    frame.get_by_role("link", name="Send tasks", exact=True).click()
    frame.get_by_role("link", name="hello", exact=True).wait_for()


def test_a_link_leaves_the_frame_and_a_question_can_be_answered_in_it(world, airflow_ui):
    world.seed("hello")
    page = airflow_ui("/plugin/mail/ses/tasks")
    frame = page.frame_locator("iframe")
    frame.locator("#more-hello").wait_for(timeout=30_000)
    scripted(frame)
    frame.locator("#more-hello").click()
    frame.get_by_role("button", name="Cancel", exact=True).click()
    frame.get_by_role("button", name="Go back").click()
    assert world.overview("hello").status == "waiting"
    # The menu is still open: the question was asked from it.
    frame.get_by_role("link", name="Open the DAG").click()
    page.wait_for_url("**/dags/send_task__hello**")


def test_only_a_page_alone_in_its_window_has_a_link_back_to_airflow(world, airflow_ui):
    """Who has no right to Airflow's plugins opens it by its address."""
    world.seed("hello")
    page = airflow_ui("/plugin/mail/ses/tasks")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="hello", exact=True).wait_for(timeout=30_000)
    scripted(frame)
    assert not frame.locator("#to-airflow").is_visible()
    page.goto(page.url.partition("/plugin/")[0] + "/ses/tasks")
    page.locator("#to-airflow").wait_for()
    page.get_by_role("link", name="hello", exact=True).wait_for()
    page.get_by_role("link", name="Airflow", exact=True).click()
    page.get_by_role("link", name="Mail").first.wait_for(timeout=30_000)
