"""The tables of days are made and dropped beside acceptance, and beside a backup that reads them for an hour."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ses_ops.application.single_messages.keeping import keep
from ses_ops.application.single_messages.orders import Accepted
from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.connection import connected
from tests.accepting_world import Copy, order


def waits_for_a_lock(conn) -> bool:
    """Whether somebody waits for a table's lock in this database."""
    with conn.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE datname = current_database() AND locktype = 'relation' AND NOT granted"
        )
        return cursor.fetchone()[0] > 0


@pytest.mark.parametrize("table", ["idempotent_request", "single_message_content"])
def test_nothing_waits_for_long_behind_a_table_that_a_backup_reads(ses_dsn, ses_conn, table):
    async def accept_beside(backup) -> tuple[Accepted, float]:
        copy = Copy(ses_dsn)
        async with copy.running():
            await copy.accept(order("ann@example.org", idempotency="k1"))
            with ThreadPoolExecutor(1) as threads:
                keeping = threads.submit(keep, ses_conn)
                while not waits_for_a_lock(backup):
                    assert not keeping.done(), "it did not wait for the backup"
                    await asyncio.sleep(0.01)
                # The next request waits for it, and it for the backup.
                began = time.monotonic()
                (answer,) = await copy.accept(order("bob@example.org", idempotency="k2"))
                took = time.monotonic() - began
                backup.rollback()
                with pytest.raises(DatabaseUnavailable):
                    keeping.result(30)
            return answer, took

    with connected(ses_dsn) as backup:
        with backup.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        answer, took = asyncio.run(accept_beside(backup))
    assert isinstance(answer, Accepted)
    assert took < 30
    with connected(ses_dsn) as conn:
        assert keep(conn) == 4


def test_addresses_that_are_being_counted_are_left_alone_and_not_waited_for(ses_dsn, ses_conn):
    keep(ses_conn)
    old = (
        "INSERT INTO address_rate SELECT k, 'codes.example.com', ARRAY[now() - interval '2 hours'] FROM unnest(%s) AS k"
    )
    with connected(ses_dsn) as counting, counting.cursor() as cursor:
        cursor.execute(old, (["ann@example.org", "bob@example.org"],))
        counting.commit()
        cursor.execute("SELECT FROM address_rate WHERE address_key = 'ann@example.org' FOR UPDATE")
        began = time.monotonic()
        keep(ses_conn)
        assert time.monotonic() - began < 30
        cursor.execute("SELECT array_agg(address_key) FROM address_rate")
        assert cursor.fetchall() == [(["ann@example.org"],)]
