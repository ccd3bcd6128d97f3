"""Real mail of single messages: prepared, sent, and made anew of what is stored of it when it is tried again."""

from __future__ import annotations

import asyncio
import email
from contextlib import closing
from datetime import UTC, datetime
from email import policy

import pytest

from ses_ops.application.single_messages import preparing
from ses_ops.application.single_messages.preparing import MailPreparer
from ses_ops.application.template_source import TemplateSource
from ses_ops.domain.message_fields import parse_single_message
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.sending.single import duties
from ses_ops.sending.single.sender import SingleMailSender
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.integration.single.world import DOMAIN, until

FIELDS = {
    "code": {"subject": "Your code", "text": "It is 123456."},
    "of a template": {"template": "hello", "values": {"name": "Ada"}},
}


@pytest.mark.parametrize("kind", FIELDS)
def test_a_message_that_is_tried_again_by_another_process_is_the_same_mail(world, mail_server, monkeypatch, kind):
    monkeypatch.setattr(duties, "CLOSED_AFTER", 0.2)
    fields = {"from": f"Example <news@{DOMAIN}>", "to": ["a@customers.example", "b@customers.example"], **FIELDS[kind]}
    message = parse_single_message(fields, now=datetime.now(UTC))
    mail_server.refuse = lambda address: b"451 4.7.1 later\r\n" if address.startswith("b") else None
    settings = smtp_settings_from_connection_uri(world.smtp_uri)

    def sender_and_preparation():
        templates = TemplateSource(world.templates)
        preparation = MailPreparer(world.dsn, templates=templates, smtp=lambda: settings)
        plans = QuotaPlans.parse(world.quota_variable)
        sender = SingleMailSender(world.dsn, smtp=lambda: settings, plans=lambda: plans, remake=preparation.remake)
        return sender, preparation

    async def scene():
        sender, preparation = sender_and_preparation()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            mail = await preparation.prepare(message)
            admitted = acceptance.accept("a@customers.example", "b@customers.example", stored=message.stored, mail=mail)
            first = mail.content(admitted[1].chunk.attempt.occurrence_id, admitted[1].seq, 1)
            sender.add(admitted)
            await until(lambda: world.rows("SELECT 1 FROM chunk WHERE state = 'cached'"))
        finally:
            await sender.stop()
            acceptance.close()
            preparation.close()
        mail_server.refuse = None
        world.execute("UPDATE chunk SET due_at = now()")
        other, preparation = sender_and_preparation()
        other.begin()
        other.start()
        try:
            await until(lambda: world.states() == {"sent": 2})
        finally:
            await other.stop()
            preparation.close()
        return first

    first = asyncio.run(scene())
    made, sent = (email.message_from_bytes(one, policy=policy.default) for one in (first, contents(mail_server)))
    del made["Date"], sent["Date"]
    assert made.as_bytes().rstrip() == sent.as_bytes().rstrip()
    assert "123456" in first.decode() or "Ada" in first.decode()
    world.check_places()


def test_a_connection_that_is_wrong_for_a_while_is_no_fault_of_a_message(world, monkeypatch):
    """It failed accepted messages for good, and refused those whose time had come."""
    monkeypatch.setattr(preparing, "KEPT", 0.0)
    fields = {"from": f"Example <news@{DOMAIN}>", "to": ["a@customers.example"], **FIELDS["code"]}
    stored = parse_single_message(fields, now=datetime.now(UTC)).stored
    good, wrong = f"{world.smtp_uri}/?provider=amazon_ses&configuration_set=codes", f"{world.smtp_uri}/?timeout=never"
    uris = [good]

    def preparation():
        templates = TemplateSource(world.templates)
        smtp = lambda: smtp_settings_from_connection_uri(uris[0])  # noqa: E731
        return MailPreparer(world.dsn, templates=templates, smtp=smtp)

    with closing(preparation()) as running:
        assert b"X-SES-CONFIGURATION-SET: codes" in running.remake(stored).content(1, 1, 0)
        uris[0] = wrong
        assert b"X-SES-CONFIGURATION-SET: codes" in running.remake(stored).content(1, 1, 0)
    with closing(preparation()) as begun_meanwhile:
        assert b"123456" in begun_meanwhile.remake(stored).content(1, 1, 0)


def contents(mail_server) -> bytes:
    return mail_server.contents["b@customers.example"]


def test_a_message_whose_content_is_not_kept_any_more_has_failed_and_says_so(world, mail_server, monkeypatch):
    monkeypatch.setattr(duties, "CLOSED_AFTER", 0.2)
    mail_server.refuse = lambda _: b"451 4.7.1 later\r\n"

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("a@customers.example"))
            await until(lambda: world.rows("SELECT 1 FROM chunk WHERE state = 'cached'"))
            mail_server.refuse = None
            world.execute("DELETE FROM single_message_content")
            world.execute("UPDATE chunk SET due_at = now()")
            await until(lambda: world.states() == {"failed": 1})
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    ((text,),) = world.rows("SELECT smtp_text FROM message")
    assert "not kept any more" in text
    world.check_places()
