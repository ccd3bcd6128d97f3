"""What a person does in the console behind the proxy, from the login to a saved file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.console.browser.chromium import scripted
from tests.proxy.airflow import Behind


def opened(page: Any, behind: Behind, path: str) -> Any:
    page.goto(f"{behind.base_url}/ses{path}")
    return page


def test_the_login_is_a_cookie_of_the_prefix(page, behind, world):
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["_token"]["path"] == f"{behind.prefix}/"
    assert cookies["_token"]["secure"]
    page.context.clear_cookies()
    page.goto(f"{behind.base_url}/dags")
    page.locator("input[name=password]").wait_for()
    assert page.url.startswith(f"{behind.base_url}/auth/login")


def test_airflows_navigation_leads_to_the_console_and_the_console_back(page, behind, world):
    world.seed("hello")
    page.goto(f"{behind.base_url}/")
    page.get_by_role("link", name="Mail").first.click(timeout=30_000)
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Overview").wait_for()
    frame.get_by_role("link", name="Send tasks", exact=True).click()
    frame.locator("#more-hello").wait_for()
    scripted(frame)
    frame.locator("#more-hello").click()
    frame.get_by_role("link", name="Open the DAG").click()
    page.wait_for_url(f"{behind.base_url}/dags/send_task__hello**")


def test_a_tab_of_a_dag_leads_to_the_task_in_the_console(page, behind, world):
    """By its own link, followed in Airflow's page, which makes the address of the frame of it."""
    world.seed("hello")
    opened(page, behind, "/dag/send_task__hello").get_by_role("link", name="Open in the mail console").click()
    page.frame_locator("iframe").get_by_role("heading", name="hello").first.wait_for(timeout=60_000)
    assert page.frames[-1].url == f"{behind.base_url}/ses/tasks/hello"


def test_a_page_alone_in_its_window_leads_to_airflow(page, behind, world):
    opened(page, behind, "/").get_by_role("link", name="Airflow", exact=True).click()
    page.get_by_role("link", name="Mail").first.wait_for(timeout=30_000)
    assert page.url == f"{behind.base_url}/"


def test_a_group_is_uploaded_and_saved_and_a_task_made_paused_and_cancelled(page, behind, world, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("email,name\nx,A\n" + "".join(f"person{row}@customers.example,Person {row}\n" for row in range(50)))
    opened(page, behind, "/new-group").locator("#name").fill("people")
    page.locator("#file").set_input_files(file)
    page.locator("#upload-look").get_by_text("person0@customers.example").first.wait_for()
    page.get_by_role("button", name="Make the group").click()
    page.get_by_role("heading", name="Import of people.csv").wait_for()
    saved(page, page.locator("a[href$='rejected.csv']"), tmp_path, "x,A")
    opened(page, behind, "/groups/people")
    saved(page, page.locator("a[href$='recipients.csv']"), tmp_path, "person7@customers.example,Person 7")

    opened(page, behind, "/new-task").locator("#template").select_option("hello")
    page.locator("#group").select_option("people")
    page.locator("label[for=type-scheduled]").click()
    page.locator("#start_at").fill("2099-01-01T09:00")
    page.locator("#name").fill("spring")
    page.locator("#sender").fill("Shop <news@mail.example.com>")
    page.get_by_role("button", name="Check and preview").click()
    page.frame_locator("iframe").get_by_text("Dear Person 0, this is for you.").wait_for()
    page.get_by_role("button", name="Create the task").first.click()
    page.wait_for_url(f"{behind.base_url}/ses/tasks/spring")
    assert page.locator(".flash.done").count() == 1
    page.reload()
    assert page.locator(".flash").count() == 0, "the cookie of the sentence is removed"
    page.get_by_role("button", name="Pause", exact=True).first.click()
    expect(page.locator("#progress")).to_contain_text("Paused")
    page.locator("#do-cancel").click()
    page.locator("#confirm-action").click()
    expect(page.locator("#progress")).to_contain_text("Cancelled")
    assert world.overview("spring").status == "cancelled"


def saved(page: Any, link: Any, folder: Path, words: str) -> None:
    """Click on a link to a file, and look into it."""
    with page.expect_download() as download:
        link.first.click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    assert words in file.read_text(encoding="utf-8-sig")


def test_pages_move_by_themselves(page, behind, world):
    world.seed("hello")
    answers: list[tuple[str, int]] = []
    page.on("response", lambda found: answers.append((found.url, found.status)))
    opened(page, behind, "/tasks").locator("#more-hello").wait_for()
    row = page.locator("#list")
    expect(row).not_to_contain_text("finished")
    world.outcome("hello", sent=10)
    expect(row).to_contain_text("finished")
    polls = [status for url, status in answers if url.startswith(f"{behind.base_url}/ses/live/tasks")]
    assert set(polls) <= {200, 304}
    assert polls
    assert page.locator("#offline").is_hidden()
