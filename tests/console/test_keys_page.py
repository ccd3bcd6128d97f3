"""The pages of keys: one is made, its secret is shown once, it is revoked; the examples run as they stand."""

from __future__ import annotations

import html
import re

import pytest

from ses_ops.application.api_keys import create_key, secret_hash
from ses_ops.application.secret_box import VARIABLE
from tests.actors import ANYBODY
from tests.integration.api.api_process import FERNET_KEY


@pytest.fixture(autouse=True)
def fernet_key(monkeypatch):
    from airflow.configuration import conf

    monkeypatch.setenv(VARIABLE, conf.get("core", "fernet_key", fallback="") or FERNET_KEY)


def test_a_key_is_made_and_its_secret_is_shown_once(world, admin):
    assert "There is no key yet." in admin.text("/keys")
    page = admin.post("/new-key", name="shop", scope="send", domain="mail.example.com", per_second="50")
    assert page.status_code == 200
    (secret,) = re.findall(r'id="key-secret">(\w{32})<', page.text)
    (id,) = re.findall(r'id="key-id">(AKID\w{32})<', page.text)
    code = html.unescape(page.text)
    assert f"Authorization: Bearer {id}:{secret}" in code
    assert f'credential.Credential("{id}", "{secret}")' in code
    assert "code@mail.example.com" in code
    again = admin.text("/keys")
    assert id in again
    assert secret not in again
    assert world.rows(
        "SELECT name, scopes, domains, per_second, created_by, encode(secret_hash, 'hex') FROM api_key"
    ) == [("shop", ["send"], ["mail.example.com"], 50, "admin", secret_hash(secret).hex())]
    log = str(world.audit_log())
    assert "create_api_key" in log
    assert secret not in log


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "", "scope": "send"}, "is empty, longer than 63 characters"),
        ({"name": "shop"}, "one or more of"),
        ({"name": "shop", "scope": "all"}, "one or more of"),
        ({"name": "shop", "scope": "send", "per_second": "many"}, "whole number from 1"),
        ({"name": "shop", "scope": "send", "domain": "no domain"}, "domain"),
    ],
)
def test_what_is_no_key_is_said_beside_its_field(world, admin, form, said):
    page = admin.post("/new-key", **form)
    assert page.status_code == 422
    assert said in page.text
    assert world.rows("SELECT count(*)::int FROM api_key") == [(0,)]


def test_a_key_is_revoked_after_a_question(world, admin):
    made = create_key(world.conn, ANYBODY, "shop", ["send"], ["*"])
    question = admin.post(f"/keys/{made.key.id}/revoke")
    assert "Revoke the key shop?" in question.text
    assert world.rows("SELECT revoked_at FROM api_key") == [(None,)]
    assert admin.post(f"/keys/{made.key.id}/revoke", confirmed="yes").status_code == 303
    assert world.rows("SELECT revoked_by FROM api_key") == [("admin",)]
    assert "revoked" in admin.text("/keys")


def test_who_may_not_make_one_sees_no_button(world, viewer):
    create_key(world.conn, ANYBODY, "shop", ["send"], ["*"])
    text = viewer.text("/keys")
    assert "shop" in text
    assert "/new-key" not in text
    assert "/revoke" not in text
