"""Single messages are begun before bulk mail: under a rate limit of the mail server, and at full speed."""

from __future__ import annotations

import asyncio
import time

from tests.integration.sending.test_crashes import sender_process
from tests.integration.sending.test_rate_limit_shared import busiest_second, moments
from tests.integration.single.world import until

#: Messages a second, in the settings of the mail server.
RATE = 100


async def codes(world, mail_server, *, options: str, count: int, every: float) -> list[float]:
    """Seconds from the commit of each of some messages to its arrival."""
    sender = world.sender(options=options)
    acceptance = world.acceptance(sender.begin())
    sender.start()
    accepted_at = {}
    try:
        for number in range(count):
            address = f"code-{number}@people.example"
            admitted = acceptance.accept(address)
            accepted_at[address] = time.monotonic()
            sender.add(admitted)
            await asyncio.sleep(every)
        await until(lambda: all(address in mail_server.accepted_at for address in accepted_at))
    finally:
        await sender.stop()
        acceptance.close()
    return [mail_server.accepted_at[address] - moment for address, moment in accepted_at.items()]


def assert_prompt(took: list[float]) -> None:
    """They left at once; one of ten may have met a moment in which a busy machine did something else."""
    took = sorted(took)
    assert took[len(took) * 9 // 10 - 1] < 2.0, took[-len(took) // 5 :]
    assert took[-1] < 10.0, took[-5:]


def bulk(world, count: int) -> tuple[int, str]:
    world.group("customers", count)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    return chunk_id, run.run_id


def wait_for_mail(mail_server, total: int) -> None:
    give_up_at = time.monotonic() + 60
    while mail_server.total < total:
        assert time.monotonic() < give_up_at, "bulk mail does not leave"
        time.sleep(0.01)


def test_under_a_rate_limit_codes_leave_at_once_and_bulk_mail_leaves_them_their_part(world, mail_server):
    options = f"max_messages_per_second={RATE}&connections=4"
    chunk_id, run_id = bulk(world, 40 * RATE)
    uri, world.smtp_uri = world.smtp_uri, f"{world.smtp_uri}/?{options}"
    process = sender_process(world, chunk_id, run_id)
    world.smtp_uri = uri
    try:
        wait_for_mail(mail_server, RATE)
        took = asyncio.run(codes(world, mail_server, options=options, count=7 * RATE // 2, every=2 / RATE))
        ended = time.monotonic()
    finally:
        process.kill()
        process.wait()
    assert_prompt(took)
    # Half of the limit is of the codes: bulk mail knows it two seconds later at the latest.
    assert busiest_second(moments(mail_server), ended - 4, ended) <= 1.3 * RATE


def test_beside_bulk_mail_at_full_speed_codes_leave_at_once(world, mail_server):
    chunk_id, run_id = bulk(world, 40_000)
    process = sender_process(world, chunk_id, run_id)
    try:
        wait_for_mail(mail_server, 500)
        took = asyncio.run(codes(world, mail_server, options="", count=100, every=0.01))
        assert process.poll() is None, "the bulk mail was over too soon to show anything"
    finally:
        process.kill()
        process.wait()
    assert_prompt(took)


def test_a_relay_that_gives_all_its_connections_to_bulk_mail_has_given_one_to_codes_before(world, mail_server):
    """A connection is open before there is mail, and again soon after the relay closed it."""
    mail_server.most_connections = 3
    chunk_id, run_id = bulk(world, 6_000)

    async def scene() -> list[float]:
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        took = []
        try:
            await until(lambda: mail_server.connections == 1)
            mail_server.hang_up_all()
            await until(lambda: mail_server.connections == 0)
            await until(lambda: mail_server.connections == 1)
            mail_server.delay = 0.02
            process = sender_process(world, chunk_id, run_id)
            try:
                await until(lambda: mail_server.connections == 3 and mail_server.total > 20)
                for number in range(10):
                    began = time.monotonic()
                    sender.add(acceptance.accept(f"code-{number}@people.example"))
                    await until(lambda one=number: f"code-{one}@people.example" in mail_server.accepted_at)
                    took.append(time.monotonic() - began)
                assert process.poll() is None, "the bulk mail was over too soon to show anything"
            finally:
                process.kill()
                process.wait()
        finally:
            await sender.stop()
            acceptance.close()
        return took

    took = asyncio.run(scene())
    assert_prompt(took)


def test_bulk_mail_that_has_all_connections_of_a_relay_leaves_one_to_codes(world, mail_server):
    """The process of single messages begins while bulk mail is under way."""
    mail_server.most_connections = 4
    mail_server.delay = 0.02
    chunk_id, run_id = bulk(world, 6_000)
    process = sender_process(world, chunk_id, run_id)

    async def scene() -> float:
        await until(lambda: mail_server.connections == 4 and mail_server.total > 20)
        sender = world.sender()
        acceptance = world.acceptance(sender.begin())
        sender.start()
        began = time.monotonic()
        sender.add(acceptance.accept("code@people.example"))
        try:
            await until(lambda: "code@people.example" in mail_server.accepted_at)
            assert process.poll() is None, "the bulk mail was over too soon to show anything"
        finally:
            await sender.stop()
            acceptance.close()
        return time.monotonic() - began

    try:
        assert asyncio.run(scene()) < 25
    finally:
        process.kill()
        process.wait()
