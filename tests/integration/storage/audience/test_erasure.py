"""A person who asks to be forgotten: nothing names them any more, nothing that was counted changes, no mail comes."""

from __future__ import annotations

import gzip

import pytest

from ses_ops.application import task_decisions
from ses_ops.application.group_import import import_group
from ses_ops.domain.address import parse_address
from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import GroupBusy, GroupInUse, NotFound
from ses_ops.storage.audience import erasure, recipients
from ses_ops.storage.audience.erasure import Erasure
from ses_ops.storage.connection import connect, transaction
from ses_ops.storage.suppression import entries
from tests.actors import ANYBODY
from tests.integration.sending.test_suppressed_meanwhile import address, cached_after_five, suppress
from tests.integration.sending_world import World, quota


def erase(world: World, number: int) -> Erasure:
    with transaction(world.conn):
        return erasure.erase(world.conn, parse_address(address(number)), by="ann")


def stored_of(world: World, text: str) -> list[str]:
    """The tables that have a text anywhere, in any case of letters; reports are unpacked."""
    tables = world.rows(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = [
        table
        for (table,) in tables
        if world.rows(f"SELECT 1 FROM {table} t WHERE strpos(lower(t::text), %s) > 0 LIMIT 1", text)
    ]
    for table in ("import_run",):
        reports = world.rows(f"SELECT report FROM {table} WHERE report IS NOT NULL")
        found += [f"{table}.report" for (report,) in reports if text in gzip.decompress(bytes(report)).decode().lower()]
    return found


def put(world: World, text: str, name: str = "customers") -> None:
    import_group(world.conn, name, [text.encode()], where="f.csv", report=lambda _: None)


def test_nothing_names_the_person_and_every_count_stays(world, mail_server):
    cached_after_five(world)
    suppress(world, 2)
    world.execute("UPDATE message SET smtp_text = '250 ok for ' || address WHERE state = 'sent'")
    world.execute("UPDATE send_task SET error = 'cannot make it for ' || %s", address(2).title())
    world.execute("UPDATE send_task SET first_subject = 'Hello ' || %s", address(2))
    report = gzip.compress(f"\ufeffemail,ses_reason\r\n{address(2)},line 2: no\r\nx@y,line 3: no\r\n".encode())
    world.execute(
        "INSERT INTO import_run (id, group_name, file_name, started_by, state, report, report_rows, doubtful,"
        " problem) VALUES (gen_random_uuid(), 'customers', 'f', 'ann', 'failed', %s, 2,"
        " jsonb_build_array(jsonb_build_array(2, %s::text, 'x'), jsonb_build_array(3, 'b@c.example', 'y')),"
        " 'bad ' || %s)",
        report,
        address(2),
        address(2),
    )
    before, states = world.overview("hello"), world.states()
    done = erase(world, 2)
    assert (done.groups, done.messages, done.being_sent, done.suppressed, done.reports) == (
        {"customers": 1}, 1, 0, True, 1,
    )  # fmt: skip
    assert stored_of(world, address(2)) == []
    after = world.overview("hello")
    assert (after.sent_count, after.request_count, world.states()) == (before.sent_count, before.request_count, states)
    assert world.rows("SELECT recipient_count FROM recipient_group") == [(9,)]
    assert world.rows("SELECT address, values, smtp_text, state FROM message WHERE seq = 2") == [
        (done.person, {}, None, "sent")
    ]
    assert world.rows("SELECT report_rows, doubtful FROM import_run") == [(1, [[3, "b@c.example", "y"]])]
    assert "customers-1@" in world.rows("SELECT smtp_text FROM message WHERE seq = 1")[0][0], "nobody else's"
    assert world.rows("SELECT person, erased_by FROM erasure") == [(done.person, "ann")]
    world.check_ledger()


def test_mail_that_waits_for_the_person_is_never_sent(world, mail_server):
    cached_after_five(world)
    erase(world, 7)
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    overview = world.overview("hello")
    assert (overview.sent_count, overview.suppressed_count, overview.failed_count) == (9, 1, 0)
    assert not [to for to in mail_server.accepted if to == address(7) or "erased" in to]
    assert world.rows("SELECT smtp_text FROM message WHERE seq = 7") == [("erased",)]
    world.check_ledger()


def test_the_others_have_the_values_that_the_first_of_them_has_no_more(world, mail_server):
    world.group("customers", 5)
    world.task("hello", group="customers", subject="Hello {{ name }}")
    world.freeze(world.run("hello"))
    erase(world, 1)
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert world.states() == {"sent": 4, "suppressed": 1}
    world.check_ledger()


def test_a_failed_message_of_the_person_is_not_tried_again(world, mail_server):
    world.group("customers", 3)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    world.execute("UPDATE message SET state = 'failed', smtp_code = 550 WHERE seq = 2")
    world.execute("UPDATE chunk SET sent = sent - 1, failed = failed + 1")
    erase(world, 2)
    task_decisions.retry_failed(world.conn, ANYBODY, "hello")
    world.whole_run(world.run("hello", RunKind.RESUME))
    assert world.states() == {"sent": 2, "suppressed": 1}
    assert mail_server.accepted[address(2)] == 1


def test_who_was_suppressed_stays_so_when_a_file_brings_the_address_again(world, mail_server):
    world.group("customers", 3)
    suppress(world, 2)
    person = erase(world, 2).person
    put(world, f"email,name\n{address(2).upper()},Two\n{address(3)},Three\n")
    group = recipients.find_group(world.conn, "customers")
    assert recipients.suppressed_count(world.conn, group.id) == 1
    assert [row.suppressed for row in recipients.look(world.conn, group.id, line=1, limit=5)] == ["unsubscribe", None]
    assert [row[2] for rows in recipients.all_of_group(world.conn, group.id, batch=9) for row in rows] == [
        "unsubscribe",
        None,
    ]
    world.conn.rollback()
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    assert dict(mail_server.accepted) == {address(3): 1}
    assert world.overview("hello").suppressed_count == 1
    world.check_ledger()
    (found,) = entries.find(world.conn, address(2))
    assert (found.address, found.note) == (person, "")
    with transaction(world.conn):
        entries.remove(world.conn, parse_address(address(2)))
    assert recipients.suppressed_count(world.conn, group.id) == 0


def test_who_was_not_suppressed_can_come_back_by_a_file(world, mail_server):
    world.group("customers", 3)
    assert not erase(world, 2).suppressed
    put(world, f"email,name\n{address(2)},Two\n")
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    assert dict(mail_server.accepted) == {address(2): 1}


def test_erasing_is_safe_to_repeat_and_says_what_it_did(world):
    world.group("customers", 3)
    suppress(world, 2)
    first, second = erase(world, 2), erase(world, 2)
    assert first.person == second.person
    assert (first.groups, second.groups, second.messages) == ({"customers": 1}, {}, 0)
    assert second.suppressed
    assert world.rows("SELECT count(*) FROM suppression") == [(1,)]
    # An entry that comes later and lasts longer becomes one with the first.
    world.execute("UPDATE suppression SET expires_at = now() + interval '1 day'")
    suppress(world, 2)
    erase(world, 2)
    assert world.rows("SELECT address_key, expires_at FROM suppression") == [(first.person, None)]
    found = erasure.look(world.conn, parse_address(address(2)))
    assert (found.groups, found.messages, found.suppressed) == ({}, 0, True)


def test_a_message_that_a_sender_holds_is_kept_from_it_and_taken_the_next_time(world, mail_server):
    world.group("customers", 3)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk,) = world.reserve(run).chunk_ids
    done = erase(world, 2)
    assert (done.messages, done.being_sent, done.suppressed) == (0, 1, False)
    world.send(chunk, run)
    world.settle(run)
    assert world.states() == {"sent": 2, "suppressed": 1}
    assert address(2) not in mail_server.accepted
    again = erase(world, 2)
    assert (again.messages, again.being_sent, again.suppressed) == (1, 0, False)
    assert stored_of(world, address(2)) == []
    assert world.rows("SELECT count(*) FROM suppression") == [(0,)]


def test_an_import_that_runs_is_not_waited_for(world, ses_dsn):
    world.group("customers", 3)
    other = connect(ses_dsn)
    with other.cursor() as cursor:
        cursor.execute("DELETE FROM recipient")
        with pytest.raises(GroupBusy):
            erase(world, 2)
    other.close()
    assert erase(world, 2).groups == {"customers": 1}


def test_the_hash_cannot_be_told_without_the_key_of_this_installation(world):
    person = erase(world, 2).person
    world.execute("UPDATE erasure_key SET inner_key = outer_key")
    assert erase(world, 2).person != person
    assert len(person) == len("erased:") + 40


def test_a_group_that_only_tasks_used_that_have_ended_is_deleted_and_their_ledger_stays(world, mail_server):
    world.group("customers", 3)
    world.task("done", group="customers")
    world.whole_run(world.run("done"))
    world.task("given-up", group="customers")
    with pytest.raises(GroupInUse, match="given-up"), transaction(world.conn):
        recipients.delete_group(world.conn, "customers")
    task_decisions.cancel(world.conn, ANYBODY, "given-up")
    with transaction(world.conn):
        assert recipients.delete_group(world.conn, "customers").recipient_count == 3
    with pytest.raises(NotFound):
        recipients.find_group(world.conn, "customers")
    assert world.rows("SELECT count(*) FROM recipient") == [(0,)]
    assert (world.overview("done").group, world.overview("done").sent_count) == ("customers", 3)
    # Its name is free again, and what has ended does not send to the new one.
    put(world, "email,name\nnew@customers.example,N\n")
    world.whole_run(world.run("done", RunKind.TRIGGERED))
    assert len(mail_server.accepted) == 3
    # Even if somebody opens such a task again, it says what it lacks.
    world.execute("DELETE FROM send_count; DELETE FROM attempt")
    world.execute("DELETE FROM chunk")
    world.execute("DELETE FROM message")
    world.execute("DELETE FROM occurrence")
    with pytest.raises(NotFound, match="deleted after this task had ended"):
        world.freeze(world.run("done", RunKind.TRIGGERED))
    with transaction(world.conn):
        recipients.delete_group(world.conn, "customers")


def test_a_quota_of_the_day_is_as_it_was(world, mail_server):
    world.quota_variable = quota(2)
    world.group("customers", 4)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    before = world.rows("SELECT used, reserved FROM quota_day")
    erase(world, 1)
    erase(world, 3)
    assert world.rows("SELECT used, reserved FROM quota_day") == before
    world.check_ledger()
