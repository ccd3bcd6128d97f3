"""Acceptance while PostgreSQL dies: nothing that was answered is lost, and nothing is there twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from ses_ops.application.single_messages.orders import Accepted
from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.connection import connected
from ses_ops.storage.migrate import upgrade
from tests.accepting_world import Copy, ids, order
from tests.postgres_server import DURABLE, PostgresServer


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of its own, that writes its commits to disk."""
    server = PostgresServer.create(DURABLE)
    try:
        server.start()
        server.execute("CREATE DATABASE ses")
        upgrade(server.dsn("ses"))
        yield server
    finally:
        server.stop("immediate")
        server.remove()


@pytest.fixture
def dsn(server) -> str:
    """A database of the test's own."""
    return server.dsn(server.new_database("ses"))


def rows(dsn: str, sql: str) -> list[tuple]:
    with connected(dsn) as conn, conn.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_without_a_server_a_request_fails_soon_and_the_next_one_is_accepted_when_it_is_back(server, dsn):
    async def run():
        async with Copy(dsn).running() as copy:
            await copy.accept(order("ann@example.org"))
            server.stop("immediate")
            try:
                with pytest.raises(DatabaseUnavailable):
                    await asyncio.wait_for(copy.accept(order("bob@example.org")), 60)
            finally:
                server.start()
            return await copy.accept(order("cid@example.org"))

    (answer,) = asyncio.run(run())
    assert isinstance(answer, Accepted)
    assert rows(dsn, "SELECT address FROM message ORDER BY seq") == [("ann@example.org",), ("cid@example.org",)]


def test_a_server_that_is_killed_under_a_stream_of_requests_loses_and_doubles_nothing(server, dsn):
    count, kills = 400, 2

    async def client(copy: Copy, number: int) -> list:
        """Asks again, with the key of its request, until it is answered."""
        answers = []
        while True:
            try:
                answers += await copy.accept(order(f"p{number}@example.org", idempotency=f"k{number}"))
                return answers
            except DatabaseUnavailable:
                await asyncio.sleep(0.02)

    async def run():
        async with Copy(dsn).running() as copy:
            gate = asyncio.Semaphore(16)
            done = 0

            async def one(number: int):
                nonlocal done
                async with gate:
                    answers = await client(copy, number)
                done += 1
                return answers

            async def kill() -> None:
                for number in range(kills):
                    while done < count * (number + 1) // (kills + 1):
                        await asyncio.sleep(0.001)
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)

            killer = asyncio.create_task(kill())
            answers = await asyncio.gather(*(one(number) for number in range(count)))
            await killer
            return answers, copy.started

    answers, started = asyncio.run(run())
    assert all(len(ids(each)) == 1 for each in answers)
    written = {id for (id,) in rows(dsn, "SELECT id::text FROM single_message")}
    assert {str(id) for each in answers for id in ids(each)} == written
    stored = rows(dsn, "SELECT occurrence_id, seq, address FROM message ORDER BY 1, 2")
    assert len({address for *_, address in stored}) == len(stored) == count
    # The sender got none twice. What it did not get lies in a chunk that is closed by what the ledger has.
    given = [(one.chunk.attempt.occurrence_id, one.seq, one.address) for one in started]
    assert len(given) == len(set(given))
    assert set(given) <= set(stored)
    spans = rows(
        dsn, "SELECT first_seq, last_seq FROM chunk WHERE last_seq >= first_seq ORDER BY occurrence_id, first_seq"
    )
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    assert rows(dsn, "SELECT sum(last_seq - first_seq + 1), sum(pending) FROM chunk") == [(count, count)]
    ((reserved, places),) = rows(dsn, "SELECT reserved, (SELECT sum(reserved) FROM chunk) FROM quota_day")
    assert reserved == places >= count
