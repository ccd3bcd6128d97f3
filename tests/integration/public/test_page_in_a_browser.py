"""The unsubscribe page in a real browser: every language, both themes, a small phone, the keyboard, no script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage
from ses_ops.public.page_words import all_words
from tests.console.browser.chromium import axe_violations, chromium
from tests.integration.events.mailing import sent
from tests.integration.public.conftest import Recipients

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
WRITTEN = [language for language in LANGUAGES if language is not UnsubscribeLanguage.NONE]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


def opened(browser: Any, url: str, *, scheme: str = "light", width: int = 320, **more: Any) -> Any:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 700}, **more)
    page = context.new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(url)
    return page


def shows(page: Any, title: str) -> None:
    """The page that a click led to: the click itself need not wait for it."""
    expect(page.locator("h1")).to_have_text(title, use_inner_text=True, timeout=60_000)


def test_every_language_is_right_on_a_small_phone_and_shuts_nobody_out(browser, recipients):
    url = recipients.listener.url
    many = sent(recipients.mailing.world, "in-twelve", [f"r{n}@example{n}.org" for n in range(len(WRITTEN))])
    each = Recipients(mailing=many, listener=recipients.listener, client=recipients.client)
    for place, language in enumerate(WRITTEN):
        words = all_words()[language]
        page = opened(browser, url + each.link(place + 1, language))
        html = page.locator("html")
        assert html.get_attribute("lang") == language
        assert html.evaluate("one => getComputedStyle(one).direction") == ("rtl" if language == "ar" else "ltr")
        assert page.locator("h1").inner_text() == page.title() == words.ask_title
        assert sorted(page.locator("bdi").all_inner_texts()) == ["mail.example.com", f"r***@example{place}.org"]
        assert page.locator("button").inner_text() == words.ask_button
        assert page.evaluate(WIDER) <= 0, language
        assert axe_violations(page) == [], language
        whole = language in ("en", "ar")  # of the others only the text is another
        if whole:
            page.emulate_media(color_scheme="dark")
            assert axe_violations(page, look_alone=True) == [], language
        page.locator("button").click()
        shows(page, words.done_title)
        assert page.evaluate(WIDER) <= 0, language
        assert not whole or axe_violations(page) == [], language
        page.locator("button").click()
        shows(page, words.undone_title)
        page.context.close()
    assert len(recipients.events()) == 2 * len(WRITTEN)


def test_the_whole_way_by_keyboard_and_without_scripts(browser, recipients):
    page = opened(browser, recipients.listener.url + recipients.link(2), width=1280, java_script_enabled=False)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="You are unsubscribed").wait_for()
    assert [one[1] for one in recipients.suppressed()] == ["mail.example.com"]
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.get_by_role("heading", name="You are subscribed again").wait_for()
    assert recipients.suppressed() == []
    assert set(page.asked) == {recipients.listener.url + recipients.link(2)}
    assert page.context.cookies() == []
    page.context.close()


def test_a_wrong_link_is_explained_in_the_language_of_the_browser(browser, recipients):
    for locale, language in (("ja-JP", "ja"), ("zh-HK", "zh-TW"), ("de-AT", "de"), ("ar-EG", "ar"), ("nl-NL", "en")):
        page = opened(browser, f"{recipients.listener.url}/u/wrong", locale=locale)
        assert page.locator("h1").inner_text() == all_words()[UnsubscribeLanguage(language)].unknown_title
        assert page.locator("html").get_attribute("lang") == language
        assert axe_violations(page) == []
        page.context.close()
