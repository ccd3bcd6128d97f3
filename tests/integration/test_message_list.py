"""`ses task messages`: of a task with several chunks in several states, each status lists exactly its messages."""

from __future__ import annotations

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.storage.send_tasks import find_row
from ses_ops.storage.sql import fetch_all
from tests.integration.sending_world import World, quota
from tests.recording_smtp import RecordingServer

STATUSES = ("queued", "sending", "sent", "failed", "suppressed", "cached", "unknown")
REQUEST = 40


@pytest.fixture
def world(ses_dsn, tmp_path):
    """40 messages: 4 suppressed, then chunks of 7 under a quota of 25, of which the last but one is not sent."""

    def refuse(recipient: str) -> bytes | None:
        return b"550 5.1.1 no such user" if recipient.partition("@")[0].endswith(("3", "9")) else None

    with RecordingServer(refuse) as server:
        world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=server.uri, quota_variable=quota(25))
        world.group("people", REQUEST)
        world.task("sale", group="people")
        world.execute(
            "INSERT INTO suppression (address_key, address, reason) SELECT address_key, address, 'unsubscribe'"
            " FROM recipient WHERE position IN (2, 11, 30, 38)"
        )
        run = world.run("sale", RunKind.SCHEDULED)
        world.freeze(run)
        chunks = world.reserve(run, chunk_size=7).chunk_ids
        for chunk in (chunks[0], chunks[1], chunks[3]):
            world.send(chunk, run)
        # As after a crash that a later attempt has found.
        world.execute("UPDATE message SET state = 'unknown' WHERE seq = 8 AND state = 'sent'")
        world.execute("UPDATE chunk SET sent = sent - 1, unknown = unknown + 1 WHERE 8 BETWEEN first_seq AND last_seq")
        yield world
        world.close()


def listed(world: World, statement: str = "messages", **look) -> list[dict]:
    task_id = find_row(world.conn, "sale")["id"]
    values = {"task_id": task_id, "status": None, "address_key": None, "limit": 1000, **look}
    return fetch_all(world.conn, "ledger", statement, **values)


def test_every_message_is_listed_once_in_the_order_of_the_audience(world):
    assert [row["seq"] for row in listed(world)] == list(range(1, REQUEST + 1))


def test_each_status_lists_exactly_the_messages_that_have_it(world):
    everything = listed(world)
    counts = {status: sum(row["status"] == status for row in everything) for status in STATUSES}
    assert all(counts[status] for status in ("queued", "sent", "failed", "suppressed", "cached", "unknown")), counts
    for status in STATUSES:
        assert listed(world, status=status) == [row for row in everything if row["status"] == status], status


def test_the_counts_of_the_list_are_those_of_the_overview(world):
    overview = world.overview("sale")
    for status in ("sent", "failed", "suppressed", "cached", "unknown"):
        assert len(listed(world, status=status)) == getattr(overview, f"{status}_count"), status


def test_a_limit_cuts_behind_the_first_messages_across_chunks(world):
    for status in (None, "sent"):
        assert listed(world, status=status, limit=15) == listed(world, status=status)[:15]


def test_an_address_finds_its_own_message_and_only_in_the_status_asked_for(world):
    for row in listed(world):
        assert listed(world, "messages_to", address_key=row["address"]) == [row]
    first = listed(world)[0]
    assert listed(world, "messages_to", address_key=first["address"], status="cached") == []
