"""A mailing through a provider: the header that left comes back with its event, and finds the message's row."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from ses_ops.application.record_events import record_events
from ses_ops.events.hook import Hook
from ses_ops.events.mailgun import Mailgun
from ses_ops.events.postmark import Postmark
from ses_ops.events.sendgrid import SendGrid
from ses_ops.events.tencent_ses import TencentSes
from ses_ops.events.tokens import Purpose, TokenReader
from ses_ops.storage.connection import transaction
from ses_ops.storage.events.token_secrets import token_secrets
from tests.integration.sending.test_message_tokens import Kept
from tests.integration.sending_world import World
from tests.servers.mail_server import free_port
from tests.unit.events import test_amazon_ses
from tests.unit.events.hook_world import UNKNOWN_USER, heard, request


@pytest.fixture
def provider() -> Iterator[tuple[Kept, str]]:
    """A provider's server, which takes all mail."""
    kept = Kept()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port(), ready_timeout=60)
    controller.start()
    yield kept, f"smtp://127.0.0.1:{controller.port}/?tls=none"
    controller.stop()


def amazon(mail: Message, to: str) -> dict[str, Any]:
    """Amazon takes the tags out of the mail, and gives them back as a table."""
    name, _, value = str(mail["X-SES-MESSAGE-TAGS"]).partition("=")
    recipient = {"emailAddress": to, "diagnosticCode": UNKNOWN_USER}
    bounce = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [recipient]}
    return test_amazon_ses.message(
        test_amazon_ses.record("Bounce", "bounce", {**bounce, "feedbackId": to}, tags={name: [value]}, headers=[])
    )


def tencent(mail: Message, to: str) -> dict[str, Any]:
    name = "X-Tencentcloudses-Cb-Sesops"
    bounce = {"event": "bounce", "bounceType": "hard_bounce", "reason": UNKNOWN_USER, "email": to}
    return {**bounce, "timestamp": int(time.time()), name: mail[name]}


def sendgrid(mail: Message, to: str) -> list[dict[str, Any]]:
    bounce = {"event": "bounce", "type": "bounce", "reason": UNKNOWN_USER, "email": to, "sg_event_id": to}
    return [{**bounce, "timestamp": int(time.time()), **json.loads(mail["X-SMTPAPI"])["unique_args"]}]


def mailgun(mail: Message, to: str) -> dict[str, Any]:
    event = {"event": "failed", "severity": "permanent", "recipient": to, "timestamp": time.time()}
    variables = {"user-variables": json.loads(mail["X-Mailgun-Variables"])}
    return {
        "signature": {"token": to},
        "event-data": {**event, **variables, "delivery-status": {"message": UNKNOWN_USER}},
    }


def postmark(mail: Message, to: str) -> dict[str, Any]:
    bounce = {"RecordType": "Bounce", "Type": "HardBounce", "ID": to, "Email": to, "BouncedAt": "2026-11-29T12:00:00Z"}
    return {**bounce, "Details": UNKNOWN_USER, "Metadata": {"ses-ops": mail["X-PM-Metadata-ses-ops"]}}


@pytest.mark.parametrize(
    ("name", "hook", "event"),
    [
        ("amazon_ses&configuration_set=events", test_amazon_ses.hook(), amazon),
        ("tencent_ses", TencentSes(()), tencent),
        ("sendgrid", SendGrid(()), sendgrid),
        ("mailgun", Mailgun(()), mailgun),
        ("postmark", Postmark(()), postmark),
    ],
    ids=["amazon_ses", "tencent_ses", "sendgrid", "mailgun", "postmark"],
)
def test_the_event_of_a_message_finds_its_row(
    world: World, provider: tuple[Kept, str], name: str, hook: Hook, event: Callable[[Message, str], Any]
) -> None:
    kept, uri = provider
    world.smtp_uri = f"{uri}&provider={name}"
    world.group("customers", 3)
    world.task("hello", group="customers", reply_to="help@example.com")
    assert world.whole_run(world.run("hello")).sent == 3
    with transaction(world.conn):
        reader = TokenReader(token_secrets(world.conn), Purpose.EVENT)
    found = []
    for _, to, content in kept.taken:
        mail = message_from_bytes(content)
        if "amazon" in name:
            assert mail["X-SES-CONFIGURATION-SET"] == "events"
        assert mail["Reply-To"] == "help@example.com"
        given = heard(hook, request(event(mail, to)), reader)
        assert not given.set_aside
        found += given.events
    assert record_events(world.conn, found).new == 3
    rows = world.rows(
        "SELECT m.address, e.kind::text, e.hard FROM message_event e JOIN message m USING (occurrence_id, seq)"
        " WHERE e.source = %s ORDER BY m.address",
        hook.source,
    )
    assert rows == [(f"customers-{n}@customers.example", "bounced", True) for n in (1, 2, 3)]
    assert [one.address for one in sorted(found, key=lambda one: one.address)] == [address for address, *_ in rows]


def test_mail_without_a_provider_has_no_such_header(world: World, provider: tuple[Kept, str]) -> None:
    kept, world.smtp_uri = provider
    world.group("customers", 1)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    ((_, _, content),) = kept.taken
    for name in ("X-SES", "X-Tencent", "X-SMTPAPI", "X-Mailgun", "X-PM"):
        assert name.encode() not in content
