"""A mailing that was dumped in the middle, sent on, and restored: nobody is mailed twice, and a person decides."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from ses_ops.application.task_decisions import UnknownDecision, resolve_unknown
from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import LedgerRestored, NewerSchema
from ses_ops.sending.recover import recover
from ses_ops.storage.connection import database_now
from tests.actors import ANYBODY
from tests.integration.restore.conftest import check, say
from tests.integration.sending_world import quota

COUNT = 600


def half_sent(world, name: str = "sale", *, limit: int = 300) -> None:
    """A task of COUNT messages of which the day has let `limit` leave."""
    world.quota_variable = quota(limit)
    world.group(name, COUNT)
    world.task(name, group=name)
    world.whole_run(world.run(name))


def send_the_rest(world, name: str = "sale") -> None:
    world.quota_variable = quota(1_000_000)
    world.whole_run(world.run(name, RunKind.TRIGGERED))


@pytest.fixture
def restored(world, mail_server, backups, other_server):
    """Dumped with 300 of 600 sent, all of them sent by the old system, and restored on another server."""
    half_sent(world)
    file = backups.dump(world)
    send_the_rest(world)
    assert mail_server.total == COUNT
    return backups.restore(file, like=world, server=other_server)


def test_a_restored_ledger_sends_nothing_until_a_person_speaks(restored, mail_server):
    run = restored.run("sale", RunKind.TRIGGERED)
    with pytest.raises(LedgerRestored) as refused:
        restored.freeze(run)
    assert "restored from a backup" in str(refused.value)
    assert "ses restore" in str(refused.value)
    with pytest.raises(LedgerRestored):
        restored.reserve(run)
    (chunk_id,) = [row[0] for row in restored.rows("SELECT id FROM chunk WHERE pending > 0")]
    with pytest.raises(LedgerRestored):
        restored.send(chunk_id, run)
    with pytest.raises(LedgerRestored):
        recover(restored.conn)
    assert mail_server.total == COUNT
    assert restored.overview("sale").error is None, "the refusal is of the ledger, not of one task"


def test_what_may_have_left_is_unknown_and_nobody_gets_it_twice(restored, mail_server):
    done = say(restored)
    assert (done.needed, done.unknown) == (True, {"sale": 300})
    task = restored.overview("sale")
    assert (task.sent_count, task.unknown_count, task.cached_count) == (300, 300, 0)
    check(restored)
    send_the_rest(restored)
    assert set(mail_server.accepted.values()) == {1}, "not even a run by hand sends what is unknown"
    reasons = restored.rows("SELECT DISTINCT smtp_text FROM message WHERE state = 'unknown'")
    assert len(reasons) == 1
    assert "may have been sent until" in reasons[0][0]

    resolve_unknown(restored.conn, ANYBODY, "sale", UnknownDecision.ASSUME_SENT)
    task = restored.overview("sale")
    assert (task.sent_count, task.unknown_count) == (COUNT, 0)
    check(restored)
    assert restored.rows("SELECT sum(sent) FROM attempt") == [(COUNT,)], "what a person counts as sent is of a day"
    assert restored.rows("SELECT sum(accepted) FROM send_count") == [(COUNT,)]


def test_a_person_may_have_the_doubtful_ones_sent(world, mail_server, backups, other_server):
    half_sent(world)
    restored = backups.restore(backups.dump(world), like=world, server=other_server)
    say(restored)
    resolve_unknown(restored.conn, ANYBODY, "sale", UnknownDecision.RESEND)
    send_the_rest(restored)
    assert mail_server.total == COUNT
    assert set(mail_server.accepted.values()) == {1}
    check(restored)


def test_a_dump_in_mid_chunk_leaves_what_was_under_way_unknown(world, mail_server, backups, other_server):
    mail_server.delay = 0.01
    world.smtp_uri += "?connections=4"
    world.group("sale", COUNT)
    world.task("sale", group="sale")
    run = world.run("sale")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    sender = threading.Thread(target=world.send, args=(chunk_id, run))
    sender.start()
    while mail_server.total < 50:
        time.sleep(0.002)
    mail_server.delay = 1.0  # so that it is still at work however long the dump takes
    file = backups.dump(world)
    mail_server.delay = 0.0
    sender.join()
    assert mail_server.total == COUNT
    restored = backups.restore(file, like=world, server=other_server)
    say(restored)
    task = restored.overview("sale")
    assert task.sent_count + task.unknown_count == COUNT
    assert task.unknown_count > 0
    check(restored)
    assert restored.rows("SELECT reserved, used FROM quota_day") == [(0, COUNT)], (
        "a doubt has used its place of the day"
    )
    send_the_rest(restored)
    assert set(mail_server.accepted.values()) == {1}


def test_doubts_count_as_used_today_as_far_as_the_day_has_room(world, backups, other_server):
    half_sent(world, limit=300)
    world.quota_variable = quota(400)
    restored = backups.restore(backups.dump(world), like=world, server=other_server)
    assert say(restored).quota_used == {"mail.example.com": 100}
    assert restored.rows("SELECT used FROM quota_day") == [(400,)]


def test_a_paused_task_cannot_be_proven_to_have_stayed_paused(world, backups, other_server):
    half_sent(world)
    world.execute("UPDATE send_task SET paused_at = now(), paused_reason = 'a person'")
    restored = backups.restore(backups.dump(world), like=world, server=other_server)
    assert say(restored).unknown == {"sale": 300}


def test_what_was_cancelled_stays_cancelled(world, backups, other_server):
    half_sent(world)
    world.execute("UPDATE send_task SET cancelled_at = now(), cancelled_reason = 'a person'")
    restored = backups.restore(backups.dump(world), like=world, server=other_server)
    assert say(restored).unknown == {}
    assert restored.overview("sale").cancelled_count == 300


def test_a_moved_ledger_goes_on_when_a_person_knows_that_nothing_was_sent(world, mail_server, backups, other_server):
    half_sent(world)
    moved = backups.restore(backups.dump(world), like=world, server=other_server)
    done = say(moved, nothing_was_sent=True)
    assert (done.needed, done.nothing_was_sent, done.unknown) == (True, True, {})
    send_the_rest(moved)
    assert mail_server.total == COUNT
    assert set(mail_server.accepted.values()) == {1}


def test_another_name_on_the_same_server_is_another_place(world, backups, postgres):
    half_sent(world)
    copy = backups.restore(backups.dump(world), like=world, server=postgres)
    with pytest.raises(LedgerRestored):
        copy.reserve(copy.run("sale", RunKind.TRIGGERED))
    assert say(copy).unknown == {"sale": 300}
    # The first one is where it was.
    send_the_rest(world)


def test_a_database_that_was_dropped_and_made_anew_is_another_place(world, backups, other_server, mail_server):
    half_sent(world)
    there = backups.restore(backups.dump(world), like=world, server=other_server)
    say(there, nothing_was_sent=True)
    file = backups.dump(there, "there.dump")
    send_the_rest(there)
    again = backups.restore_in_place_of(file, there, server=other_server)
    with pytest.raises(LedgerRestored):
        again.reserve(again.run("sale", RunKind.TRIGGERED))
    say(again)
    send_the_rest(again)
    assert set(mail_server.accepted.values()) == {1}


def test_a_restore_into_the_database_that_is_there_is_noticed(world, backups, mail_server):
    half_sent(world)
    file = backups.dump(world)
    send_the_rest(world)
    world.conn.rollback()
    backups.restore_over(file, world)
    with pytest.raises(LedgerRestored):
        world.reserve(world.run("sale", RunKind.TRIGGERED))
    say(world)
    send_the_rest(world)
    assert set(mail_server.accepted.values()) == {1}


def test_two_restores_one_after_the_other(world, mail_server, backups, other_server, postgres):
    half_sent(world)
    file = backups.dump(world)
    send_the_rest(world)
    once = backups.restore(file, like=world, server=other_server)
    say(once)
    half_sent(once, "second", limit=1_000)
    later = backups.dump(once)
    send_the_rest(once, "second")
    twice = backups.restore(later, like=once, server=postgres)
    with pytest.raises(LedgerRestored):
        twice.reserve(twice.run("second", RunKind.TRIGGERED))
    say(twice)
    for name in ("sale", "second"):
        send_the_rest(twice, name)
    assert set(mail_server.accepted.values()) == {1}
    assert twice.rows("SELECT count(*) FROM ledger_restore") == [(2,)]
    check(twice)


def test_it_is_safe_to_say_it_again(restored):
    say(restored)
    resolve_unknown(restored.conn, ANYBODY, "sale", UnknownDecision.RESEND)
    again = say(restored)
    assert (again.needed, again.unknown) == (False, {})
    assert restored.overview("sale").unknown_count == 0
    assert say(restored, same_server=True).unknown == {"sale": 300}, "of a server that was restored a person knows"


def test_a_ledger_that_a_process_sends_is_not_touched(world, backups, other_server):
    half_sent(world)
    restored = backups.restore(backups.dump(world), like=world, server=other_server)
    say(restored, nothing_was_sent=True)
    restored.quota_variable = quota(1_000)
    (chunk_id,) = restored.reserve(restored.run("sale", RunKind.TRIGGERED)).chunk_ids
    with restored.conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7365, %s)", (chunk_id,))
    with pytest.raises(Exception, match="are being sent now"):
        say(restored, same_server=True)
    assert restored.overview("sale").unknown_count == 0


def test_moments_that_cannot_be_are_refused(restored):
    now = database_now(restored.conn)
    for wrong in ({"until": now + timedelta(hours=1)}, {"taken_at": now, "until": now - timedelta(hours=1)}):
        with pytest.raises(Exception, match=r"has not come yet|cannot have stopped"):
            say(restored, **wrong)
    assert restored.rows("SELECT count(*) FROM ledger_restore") == [(0,)]


def test_a_sender_of_an_older_version_sends_nothing_with_a_newer_schema(world, mail_server):
    half_sent(world)
    run = world.run("sale", RunKind.TRIGGERED)
    known = world.rows("SELECT version_num FROM ses_schema_version")
    world.execute("UPDATE ses_schema_version SET version_num = '9999'")
    with pytest.raises(NewerSchema, match="newer version's schema"):
        world.reserve(run)
    with pytest.raises(NewerSchema):
        recover(world.conn)
    assert mail_server.total == 300
    world.execute(f"UPDATE ses_schema_version SET version_num = '{known[0][0]}'")
    send_the_rest(world)
    assert mail_server.total == COUNT
