"""The bounce domain of a sender domain in a real browser."""

from __future__ import annotations

import pytest

from tests.console.browser.chromium import axe_violations
from tests.integration.sending_world import DOMAIN

PATH = f"/domains/{DOMAIN}"
BOUNCES = f"bounces.{DOMAIN}"


@pytest.fixture
def used(world):
    world.seed("spring-sale")
    return world


def test_the_form_with_a_refused_name_shuts_nobody_out(used, nothing_shuts_people_out):
    def before(page):
        page.locator("#bounce_domain").fill(DOMAIN)
        page.locator("#change-bounces .button").click()
        page.locator("#even_sender_domain").wait_for()
        page.locator("#change-bounces summary").click()

    nothing_shuts_people_out(PATH, "admin", before=before)


def test_a_bounce_domain_is_typed_refused_mended_and_saved_by_the_keyboard_alone(used, open_page):
    page = open_page(PATH, "op")
    field = page.get_by_label("Bounce domain")
    field.fill("localhost")
    field.press("Enter")
    page.locator("#bounce_domain-error").wait_for()
    assert "it has no dot in it" in page.locator("#bounce_domain-error").inner_text()
    assert field.input_value() == "localhost"
    page.locator("#errors:focus").wait_for()
    field.fill(BOUNCES)
    field.press("Enter")
    page.get_by_text(f"from {DOMAIN} from now on go to {BOUNCES}.").wait_for()
    assert used.rows("SELECT bounce_domain FROM sender_domain") == [(BOUNCES,)]
    assert f"{BOUNCES}. IN MX 10 HOST." in page.locator("#change-bounces pre").inner_text()
    assert not axe_violations(page)
