"""Single messages leave at once, and what becomes of them is in the ledger."""

from __future__ import annotations

import asyncio
import socket
import time
from functools import partial

from ses_ops.domain.warmup import QuotaPlans
from ses_ops.sending.chunk.feed import feed_clock
from ses_ops.sending.single import duties, relay
from ses_ops.sending.single.sender import SingleMailSender
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.integration.single.world import DOMAIN, TestMail, quota, until
from tests.recording_smtp import RecordingServer


def run(coroutine):
    return asyncio.run(coroutine)


def test_a_message_leaves_at_once_and_its_outcome_is_in_the_ledger(world, mail_server):
    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(50):
                sender.add(acceptance.accept(f"one-{number}@customers.example", mail=TestMail(f"code {number}")))
            await until(lambda: mail_server.total == 50)
            await until(lambda: world.states() == {"sent": 50})
        finally:
            await sender.stop()
            acceptance.close()

    run(scene())
    assert mail_server.contents["one-7@customers.example"].endswith(b"code 7")
    assert world.rows("SELECT state::text, pending, sent, reserved FROM chunk") == [("settled", 0, 50, 0)]
    assert world.rows("SELECT used, reserved, single FROM quota_day") == [(50, 0, 50)]
    assert world.rows("SELECT accepted FROM send_count") == [(50,)], "they are in the statistics"
    assert world.rows("SELECT count(*) FROM single_message_process WHERE ended_at IS NOT NULL") == [(1,)]
    world.check_places()


def test_a_chunk_is_closed_after_a_while_and_the_next_stands_behind_it(world, mail_server, monkeypatch):
    monkeypatch.setattr(duties, "CLOSED_AFTER", 0.3)

    def settled(count):
        return world.rows("SELECT count(*) FROM chunk WHERE state = 'settled'") == [(count,)]

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(3):
                sender.add(acceptance.accept(f"a-{number}@customers.example", f"b-{number}@customers.example"))
                await until(partial(settled, number + 1))
        finally:
            await sender.stop()
            acceptance.close()

    run(scene())
    assert world.rows("SELECT first_seq, last_seq FROM chunk ORDER BY id") == [(1, 2), (3, 4), (5, 6)]
    world.check_places()


def test_a_message_that_is_deferred_is_tried_again_and_again(world, mail_server):
    refusals = {"late@customers.example": 2}

    def refuse(recipient):
        if refusals.get(recipient, 0) > 0:
            refusals[recipient] -= 1
            return b"451 4.7.1 greylisted\r\n"
        return None

    mail_server.refuse = refuse

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("late@customers.example"))
            sender.add(acceptance.accept("soon@customers.example"))
            await until(lambda: world.states() == {"sent": 2})
        finally:
            await sender.stop()
            acceptance.close()

    run(scene())
    assert world.rows("SELECT address, tries FROM message ORDER BY seq") == [
        ("late@customers.example", 3),
        ("soon@customers.example", 1),
    ]
    world.check_places()


def test_a_deferral_that_lasts_waits_in_the_ledger_and_another_process_sends_it(world, mail_server, monkeypatch):
    monkeypatch.setattr(duties, "CLOSED_AFTER", 0.2)
    mail_server.refuse = lambda recipient: b"452 4.2.2 mailbox full\r\n" if recipient.startswith("full") else None

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("full@customers.example", "fine@customers.example", mail=TestMail("twice")))
            await until(lambda: world.rows("SELECT 1 FROM chunk WHERE state = 'cached'"))
        finally:
            await sender.stop()
            acceptance.close()
        waits = world.rows("SELECT pending, setbacks, due_at > now() + interval '30 s' FROM chunk")
        assert waits == [(1, 1, True)]
        world.check_places()
        mail_server.refuse = None
        other = world.sender()
        other.begin()
        other.start()
        try:
            await asyncio.sleep(1.5)
            assert mail_server.accepted["full@customers.example"] == 0, "its time has not come"
            world.execute("UPDATE chunk SET due_at = now()")
            await until(lambda: world.states() == {"sent": 2})
            await until(lambda: world.rows("SELECT 1 FROM chunk WHERE state = 'settled'"))
        finally:
            await other.stop()

    run(scene())
    assert mail_server.contents["full@customers.example"].endswith(b"twice"), "made anew of what is stored"
    assert mail_server.accepted == {"full@customers.example": 1, "fine@customers.example": 1}
    assert world.rows("SELECT used, reserved, single FROM quota_day") == [(2, 0, 2)]
    world.check_places()


def test_a_mailbox_that_does_not_exist_is_suppressed_once_the_server_took_some_mail(world, mail_server):
    mail_server.refuse = lambda recipient: b"550 5.1.1 no such user\r\n" if recipient.startswith("nobody") else None

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("nobody@customers.example"))
            await until(lambda: world.states() == {"failed": 1})
            assert world.rows("SELECT count(*) FROM suppression") == [(0,)], "perhaps this server knows nobody"
            sender.add(acceptance.accept("fine@customers.example"))
            sender.add(acceptance.accept("nobody-2@customers.example"))
            await until(lambda: world.states() == {"failed": 2, "sent": 1})
        finally:
            await sender.stop()
            acceptance.close()

    run(scene())
    suppressed = world.rows("SELECT address, reason FROM suppression ORDER BY address")
    assert ("nobody-2@customers.example", "hard_bounce") in suppressed
    world.check_places()


def test_what_the_day_has_no_place_for_waits_for_another_day(world, mail_server, monkeypatch):
    monkeypatch.setattr(duties, "CLOSED_AFTER", 0.2)
    world.quota_variable = quota(20)
    mail_server.refuse = lambda _: b"452 4.2.2 mailbox full\r\n"

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept(*(f"full-{n}@customers.example" for n in range(5))))
            await until(lambda: world.rows("SELECT 1 FROM chunk WHERE state = 'cached'"))
            mail_server.refuse = None
            world.execute("UPDATE quota_day SET used = allotment - 2, single = allotment - 2")
            world.execute("UPDATE chunk SET due_at = now()")
            await until(lambda: world.states() == {"sent": 2, "requeued": 3})
        finally:
            await sender.stop()
            acceptance.close()

    run(scene())
    assert world.rows("SELECT pending, due_at > now() FROM chunk WHERE state = 'cached'") == [(3, True)]
    assert world.rows("SELECT used, reserved FROM quota_day") == [(20, 0)]


def test_a_message_that_cannot_be_made_has_failed_and_the_others_leave(world, mail_server):
    class Broken(TestMail):
        def made(self, **_):
            raise ZeroDivisionError

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("broken@customers.example", mail=Broken()))
            sender.add(acceptance.accept("fine@customers.example"))
            await until(lambda: world.states() == {"failed": 1, "sent": 1})
        finally:
            await sender.stop()
            acceptance.close()

    run(scene())
    assert world.rows("SELECT smtp_text FROM message WHERE state = 'failed'") == [("not sent: ZeroDivisionError",)]
    world.check_places()


def test_a_message_that_is_deferred_for_too_long_has_failed(world, mail_server):
    mail_server.refuse = lambda _: b"451 4.7.1 greylisted\r\n"

    async def scene():
        sender = world.sender(options="give_up_after=3600")
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("late@customers.example"))
            await until(lambda: world.rows("SELECT 1 FROM message WHERE first_deferred_at IS NOT NULL"))
        finally:
            await sender.stop()
            acceptance.close()
        world.execute("UPDATE message SET first_deferred_at = now() - interval '2 hours'")
        world.execute("UPDATE chunk SET due_at = now()")
        other = world.sender(options="give_up_after=3600")
        other.begin()
        other.start()
        try:
            await until(lambda: world.states() == {"failed": 1})
        finally:
            await other.stop()

    run(scene())
    assert "given up" in world.rows("SELECT smtp_text FROM message")[0][0]
    world.check_places()


def test_mail_of_a_domain_whose_plan_is_broken_waits_and_delays_no_other(world, mail_server):
    mail_server.refuse = lambda _: b"451 4.7.1 greylisted\r\n"
    both = {**quota(100), **quota(100, domain="codes.example.com")}
    world.quota_variable = both

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("a@customers.example"))
            sender.add(acceptance.accept("b@customers.example", domain="codes.example.com"))
            await until(lambda: world.rows("SELECT 1 FROM message WHERE state = 'queued'") == [])
        finally:
            await sender.stop()
            acceptance.close()
        mail_server.refuse = None
        world.quota_variable = {**both, "codes.example.com": {"plan": "no plan"}}
        world.execute("UPDATE chunk SET due_at = now() - length(sender_domain) * interval '1 s'")
        other = world.sender()
        other.begin()
        other.start()
        try:
            await until(lambda: world.rows("SELECT address FROM message WHERE state = 'sent'"))
            assert world.states() == {"sent": 1, "requeued": 1}
        finally:
            await other.stop()

    run(scene())
    world.check_places()


def test_a_server_that_answers_nothing_is_on_show_before_it_is_given_up(world, monkeypatch):
    monkeypatch.setattr(relay, "SILENT_FOR", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        world.smtp_uri = f"smtp://127.0.0.1:{silent.getsockname()[1]}"

        async def scene():
            sender = world.sender()
            acceptance = world.acceptance(sender.begin())
            sender.start()
            try:
                await asyncio.sleep(1.5)
                assert sender.health().relay_problem is None, "nothing was asked of it"
                sender.add(acceptance.accept("a@customers.example"))
                await until(lambda: sender.health().relay_problem is not None)
                assert sender.health().relay_problem.code == "mail_server_silent"
                assert world.states() == {"queued": 1}
            finally:
                began = time.monotonic()
                await sender.stop()
                assert time.monotonic() - began < 20
                acceptance.close()

        run(scene())
    assert world.states() == {"requeued": 1}, "it was not begun: another process sends it"
    world.check_places()


def test_other_settings_of_the_mail_server_are_used_within_seconds(world, mail_server):
    with RecordingServer() as other_server:
        uris = [world.smtp_uri]

        async def scene():
            sender = SingleMailSender(
                world.dsn,
                smtp=lambda: smtp_settings_from_connection_uri(uris[0]),
                plans=lambda: QuotaPlans.parse(world.quota_variable),
                remake=TestMail.read,
            )
            acceptance = world.acceptance(sender.begin())
            sender.start()
            try:
                sender.add(acceptance.accept("a@customers.example"))
                await until(lambda: mail_server.total == 1)
                uris[0] = other_server.uri
                await until(lambda: other_server.connections)
                sender.add(acceptance.accept("b@customers.example"))
                await until(lambda: world.states() == {"sent": 2})
            finally:
                await sender.stop()
                acceptance.close()

        run(scene())
        assert other_server.accepted == {"b@customers.example": 1}
    world.check_places()


def test_settings_that_cannot_be_looked_at_for_once_are_looked_at_again(world, mail_server):
    with RecordingServer() as other_server:
        asked = []

        def smtp():
            asked.append(1)
            if len(asked) == 2:
                raise RuntimeError("a mistake of ours")
            return smtp_settings_from_connection_uri(world.smtp_uri if len(asked) < 3 else other_server.uri)

        async def scene():
            plans = QuotaPlans.parse(world.quota_variable)
            sender = SingleMailSender(world.dsn, smtp=smtp, plans=lambda: plans, remake=TestMail.read)
            sender.begin()
            sender.start()
            try:
                await until(lambda: other_server.connections, seconds=60)
            finally:
                await sender.stop()

        run(scene())


def test_a_message_whose_answer_never_came_is_in_doubt_and_never_sent_again(world, mail_server):
    mail_server.hang_up = lambda recipient: recipient.startswith("doubt")

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("doubt@customers.example", "fine@customers.example"))
            await until(lambda: world.states() == {"sent": 1, "unknown": 1})
        finally:
            await sender.stop()
            acceptance.close()

    run(scene())
    assert mail_server.accepted == {"doubt@customers.example": 1, "fine@customers.example": 1}
    assert world.rows("SELECT state::text FROM chunk") == [("settled",)]
    world.check_places()


def test_a_connection_that_the_server_closed_while_it_was_idle_delays_no_message(world, mail_server):
    took = []

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(4):
                began = time.monotonic()
                sender.add(acceptance.accept(f"a-{number}@customers.example"))
                await until(lambda total=number + 1: mail_server.total == total)
                took.append(time.monotonic() - began)
                mail_server.hang_up_all()
            await until(lambda: world.states() == {"sent": 4})
            assert sender.health().relay_problem is None
        finally:
            await sender.stop()
            acceptance.close()

    run(scene())
    assert sorted(took)[-2] < 1.0, took  # all but one: a busy machine may delay one
    assert max(took) < 10, took
    world.check_places()


def test_a_quota_day_that_ends_begins_no_more_of_it_and_the_next_day_pays(world, mail_server):
    world.quota_variable = quota(50)
    mail_server.delay = 0.9

    async def scene():
        sender = world.sender(options="connections=1")
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            admitted = acceptance.accept(*(f"a-{n}@customers.example" for n in range(6)))
            # The day ends in three seconds, by the ledger and by the clock of the sender.
            chunk = admitted[0].chunk
            chunk.day_ends = feed_clock() + 3.0
            sender.add(admitted)
            world.execute(
                "UPDATE quota_day SET ends_at = now() + interval '3 s', starts_at = now() - interval '2 days'"
            )
            await until(lambda: world.rows("SELECT 1 FROM chunk WHERE state <> 'reserved'"))
            first = mail_server.total
            assert 1 <= first < 6, "the day was too long, or too short"
            await until(lambda: world.states() == {"sent": 6})
            assert acceptance.chunks.take(DOMAIN, rows=1) is None, "nothing more comes into the old day"
        finally:
            await sender.stop()
            acceptance.close()
        return first

    first = run(scene())
    assert [row[0] for row in world.rows("SELECT used FROM quota_day ORDER BY starts_at")] == [first, 6 - first]
    assert set(mail_server.accepted.values()) == {1}
    world.check_places()
