"""A template that changes while its mail waits: the mail is kept and the error says what to do, or it fits still."""

from __future__ import annotations

import pytest

from ses_ops.cli.hints import hint
from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import MailCannotBeMade, TemplateError
from ses_ops.sending.chunk import feed
from ses_ops.sending.chunk.feed import MOST_UNMADE


@pytest.fixture
def frozen(world):
    """A task of 200 messages whose audience is frozen and reserved."""
    world.group("customers", 200)
    world.task("hello", group="customers")
    world.the_run = world.run("hello")
    world.freeze(world.the_run)
    (world.chunk_id,) = world.reserve(world.the_run).chunk_ids
    return world


def body(world, text: str) -> None:
    (world.templates / "hello" / "body.html").write_text(text)


def test_a_template_that_needs_more_than_the_frozen_audience_has_stops_before_the_first_mail(frozen, mail_server):
    body(frozen, "<p>Dear {{ name }}, your {{ plan }} and {{ city }}.</p>")
    with pytest.raises(TemplateError, match="now needs city, plan") as stopped:
        frozen.send(frozen.chunk_id, frozen.the_run)
    assert hint(stopped.value) == ", then `ses task resume hello`"
    assert mail_server.total == 0
    settlement = frozen.settle(frozen.the_run)
    assert (settlement.cached, settlement.failed) == (200, 0)
    body(frozen, "<p>Hello!</p>")  # a value that is not used any more does no harm
    assert frozen.whole_run(frozen.run("hello", RunKind.RESUME)).sent == 200
    frozen.check_ledger()


def test_a_template_that_no_message_can_be_made_of_fails_a_few_and_keeps_the_rest(frozen, mail_server):
    body(frozen, "<p>{{ name.surname.first }}</p>")
    with pytest.raises(MailCannotBeMade, match=r"50 messages in a row cannot be made: .*surname"):
        frozen.send(frozen.chunk_id, frozen.the_run)
    settlement = frozen.settle(frozen.the_run)
    assert (settlement.failed, settlement.cached, settlement.unknown) == (MOST_UNMADE, 200 - MOST_UNMADE, 0)
    assert mail_server.total == 0
    frozen.check_ledger()


def test_single_messages_that_cannot_be_made_stop_nobody_else(frozen, mail_server, monkeypatch):
    monkeypatch.setattr(feed, "MOST_UNMADE", 2)
    body(frozen, "{% if name.endswith('1') %}{{ name.surname.first }}{% endif %}{{ name }}")
    frozen.send(frozen.chunk_id, frozen.the_run)
    settlement = frozen.settle(frozen.the_run)
    assert (settlement.failed, settlement.sent) == (20, 180)
    frozen.check_ledger()


def test_an_error_of_our_own_fails_nobody_and_leaves_no_doubt(frozen, mail_server, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("ses_ops.rendering.message.MessageRenderer.render", broken)
    with pytest.raises(ZeroDivisionError):
        frozen.send(frozen.chunk_id, frozen.the_run)
    settlement = frozen.settle(frozen.the_run)
    assert (settlement.failed, settlement.cached, settlement.unknown) == (0, 200, 0)
    frozen.check_ledger()


def test_a_task_without_the_link_that_its_template_shows_does_not_start(world, mail_server):
    world.group("customers", 20)
    world.task("hello", group="customers")
    body(world, "<p>{{ name }}</p>\n<a href='{{ unsubscribe_url }}'>Unsubscribe</a>")
    with pytest.raises(TemplateError, match=r"\(line 2 of hello/body.html\), which would be empty"):
        world.freeze(world.run("hello"))
    assert "line 2 of hello/body.html" in world.overview("hello").error
    assert mail_server.total == 0
    body(world, "<p>{{ name }}</p>{% if unsubscribe_url %}<a href='{{ unsubscribe_url }}'>Unsubscribe</a>{% endif %}")
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 20
    assert world.overview("hello").error is None
    world.check_ledger()


def test_mail_that_was_frozen_with_an_empty_link_waits_and_is_lost_by_nobody(frozen, mail_server):
    body(frozen, "<p>{{ name }} {{ unsubscribe_url }}</p>")
    with pytest.raises(TemplateError, match="which would be empty in all mail of this task"):
        frozen.send(frozen.chunk_id, frozen.the_run)
    assert mail_server.total == 0
    settlement = frozen.settle(frozen.the_run)
    assert (settlement.cached, settlement.failed) == (200, 0)
    body(frozen, "<p>{{ name }}</p>")
    assert frozen.whole_run(frozen.run("hello", RunKind.RESUME)).sent == 200
    frozen.check_ledger()
