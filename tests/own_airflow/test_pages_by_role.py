"""Every page of the console by every role of FAB: what each sees, and what nobody may learn from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.console.browser.chromium import chromium
from tests.own_airflow.people import PEOPLE, PREFIX, administrator, log_in
from tests.own_airflow.role_rules import SEEN, expected, may, pages, told

#: What stands on pages with people's data: whoever may not see these pages must meet it nowhere.
ADDRESS = "@people.example"
#: Milliseconds.
PATIENCE = 60_000


@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_everybody_gets_from_every_page_what_the_table_says(team, name):
    person = log_in(team, name)
    got = {route: told(person.get(line.path).status_code) for route, line in pages().items()}
    assert got == {route: expected(line, name) for route, line in pages().items()}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


class Window:
    """A browser's window of one person; what a page complains of is kept."""

    def __init__(self, browser: Any, team: Any, token: str) -> None:
        self._url = team.url
        self.context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
        self.context.add_cookies([{"name": "_token", "value": token, "url": team.url}])
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> Any:
        return self.page.goto(self._url + path)

    def links(self) -> set[str]:
        """Where the page's visible links within the console lead."""
        found = self.page.locator(f"a[href^='{PREFIX}/']:visible").evaluate_all(
            "all => all.map(a => a.pathname + a.search)"
        )
        return {one for one in found if "/static/" not in one}


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_everybody_sees_pages_that_work_and_links_that_lead_somewhere(team, browser, name):
    person = log_in(team, name)
    window = Window(browser, team, person.token)
    wrong, led = [], set()
    for path in SEEN:
        (line,) = [one for one in pages().values() if one.path == path]
        status = expected(line, name)
        answer = window.open(PREFIX + path)
        if told(answer.status) != status:
            wrong.append(f"{path}: {answer.status}, not {status}")
        text = window.page.locator("body").inner_text()
        if status != 200 and ADDRESS in text:
            wrong.append(f"{path}: shows an address")
        if "Traceback" in text:
            wrong.append(f"{path}: shows a traceback")
        # A page that says no leads to the list, whoever it is.
        led |= window.links() if status == 200 else set()
    for link in sorted(led):
        answer = person.http.get(link)
        if answer.status_code not in (200, 303, 404, 409):
            wrong.append(f"a link to {link}, which is {answer.status_code}")
    assert wrong + window.complaints == []
    window.context.close()


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_mail_stands_in_airflows_navigation_of_everybody_who_may_enter_the_console(team, browser, name):
    window = Window(browser, team, log_in(team, name).token)
    window.open("/")
    window.page.get_by_role("link", name="Dags").first.wait_for()
    mail = window.page.get_by_role("link", name="Mail", exact=True)
    if may(name, "enters_console"):
        mail.first.wait_for()
    else:
        window.page.wait_for_load_state("networkidle")
        assert mail.count() == 0
    window.context.close()


@pytest.mark.full
def test_the_console_is_in_a_frame_of_airflows_ui_and_the_task_has_its_tab(team, browser):
    window = Window(browser, team, administrator(team).token)
    window.open("/")
    window.page.get_by_role("link", name="Mail", exact=True).first.click()
    frame = window.page.frame_locator("iframe")
    frame.get_by_role("heading", name="Overview", level=1).wait_for()
    frame.get_by_role("link", name="Send tasks", exact=True).click()
    frame.get_by_role("link", name="hello", exact=True).wait_for()
    window.open("/dags/send_task__hello")
    window.page.get_by_role("link", name="Progress", exact=True).click()
    frame.get_by_text("300 of 300 sent").wait_for()
    window.context.close()
