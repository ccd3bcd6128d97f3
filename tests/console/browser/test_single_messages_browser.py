"""The pages of single messages in a real browser: they shut nobody out, and a message is found by the keyboard."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.single_mail import FAILED, SENT, SUPPRESSED, UNKNOWN, WAITING, SingleMail

LONG = "a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".example"


@pytest.fixture
def messages(world):
    """Messages in every status, of two keys and two sender domains, with long names; by name their paths."""
    for key, name in (("AKIDtest", "shop"), ("AKIDother", "a name of a key that is rather long for a name")):
        world.execute(
            "INSERT INTO api_key (id, name, scopes, domains, secret_hash, secret_box)"
            " VALUES (%s, %s, '{send}', '{*}', '', '')",
            *(key, name),
        )
    mail = SingleMail(world.conn)
    why = {"code": "quota_used_up", "facts": {}}
    long = {
        "subject": "Your order {{ number }} " * 12,
        "reference": "order-" + "9" * 120,
        "tags": ["receipt", "x" * 60],
    }
    made = {
        "sent": mail.message(("ann@shop.example", SENT), tags=["code"], reference="login-1"),
        "failed": mail.message(("ben@shop.example", FAILED), key_id="AKIDother", ago=timedelta(minutes=7)),
        "many": mail.message(
            *(("cat@shop.example", SENT), ("dan@shop.example", SUPPRESSED), ("eve@shop.example", UNKNOWN)),
            *((f"guest-{number}@shop.example", SENT) for number in range(3)),
            cc=2,
            bcc=1,
            template="hello",
            template_version=3,
        ),
        "long": mail.message((LONG, FAILED), domain="codes.example.com", **long),
        "scheduled": mail.message(("fay@shop.example", WAITING), scheduled=True),
        "refused": mail.message(("gus@shop.example", WAITING), scheduled=True, refused=why),
        "cancelled": mail.message(("hal@shop.example", WAITING), scheduled=True, cancelled=True),
        "waiting": mail.message(("ida@shop.example", WAITING)),
    }
    for number in range(25):
        mail.message((f"p{number}@shop.example", SENT), ago=timedelta(hours=1))
    return {"": "/messages", **{name: f"/messages/{one}" for name, one in made.items()}}


@pytest.mark.parametrize("name", ["", "sent", "failed", "many", "long", "scheduled"])
def test_the_page_shuts_nobody_out(messages, nothing_shuts_people_out, name):
    nothing_shuts_people_out(messages[name], "user")


def test_a_message_is_found_and_read_by_the_keyboard_alone(messages, open_page):
    page = open_page("/messages", "viewer")
    page.get_by_label("Address").fill("ben@shop.example")
    page.get_by_label("Address").press("Enter")
    page.get_by_role("heading", name="Found messages").wait_for()
    link = page.get_by_role("link", name="ben@shop.example")
    link.press("Enter")
    page.get_by_role("heading", name="Message to ben@shop.example").wait_for()
    assert "unknown user" in page.locator(".timeline").inner_text()
    assert page.get_by_role("button", name="Send again").count() == 0, "a viewer may not send"
