"""Mail that a server puts off (4xx): tried again for some days, and then failed with the server's words."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from ses_ops.application import task_decisions
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import InvalidInput, TransportUnavailable
from ses_ops.transports.flow.refusal_streak import LIMIT_BEFORE_SUCCESS
from ses_ops.transports.smtp.settings import SmtpSettings
from tests.actors import ANYBODY
from tests.recording_smtp import RecordingServer

FULL = b"452 4.2.2 mailbox full"
THROTTLED = b"454 4.7.0 Throttling failure: Maximum sending rate exceeded"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ses_ops.sending.chunk.deferred.RETRY_DELAYS", ())


def put_off_since(world, days: float) -> None:
    world.execute("UPDATE message SET first_deferred_at = now() - %s WHERE state = 'requeued'", timedelta(days=days))


def again(world):
    return world.whole_run(world.run("hello", RunKind.TRIGGERED))


@pytest.fixture
def put_off(world, mail_server: RecordingServer):
    """A task of 10 messages of which two were put off."""
    world.group("customers", 10)
    world.task("hello", group="customers")
    mail_server.refuse = lambda recipient: FULL if recipient.startswith(("customers-3@", "customers-7@")) else None
    settlement = world.whole_run(world.run("hello"))
    assert (settlement.sent, settlement.cached) == (8, 2)
    return world


def test_a_message_that_is_put_off_for_more_than_four_days_fails_with_the_servers_words(put_off) -> None:
    put_off_since(put_off, 3.9)
    assert again(put_off).cached == 2
    put_off_since(put_off, 4.1)
    settlement = again(put_off)
    assert (settlement.cached, settlement.failed) == (0, 2)
    ((code, text),) = put_off.rows("SELECT DISTINCT smtp_code, smtp_text FROM message WHERE state = 'failed'")
    assert code == 452
    assert text.startswith("4.2.2 mailbox full")
    assert "given up: first put off more than 4 days ago" in text
    assert put_off.overview("hello").status is TaskStatus.FINISHED
    put_off.check_ledger()


def test_the_days_begin_with_the_first_refusal(put_off) -> None:
    noted = put_off.rows("SELECT seq, first_deferred_at FROM message WHERE first_deferred_at IS NOT NULL ORDER BY seq")
    assert [seq for seq, _ in noted] == [3, 7]
    again(put_off)
    assert noted == put_off.rows(
        "SELECT seq, first_deferred_at FROM message WHERE first_deferred_at IS NOT NULL ORDER BY seq"
    )


def test_a_server_that_is_away_for_weeks_gives_nothing_up_and_takes_all_when_it_is_back(put_off, mail_server) -> None:
    put_off_since(put_off, 30)
    good, put_off.smtp_uri = put_off.smtp_uri, "smtp://127.0.0.1:1?unavailable_after=0.2"
    run = put_off.run("hello", RunKind.TRIGGERED)
    with pytest.raises(TransportUnavailable):
        put_off.whole_run(run)
    assert put_off.settle(run).cached == 2
    put_off.smtp_uri, mail_server.refuse = good, None
    settlement = again(put_off)
    assert (settlement.sent, settlement.failed) == (10, 0)


def test_a_person_who_tries_the_failed_ones_again_gives_them_all_their_days_anew(put_off) -> None:
    put_off_since(put_off, 5)
    assert again(put_off).failed == 2
    assert task_decisions.retry_failed(put_off.conn, ANYBODY, "hello").count == 2
    settlement = again(put_off)
    assert (settlement.cached, settlement.failed) == (2, 0)


def test_the_time_is_a_setting_of_the_mail_server(put_off) -> None:
    put_off.smtp_uri += "?give_up_after=3600"
    put_off_since(put_off, 0.05)
    assert again(put_off).failed == 2
    ((text,),) = put_off.rows("SELECT DISTINCT smtp_text FROM message WHERE state = 'failed'")
    assert "3600 s" in text
    with pytest.raises(InvalidInput, match="give_up_after"):
        SmtpSettings(host="localhost", give_up_after=0)


def test_a_relay_that_puts_everybody_off_gets_a_few_and_the_rest_waits_with_its_words(world, mail_server) -> None:
    offered = []
    mail_server.refuse = lambda recipient: offered.append(recipient) or THROTTLED
    world.group("customers", 2000)
    world.task("hello", group="customers")
    run = world.run("hello")
    with pytest.raises(TransportUnavailable, match=r"454 4\.7\.0 Throttling failure"):
        world.whole_run(run)
    assert LIMIT_BEFORE_SUCCESS <= len(offered) <= LIMIT_BEFORE_SUCCESS + 25
    settlement = world.settle(run)
    assert (settlement.cached, settlement.failed) == (2000, 0)
    assert "454 4.7.0 Throttling failure" in world.overview("hello").reason
    assert settlement.resume_at is not None
    mail_server.refuse = None
    assert again(world).sent == 2000
    world.check_ledger()


def test_a_throttled_relay_is_offered_what_it_put_off_before_anything_new(world, mail_server, monkeypatch) -> None:
    monkeypatch.setattr("ses_ops.sending.chunk.deferred.RETRY_DELAYS", (0.2,) * 50)
    monkeypatch.setattr("ses_ops.transports.flow.refusal_streak.LIMIT_AFTER_SUCCESS", 1_000)
    stop, refused = threading.Event(), []

    def refuse(recipient: str) -> bytes | None:
        if mail_server.total < 50:
            return None
        refused.append(recipient)
        if len(refused) == 250:
            stop.set()
        return THROTTLED

    mail_server.refuse = refuse
    world.smtp_uri += "?connections=4"
    world.group("customers", 2000)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    world.send(chunk_id, run, stop)
    assert len(refused) >= 250
    assert len(set(refused)) < 150
    world.settle(run)
    world.check_ledger()


def test_those_who_are_always_put_off_come_neither_before_nor_after_all_others(world, mail_server, monkeypatch) -> None:
    monkeypatch.setattr("ses_ops.sending.chunk.writer.RETRIES_AT_ONCE", 5)
    mail_server.refuse = lambda recipient: THROTTLED
    world.group("customers", 400)
    world.task("hello", group="customers")
    for _ in range(2):
        run = world.run("hello", RunKind.TRIGGERED)
        with pytest.raises(TransportUnavailable):
            world.whole_run(run)
        world.settle(run)
    always = {address for (address,) in world.rows("SELECT address FROM message WHERE tries > 0")}
    assert len(always) >= LIMIT_BEFORE_SUCCESS
    mail_server.refuse = lambda recipient: THROTTLED if recipient in always else None
    settlement = again(world)
    assert (settlement.sent, settlement.cached) == (400 - len(always), len(always))
