"""Copies accept for the same domains and addresses while bulk mail reserves: no deadlock, and no place too many."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter

import pytest

from ses_ops.application.single_messages.orders import AcceptanceLimits, Accepted, Refused
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.storage.connection import connected
from tests.accepting_world import Copy, order
from tests.integration.sending_world import World, quota

DOMAINS = ("a.example.com", "b.example.com", "c.example.com")
LIMIT, SHARE = 900, 10
PER_ADDRESS = 40


def variable() -> dict:
    return {
        domain: {**quota(LIMIT, domain=domain)[domain], "trigger_share": SHARE}
        for domain in (*DOMAINS, "mail.example.com")
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_the_day_the_hour_and_the_share_hold_under_concurrency(ses_dsn, tmp_path, seed):
    world = World(dsn=ses_dsn, templates=tmp_path / "templates", quota_variable=variable())
    tasks = []
    for number, domain in enumerate(DOMAINS):
        world.group(f"g{number}", 2_000)
        world.task(f"t{number}", group=f"g{number}", sender=f"news@{domain}")
        run = world.run(f"t{number}")
        world.freeze(run)
        tasks.append(run)
    stop = threading.Event()
    reserved: Counter[int] = Counter()
    failed: list[BaseException] = []

    def bulk(number: int) -> None:
        """Reserves a little at a time, as runs of several tasks do."""
        from ses_ops.sending.reserve import reserve_chunks

        plans = QuotaPlans.parse(variable())
        with connected(ses_dsn) as conn:
            try:
                while not stop.is_set():
                    reserved[number] += reserve_chunks(conn, tasks[number], plans=plans, chunk_size=50).reserved
            except BaseException as problem:
                failed.append(problem)

    moments = random.Random(seed)

    async def client(copies: list[Copy], answers: list) -> None:
        for _ in range(40):
            domain = moments.choice(DOMAINS)
            to = [f"p{moments.randrange(30)}@example.org" for _ in range(moments.randint(1, 4))]
            own = f"k{moments.randrange(4_000)}" if moments.random() < 0.3 else None
            (answer,) = await moments.choice(copies).accept(order(*dict.fromkeys(to), domain=domain, idempotency=own))
            answers.append(answer)

    async def run() -> list:
        answers: list = []
        limits = AcceptanceLimits(per_address=PER_ADDRESS)
        async with (
            Copy(ses_dsn, quota=variable(), limits=limits).running() as one,
            Copy(ses_dsn, quota=variable(), limits=limits).running() as two,
        ):
            await asyncio.gather(*(client([one, two], answers) for _ in range(24)))
        return answers

    threads = [threading.Thread(target=bulk, args=(number,)) for number in range(len(DOMAINS))]
    for thread in threads:
        thread.start()
    try:
        answers = asyncio.run(run())
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert failed == []
    accepted = [one for one in answers if isinstance(one, Accepted)]
    assert len(accepted) > 100
    codes = Counter(one.problem.code for one in answers if isinstance(one, Refused))
    assert codes.keys() <= {"quota_used_up", "address_limit_reached"}
    with world.conn, world.conn.cursor() as cursor:
        cursor.execute("SELECT sender_domain, allotment, reserved + used, single FROM quota_day")
        days = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute("SELECT count(*) FROM single_message")
        assert cursor.fetchone() == (len(accepted),)
        cursor.execute("SELECT max(cardinality(moments)) FROM address_rate")
        assert cursor.fetchone()[0] <= PER_ADDRESS
        cursor.execute(
            "SELECT m.address_key, t.sender_domain, count(*) FROM message m JOIN occurrence o ON o.id = m.occurrence_id"
            " JOIN send_task t ON t.id = o.task_id WHERE t.type = 'api' GROUP BY 1, 2"
        )
        got = {(address, domain): count for address, domain, count in cursor.fetchall()}
        cursor.execute(
            "SELECT t.sender_domain, sum(c.reserved), sum(c.pending) FROM chunk c JOIN send_task t ON t.id = c.task_id"
            " WHERE t.type = 'api' GROUP BY 1"
        )
        for domain, places, pending in cursor.fetchall():
            assert days[domain][2] == places >= pending
    assert all(count <= PER_ADDRESS for count in got.values())
    assert sum(got.values()) == sum(len(one.recipients) for one in accepted)
    for number, domain in enumerate(DOMAINS):
        allotment, taken, single = days[domain]
        assert allotment == LIMIT
        assert taken <= LIMIT, f"{domain}: {taken} of {LIMIT}"
        assert reserved[number] + single == taken
        assert reserved[number] <= LIMIT - LIMIT * SHARE // 100
    world.close()
