"""The pages of keys in a real browser: they shut nobody out, and a key is made and revoked by the keyboard."""

from __future__ import annotations

import pytest

from ses_ops.application.api_keys import create_key, revoke_key
from ses_ops.application.secret_box import VARIABLE
from tests.actors import ANYBODY
from tests.integration.api.api_process import FERNET_KEY


@pytest.fixture
def full(world, monkeypatch):
    """Keys in every state, with names and domains as long as they may be."""
    from airflow.configuration import conf

    monkeypatch.setenv(VARIABLE, conf.get("core", "fernet_key", fallback="") or FERNET_KEY)
    create_key(world.conn, ANYBODY, "shop", ["send"], ["mail.example.com"], 50)
    create_key(world.conn, ANYBODY, "n" * 63, ["send", "read", "manage"], ["*"])
    create_key(world.conn, ANYBODY, "old", ["read"], ["a" * 60 + ".example.com", "mail.example.com"])
    revoke_key(world.conn, ANYBODY, "old")
    return world


@pytest.mark.parametrize("path", ["/keys", "/new-key"])
def test_the_page_shuts_nobody_out(full, nothing_shuts_people_out, path):
    nothing_shuts_people_out(path, "admin")


def test_a_key_is_made_by_the_keyboard_alone_and_revoked(full, open_page):
    page = open_page("/new-key", "admin")
    name = page.get_by_label("Name")
    name.fill("shop")
    name.press("Enter")
    page.locator("#errors").wait_for()
    assert "already" in page.locator("#errors").inner_text()
    name.fill("app")
    name.press("Enter")
    page.locator("#key-secret").wait_for()
    secret = page.locator("#key-secret").inner_text()
    assert len(secret) == 32
    assert page.locator("pre").count() == 3
    page.get_by_text("I have it").press("Enter")
    page.get_by_role("button", name="Revoke app").wait_for()
    assert secret not in page.content()
