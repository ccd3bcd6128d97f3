"""What recovery takes from runs that died, what it leaves to those that live, and what it looks at for that."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ses_ops.sending.recover import recover
from ses_ops.storage.connection import connected
from ses_ops.storage.ledger import activity, occurrences
from ses_ops.storage.ledger import chunks as stored_chunks
from ses_ops.storage.named_sql import statements

#: What a step of a sender writes in its chunk.
WRITTEN_IN_A_STEP = {"sending_through", "steps", "pending", "sent", "failed", "suppressed", "unknown"}
REFUSED = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;"
    "CREATE TRIGGER refuse BEFORE UPDATE ON chunk FOR EACH ROW WHEN (OLD.id = {}) EXECUTE FUNCTION refuse()"
)


@pytest.fixture
def chunks(world) -> list[int]:
    """Two chunks that were reserved an hour ago; the first has an attempt."""
    world.group("customers", 10)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    chunks = world.reserve(run, chunk_size=5).chunk_ids
    world.die_in_mid_send(chunks[0], marked=0)
    world.execute("UPDATE chunk SET reserved_at = now() - interval '1 hour'")
    return chunks


def reserved(world) -> list[int]:
    return [chunk for (chunk,) in world.rows("SELECT id FROM chunk WHERE state = 'reserved' ORDER BY id")]


def test_chunks_that_wait_for_their_turn_are_spared_while_their_run_lives(world, chunks):
    recover(world.conn)
    assert reserved(world) == chunks
    # Another task's run of the same id lives: run ids are unique in a DAG alone.
    world.execute("UPDATE attempt SET heartbeat_at = now() - interval '20 minutes'")
    world.task("other", group="customers")
    other = world.run("other", run_id="scheduled__1")
    world.freeze(other)
    (busy,) = world.reserve(other).chunk_ids
    world.die_in_mid_send(busy, marked=0)
    recover(world.conn)
    assert reserved(world) == [busy]
    world.check_ledger()


def test_one_chunk_that_cannot_be_released_does_not_hold_up_the_others(world, chunks):
    world.execute("UPDATE attempt SET heartbeat_at = now() - interval '20 minutes'")
    world.execute(REFUSED.format(chunks[0]))
    recover(world.conn, due_timeout=timedelta(0))
    assert reserved(world) == chunks[:1]
    world.check_ledger()


@pytest.mark.parametrize(
    ("module", "name", "index"),
    [
        (occurrences, "tasks_to_finish", "occurrence_open"),
        (activity, "sent_lately", "attempt_started"),
        (activity, "recent_failures", "chunk_tried"),
        (stored_chunks, "stale_reserved", "attempt_started"),
    ],
)
def test_what_is_looked_up_again_and_again_is_looked_up_by_an_index(world, module, name, index):
    values = {"since": "2026-01-01", "timeout": "1 hour", "tests": True, "hidden": []}
    with connected(world.dsn, options="-c enable_seqscan=off") as conn, conn.cursor() as cursor:
        cursor.execute("EXPLAIN " + statements(module.__file__)[name], values)
        assert index in "\n".join(line for (line,) in cursor.fetchall())


def test_no_index_of_a_chunk_names_what_a_step_writes(world):
    """So that a step is a heap-only update."""
    indexed = world.rows(
        "SELECT a.attname FROM pg_depend d JOIN pg_index i ON i.indexrelid = d.objid"
        " JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
        " WHERE d.classid = 'pg_class'::regclass AND i.indrelid = 'chunk'::regclass AND d.refobjid = i.indrelid"
    )
    names = {name for (name,) in indexed}
    assert {"reserved_at", "state"} <= names
    assert not names & WRITTEN_IN_A_STEP


def test_a_statement_that_nobody_waits_for_is_ended_by_the_server(world):
    assert world.rows("SHOW client_connection_check_interval") == [("10s",)]
