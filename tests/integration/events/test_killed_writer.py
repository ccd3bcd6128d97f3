"""A writer of events that is killed within its transaction has written nothing, and its batch can come again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from ses_ops.domain.message_event import EventKind
from ses_ops.storage.connection import connected
from tests.integration.events.mailing import sent

#: Records one batch: a hard bounce, a complaint, an unsubscription, and an event of no message.
WRITER = """
import sys
from tests.integration.events.test_killed_writer import batch
from ses_ops.application.record_events import record_events
from ses_ops.storage.connection import connected
from tests.integration.events.mailing import Mailing
with connected(sys.argv[1]) as conn:
    record_events(conn, batch(Mailing(world=None, occurrence_id=int(sys.argv[2]), addresses=["a@b.example"] * 3)))
"""
TABLES = ("message_event", "message_feedback", "feedback_count", "suppression", "event_feed", "unmatched_event")


def batch(mailing):
    return [
        mailing.event(1, EventKind.BOUNCED, hard=True),
        mailing.event(2, EventKind.COMPLAINED),
        mailing.event(3, EventKind.UNSUBSCRIBED),
        mailing.event(3, EventKind.DELIVERED, message=None, source_id="nobody"),
    ]


def rows(world):
    return {table: world.rows(f"SELECT count(*)::int FROM {table}")[0][0] for table in TABLES}


@pytest.mark.parametrize("held", ["message_feedback", "suppression", "event_feed"])
def test_nothing_is_written_by_a_writer_that_dies_at_any_statement(world, held):
    mailing = sent(world, "spring", ["a@b.example"] * 3)
    before = rows(world)
    with connected(world.dsn) as conn, conn.cursor() as cursor:
        # Reading goes on, so that the writer gets as far as its first write to this table.
        cursor.execute(f"LOCK TABLE {held} IN EXCLUSIVE MODE")
        writer = subprocess.Popen([sys.executable, "-c", WRITER, world.dsn, str(mailing.occurrence_id)])
        try:
            _until(world, "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'RowExclusiveLock'", 1)
        finally:
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
        conn.rollback()
    _until(world, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()", 1)
    assert rows(world) == before
    assert mailing.record(*batch(mailing)).new == 3
    assert mailing.record(*batch(mailing)).repeated == 4
    assert rows(world) == {
        "message_event": 3,
        "message_feedback": 3,
        "feedback_count": 1,
        "suppression": 2,
        "event_feed": 1,
        "unmatched_event": 1,
    }


def _until(world, sql, count):
    began = time.monotonic()
    while world.rows(sql)[0][0] != count:
        assert time.monotonic() - began < 60, sql
        time.sleep(0.05)
