"""Without a living process of the API the maintenance sends what is due; with one it leaves all to that."""

from __future__ import annotations

import asyncio
import threading
import time

from ses_ops.sending.recover import recover
from ses_ops.sending.single import without_service
from ses_ops.sending.single.without_service import due_without_service, send_due
from tests.integration.single.test_take_over import accepted_by, check_nobody_twice, process, wait_for
from tests.integration.single.world import until


def maintain(world) -> bool:
    due = due_without_service(world.conn)
    if due:
        send_due(world.sender(), 10)
    return due


def test_what_the_last_process_left_is_sent_by_the_maintenance(world, mail_server):
    mail_server.delay = 1.0
    dead = process(world, "dead", count=300, rate=2_000)
    wait_for(lambda: world.rows("SELECT 1 FROM message WHERE seq > 60") and mail_server.total >= 10)
    dead.kill()
    dead.wait()
    accepted = accepted_by(dead)
    mail_server.delay = 0.0
    wait_for(lambda: maintain(world))
    check_nobody_twice(world, mail_server, accepted)
    assert maintain(world) is False, "nothing is left"
    world.check_places()
    assert not world.rows("SELECT 1 FROM single_message_process WHERE ended_at IS NULL")


def test_the_maintenance_leaves_nothing_in_doubt_when_it_is_told_to_end(world, mail_server, monkeypatch):
    monkeypatch.setattr(without_service, "STOP_WITHIN", 60.0)
    mail_server.refuse = lambda _: b"451 4.7.1 later\r\n"

    async def leave():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            for number in range(200):
                sender.add(acceptance.accept(f"a-{number}@customers.example"))
            await until(lambda: world.states() == {"requeued": 200}, seconds=60)
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(leave())
    mail_server.refuse, mail_server.delay = None, 0.3
    world.execute("UPDATE chunk SET due_at = now()")
    stop = threading.Event()
    sending = threading.Thread(
        target=send_due, args=(world.sender(options="connections=2"), 600), kwargs={"stop": stop}
    )
    sending.start()
    wait_for(lambda: mail_server.total >= 3, 60)
    stop.set()
    sending.join(60)
    assert not sending.is_alive()
    assert world.states() == {"sent": mail_server.total, "requeued": 200 - mail_server.total}
    world.check_places()
    assert not world.rows("SELECT 1 FROM single_message_process WHERE ended_at IS NULL")


def test_a_living_process_is_left_to_its_work(world, mail_server, monkeypatch):
    monkeypatch.setattr(without_service, "SILENT_FOR", 60.0)

    async def scene():
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        try:
            sender.add(acceptance.accept("one@customers.example"))
            await until(lambda: world.states() == {"sent": 1})
            world.execute("UPDATE chunk SET reserved_at = now() - interval '1 day'")
            world.execute("UPDATE attempt SET heartbeat_at = now() - interval '1 day'")
            began = time.monotonic()
            assert maintain(world) is False
            assert recover(world.conn) == []
            assert time.monotonic() - began < 30, "there is nothing to wait for"
            assert world.rows("SELECT state::text FROM chunk") == [("reserved",)], "its chunk is its own"
        finally:
            await sender.stop()
            acceptance.close()

    asyncio.run(scene())
    world.check_places()
