"""A person with a browser, logged in to Airflow, who works in the frame that Airflow's UI puts around the console."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ses_ops.console.language import language, negotiate
from tests.acceptance.stack_process import StackProcess
from tests.console.browser.chromium import axe_violations, scripted

#: Where the console is, and the address of Airflow's UI that shows it in a frame (console/registration.py).
PREFIX, FRAME = "/ses", "/plugin/mail"
#: Milliseconds that a page may take on a busy machine.
PAGE_WITHIN = 45_000
#: Milliseconds for what Airflow does by itself: read a new DAG, run it, begin the next quota day.
AIRFLOW_WITHIN = 150_000
#: A value of a text of the catalog that is not looked at, such as a time.
ANY = "\0"


class Person:
    """Sees what is in the frame. A script of the console that fails is remembered in `complaints`.

    All texts are given in English, as message ids of the catalog, and looked for in the language of the browser; a text
    that the catalog does not have, such as an address, is looked for as it is.
    """

    def __init__(self, browser: Any, stack: StackProcess, *, scheme: str, locale: str) -> None:
        self.stack = stack
        self.words = language(negotiate(locale))
        self.context = browser.new_context(
            color_scheme=scheme, locale=locale, timezone_id="Asia/Tokyo", viewport={"width": 1280, "height": 900}
        )
        self.context.set_default_timeout(PAGE_WITHIN)
        self.complaints: list[str] = []
        self.page = self.new_tab()

    def new_tab(self) -> Any:
        """Another tab of the same browser."""
        page = self.context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _note(self, message: Any) -> None:
        # Airflow's own pages have troubles of their own.
        if message.type == "error" and PREFIX + "/" in message.location.get("url", ""):
            self.complaints.append(message.text)

    def log_in(self) -> None:
        """By Airflow's own form, where Airflow sends everybody who is not."""
        self.page.goto(self.stack.url("/"))
        self.page.locator("input[name=username]").fill("admin")
        self.page.locator("input[name=password]").fill(self.stack.password)
        self.page.locator("button[type=submit]").click()

    @property
    def frame(self) -> Any:
        """What Airflow shows of the console."""
        return self.page.frame_locator("iframe")

    def reads(self, text: str, **values: object) -> str:
        """A text as this person reads it: of one with ANY in it, the longest part that is known."""
        return max(self.words.gettext(text, **values).split(ANY), key=len).strip()

    def go_to(self, entry: str) -> None:
        """By the console's own navigation, without leaving the frame."""
        name = self.reads(entry)
        self.frame.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        self.frame.get_by_role("heading", name=name, level=1, exact=True).wait_for()
        scripted(self.frame)

    def click(self, name: str, role: str = "button") -> None:
        """The first button, or link, of that name."""
        self.frame.get_by_role(role, name=self.reads(name), exact=True).first.click()

    def fill(self, **fields: str) -> None:
        """Fields of a form by their names."""
        for name, text in fields.items():
            self.frame.locator(f"#{name}").fill(text)

    def choose(self, **fields: str) -> None:
        """Entries of selections by their names."""
        for name, value in fields.items():
            self.frame.locator(f"#{name}").select_option(value)

    def sees(self, text: Any, within: int = PAGE_WITHIN, **values: object) -> Any:
        """Wait for a text, or what fits a regular expression; the element that has it."""
        found = self.frame.get_by_text(self.reads(text, **values) if isinstance(text, str) else text).first
        found.wait_for(timeout=within)
        scripted(self.frame)
        return found

    def sees_number(self, singular: str, plural: str, count: int, within: int = PAGE_WITHIN, **values: object) -> Any:
        """Wait for a text that tells of a number of things; the element that has it."""
        return self.sees(self.words.ngettext(singular, plural, count, **values), within)

    def answers(self, action: str) -> None:
        """Say yes to the question that a button asks."""
        self.frame.get_by_role("dialog").get_by_role("button", name=self.reads(action), exact=True).click()

    def counts(self) -> dict[str, int]:
        """The counts of a task's page, by the kind of each; `whole` is the number of requested messages."""
        rows = self.frame.locator("dl.sums:not(.feedback) > div").evaluate_all(
            "all => all.map(one => [one.className, one.querySelector('dd').textContent])"
        )
        return {kind: int(count.replace(",", "")) for kind, count in rows}

    def findings(self, path: str) -> list[str]:
        """Visit a page within the frame: the status if it is not 200, and what axe-core finds wrong."""
        frame = self.page.locator("iframe").first.element_handle().content_frame()
        answer = frame.goto(self.stack.url(PREFIX + quote(path, safe="/?=&")))
        found = [] if answer.status == 200 else [f"status {answer.status}"]
        found += axe_violations(frame)
        if folder := os.environ.get("SES_SCREENSHOTS"):
            name = "".join(c if c.isalnum() else "-" for c in path).strip("-") or "overview"
            self.page.screenshot(path=Path(folder) / f"whole-way-{name}.png")
        return [f"{path}: {one}" for one in found]
