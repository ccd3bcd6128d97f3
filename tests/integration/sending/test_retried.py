"""Failed mail is tried again: of the codes that a person chose, never to the suppressed; and the guards know of it."""

from __future__ import annotations

import pytest

from ses_ops.application import task_decisions
from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import MailCannotBeMade
from ses_ops.storage.ledger.failures import NO_CODE
from ses_ops.transports.errors import MailRefused
from tests.actors import ANYBODY
from tests.integration.sending_world import World
from tests.recording_smtp import RecordingServer

#: Whose number is odd does not exist, whose number is even was refused.
BOUNCE, REFUSED = b"550 5.1.1 no such user", b"554 5.6.0 message content rejected"


def number(recipient: str) -> int:
    return int(recipient.partition("@")[0].partition("-")[2])


def refuse(recipient: str) -> bytes | None:
    """Two hundred of three hundred, of whom one in three comes in between."""
    n = number(recipient) * 7 % 300
    return None if n >= 200 else BOUNCE if n % 2 else REFUSED


@pytest.fixture
def failed(world: World, mail_server: RecordingServer) -> World:
    """A hundred hard bounces and a hundred refusals, spread over 300 messages that are sent in any order."""
    world.smtp_uri += "?most_unknown_users=1"
    mail_server.refuse = refuse
    world.group("customers", 300)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    assert world.states() == {"sent": 100, "failed": 200}
    return world


def what_failed(world: World) -> dict[int, tuple[int, int]]:
    found = {one.code: (one.count, one.suppressed) for one in task_decisions.what_failed(world.conn, "hello")}
    world.conn.rollback()
    return found


def again(world: World):
    return world.whole_run(world.run("hello", RunKind.RESUME))


def test_who_is_on_the_suppression_list_is_left_out_and_stays_failed(
    failed: World, mail_server: RecordingServer
) -> None:
    assert what_failed(failed) == {550: (100, 100), 554: (100, 0)}
    assert task_decisions.retry_failed(failed.conn, ANYBODY, "hello").count == 100
    assert failed.states() == {"sent": 100, "failed": 100, "requeued": 100}
    failed.check_ledger()
    mail_server.refuse = None
    assert again(failed).sent == 200
    assert failed.states() == {"sent": 200, "failed": 100}, "not suppressed: that would be another history"
    assert what_failed(failed) == {550: (100, 100)}
    assert task_decisions.retry_failed(failed.conn, ANYBODY, "hello").count == 0
    assert failed.overview("hello").status == "finished"
    failed.check_ledger()


def test_a_server_that_refuses_all_of_them_again_is_no_news(failed: World, mail_server: RecordingServer) -> None:
    """The guard against a server that refuses everybody would stop at fifty, and have a person look at the login."""
    assert task_decisions.retry_failed(failed.conn, ANYBODY, "hello").count == 100
    settlement = again(failed)
    assert (settlement.sent, settlement.failed, settlement.cached, settlement.error) == (100, 200, 0, None)
    assert failed.rows("SELECT DISTINCT ending FROM attempt WHERE run_id LIKE 'resume%%'") == [("finished",)]
    failed.check_ledger()


def test_hard_bounces_that_bounce_again_are_no_news_of_the_list(failed: World, mail_server: RecordingServer) -> None:
    """A person took them from the suppression list, because the server had been wrong about them; it still is."""
    failed.execute("DELETE FROM suppression")
    failed.smtp_uri = mail_server.uri  # where a fifth of unknown users is too many
    assert task_decisions.retry_failed(failed.conn, ANYBODY, "hello").count == 200
    # Half of those that were refused are taken now: the server has accepted some.
    mail_server.refuse = lambda to: BOUNCE if refuse(to) == BOUNCE else None
    settlement = again(failed)
    assert (settlement.sent, settlement.failed, settlement.cached, settlement.error) == (200, 100, 0, None)
    assert failed.rows("SELECT count(*)::int FROM suppression") == [(100,)], "they have bounced twice"
    failed.check_ledger()


def test_a_server_that_says_it_is_about_us_stops_a_retry_too(failed: World, mail_server: RecordingServer) -> None:
    assert task_decisions.retry_failed(failed.conn, ANYBODY, "hello").count == 100
    mail_server.refuse = lambda _: b"554 5.7.1 Relay access denied"
    run = failed.run("hello", RunKind.RESUME)
    (chunk_id,) = failed.reserve(run).chunk_ids
    with pytest.raises(MailRefused, match="check login, sender"):
        failed.send(chunk_id, run)
    settlement = failed.settle(run)
    assert (settlement.failed, settlement.cached) == (100, 100)
    failed.check_ledger()


def test_new_mail_in_the_same_chunk_is_guarded_as_ever(world: World, mail_server: RecordingServer) -> None:
    world.group("customers", 300)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    # Ten failed before, in the chunk whose others were never tried.
    world.execute("UPDATE message SET state = 'failed', smtp_code = 554 WHERE seq <= 10")
    world.execute("UPDATE chunk SET failed = 10, pending = pending - 10, sending_through = 10")
    assert task_decisions.retry_failed(world.conn, ANYBODY, "hello").count == 10
    mail_server.refuse = lambda _: REFUSED
    run = world.run("hello", RunKind.RESUME)
    (chunk_id,) = world.reserve(run).chunk_ids
    with pytest.raises(MailRefused):
        world.send(chunk_id, run)
    assert world.settle(run).cached >= 200
    world.check_ledger()


def test_only_the_codes_that_were_chosen_are_tried_again(failed: World, mail_server: RecordingServer) -> None:
    failed.execute("DELETE FROM suppression WHERE address_key LIKE 'customers-1%%'")
    (mine,) = failed.rows(
        "SELECT count(*)::int FROM message WHERE state = 'failed' AND smtp_code = 550"
        " AND address_key LIKE 'customers-1%%'"
    )[0]
    assert 0 < mine < 100
    assert what_failed(failed)[550] == (100, 100 - mine)
    assert task_decisions.retry_failed(failed.conn, ANYBODY, "hello", codes={550, 999}).count == mine
    mail_server.refuse = None
    assert again(failed).sent == 100 + mine
    assert what_failed(failed) == {554: (100, 0), 550: (100 - mine, 100 - mine)}
    failed.check_ledger()


def test_messages_that_could_not_be_made_are_chosen_by_no_code_and_stop_nobody_again(world: World, mail_server) -> None:
    world.group("customers", 120)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (world.templates / "hello" / "body.html").write_text("{{ name.surname.first }}")
    (chunk_id,) = world.reserve(run).chunk_ids
    with pytest.raises(MailCannotBeMade):
        world.send(chunk_id, run)
    world.settle(run)
    (world.templates / "hello" / "body.html").write_text("{% if name == 'Person 120' %}{{ name.a.b }}{% endif %}")
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert world.states() == {"sent": 69, "failed": 51}
    assert what_failed(world) == {NO_CODE: (51, 0)}
    (world.templates / "hello" / "body.html").write_text("{{ name.surname.first }}")
    assert task_decisions.retry_failed(world.conn, ANYBODY, "hello", codes={NO_CODE}).count == 51
    settlement = again(world)
    assert (settlement.failed, settlement.error) == (51, None)
    world.check_ledger()
