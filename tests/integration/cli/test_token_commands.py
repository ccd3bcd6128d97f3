"""`ses tokens`, and the field `unsubscribe` on the command line."""

from __future__ import annotations

import json

from tests.integration.sending_world import DOMAIN


def test_a_rotation_adds_a_secret_that_no_command_shows(ses, world):
    (only,) = ses("tokens", "list", "--json").json
    assert only["makes_tokens"] is True
    added = ses("tokens", "rotate", "--json").json
    newest, oldest = ses("tokens", "list", "--json").json
    assert (newest["id"], newest["makes_tokens"]) == (added["id"], True)
    assert (oldest["id"], oldest["makes_tokens"]) == (only["id"], False)
    assert "older tokens stay valid" in ses("tokens", "rotate").out
    listed = ses("tokens", "list")
    assert listed.out.count("opens old tokens") == 2
    for (secret,) in world.rows("SELECT encode(secret, 'hex') FROM token_secret"):
        assert secret not in listed.out
        assert secret not in json.dumps(ses("tokens", "list", "--json").json)


def test_a_task_with_the_own_page_is_applied_shown_and_edited(ses, world, sale, monkeypatch):
    monkeypatch.setenv("SES_PUBLIC_URL", "https://mail.example.com")
    world.group("customers", 3)
    assert ses("task", "apply", sale(unsubscribe="ja")).code == 0
    shown = ses("task", "show", "sale", "--json").json
    assert (shown["unsubscribe"], shown["unsubscribe_url"]) == ("ja", None)
    edited = ses("task", "edit", "sale", "--unsubscribe-url", "https://x.example/u", "--yes")
    assert edited.code == 0, edited.err
    assert "unsubscribe: ja -> none" in edited.out
    shown = ses("task", "show", "sale", "--json").json
    assert (shown["unsubscribe"], shown["unsubscribe_url"]) == ("none", "https://x.example/u")
    edited = ses("task", "edit", "sale", "--unsubscribe", "zh-CN", "--yes")
    assert edited.code == 0, edited.err
    shown = ses("task", "show", "sale", "--json").json
    assert (shown["unsubscribe"], shown["unsubscribe_url"]) == ("zh-CN", None)
    both = ses("task", "edit", "sale", "--unsubscribe", "en", "--unsubscribe-url", "https://x.example/u", "--yes")
    assert both.code == 1
    assert "not both" in both.err


def test_without_a_public_address_the_task_is_refused_and_the_error_says_what_to_set(ses, world, sale, monkeypatch):
    monkeypatch.delenv("SES_PUBLIC_URL", raising=False)
    world.group("customers", 3)
    refused = ses("task", "apply", sale(unsubscribe="en"))
    assert refused.code == 1
    assert "SES_PUBLIC_URL" in refused.err
    assert f"@{DOMAIN}" not in refused.err


def test_an_edition_keeps_the_language_that_it_had(ses, world, sale, monkeypatch):
    monkeypatch.setenv("SES_PUBLIC_URL", "https://mail.example.com")
    world.group("customers", 3)
    assert ses("task", "apply", sale(unsubscribe="ja")).code == 0
    world.freeze(world.run("sale"))
    assert ses("task", "edit", "sale", "--unsubscribe", "ar", "--yes").code == 0
    editions = ses("task", "show", "sale", "--json").json["editions"]
    assert [one["unsubscribe"] for one in editions] == ["ar", "ja"]


def test_a_test_send_has_the_link_of_its_recipient(ses, world, mail_server, monkeypatch):
    monkeypatch.setenv("SES_PUBLIC_URL", "https://mail.example.com")
    sent = ses(
        *("test-send", "--template", "hello", "--sender", f"news@{DOMAIN}", "--to", "me@example.com"),
        *("--values", '{"name": "Ann"}', "--unsubscribe", "fr"),
    )
    assert sent.code == 0, sent.err
    assert b"List-Unsubscribe: <https://mail.example.com/u/" in mail_server.contents["me@example.com"]
