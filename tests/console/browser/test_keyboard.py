"""Every page by the Tab key alone: one look a page, because an order of tab stops has no theme and no language."""

from __future__ import annotations

import pytest

from tests.console.browser.keyboard import shut_out_by_keyboard
from tests.integration.sending_world import DOMAIN

PAGES = (
    *("/", "/tasks?sort=name", "/tasks/spring-sale", "/new-task", "/templates", "/templates/hello", "/groups"),
    *("/tasks/over-quota/edit", "/tasks/by-hand/send-now"),
    *("/groups/customers", "/groups/customers/upload", "/domains", f"/domains/{DOMAIN}", "/suppression"),
    *("/suppression/erase", "/feedback", "/feedback/self-test", "/people?address=a@b.example"),
    *("/tasks/spring-sale/messages/1/1", "/statistics", "/callbacks", "/keys"),
)
#: Pages for who may write the quota Variable.
OF_ADMINS = ("/new-callback",)


@pytest.fixture
def busy(world):
    """Something on every page."""
    world.seed("spring-sale", count=40)
    world.outcome("spring-sale", sent=12_000, failed=3, suppressed=40, unknown=2, in_progress=7_955)
    world.seed("over-quota")
    world.outcome("over-quota", sent=500, cached=19_500)
    world.seed("by-hand", type="triggered")
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) VALUES ('a@b.example', 'a@b.example', 'manual')"
    )
    return world


def test_the_tab_key_reaches_every_control_once_and_shows_where_it_is(busy, open_page):
    found = []
    for path in (*PAGES, *OF_ADMINS):
        page = open_page(path, "admin" if path in OF_ADMINS else "user")
        found += [f"{path}: {finding}" for finding in shut_out_by_keyboard(page)]
        page.context.close()
    assert not found, "\n".join(found)


def test_the_walk_finds_what_is_wrong(world, open_page):
    page = open_page("/templates")
    page.evaluate(
        """() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync("main a { outline: none !important; }");
          document.adoptedStyleSheets = [sheet];
        }"""
    )
    found = shut_out_by_keyboard(page)
    assert found
    assert all(one.startswith("has no outline: <a") for one in found)
    page.evaluate(
        "document.querySelector('main a').addEventListener('focus', () => document.querySelector('nav a').focus())"
    )
    found = shut_out_by_keyboard(page)
    assert [one for one in found if one.startswith("not reached")], "the Tab key is caught in a circle"
