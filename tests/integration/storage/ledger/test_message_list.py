"""`ses task messages`: of a task with several chunks in several states, each status lists exactly its messages."""

from __future__ import annotations

import itertools

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.storage.ledger import messages
from ses_ops.storage.ledger.messages import (
    END,
    MessagePosition,
    MessageSearch,
    all_messages,
    message_page,
    whole_or_part,
)
from ses_ops.storage.named_sql import statements
from ses_ops.storage.tasks.send_tasks import find_row
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


def listed(world: World, size: int = 1000, **look) -> list[dict]:
    search = MessageSearch(task_id=find_row(world.conn, "sale").id, **look)
    return [row for batch in all_messages(world.conn, search, size=size) for row in batch]


def test_every_message_is_listed_once_in_the_order_of_the_audience(world):
    assert [row.seq for row in listed(world)] == list(range(1, REQUEST + 1))


def test_each_status_lists_exactly_the_messages_that_have_it(world):
    everything = listed(world)
    counts = {status: sum(row.status == status for row in everything) for status in STATUSES}
    assert all(counts[status] for status in ("queued", "sent", "failed", "suppressed", "cached", "unknown")), counts
    for status in STATUSES:
        assert listed(world, status=status) == [row for row in everything if row.status == status], status


def test_the_counts_of_the_list_are_those_of_the_overview(world):
    overview = world.overview("sale")
    for status in ("sent", "failed", "suppressed", "cached", "unknown"):
        assert len(listed(world, status=status)) == getattr(overview, f"{status}_count"), status


@pytest.mark.parametrize("size", [1, 3, 7, 15])
def test_pages_follow_each_other_by_key_across_chunks(world, size):
    for status in (None, "sent", "cached"):
        assert listed(world, size=size, status=status) == listed(world, status=status)


def test_a_rare_status_is_looked_for_in_so_many_rows_at_a_time(world, monkeypatch):
    whole = listed(world, status="unknown")
    monkeypatch.setattr(messages, "MOST_LOOKED_AT", 3)
    task_id = find_row(world.conn, "sale").id
    first = message_page(world.conn, MessageSearch(task_id=task_id, status="unknown"), size=10)
    assert (first.rows, first.next) == ([], MessagePosition(1, 3))
    assert listed(world, status="unknown", size=10) == whole


def test_a_list_keeps_to_its_occurrence_and_its_chunks(world):
    (occurrence,) = world.rows("SELECT id FROM occurrence")[0]
    chunk, first, last = world.rows("SELECT id, first_seq, last_seq FROM chunk ORDER BY first_seq OFFSET 1 LIMIT 1")[0]
    assert len(listed(world, occurrence_id=occurrence)) == REQUEST
    assert listed(world, occurrence_id=occurrence + 1) == []
    assert [row.seq for row in listed(world, chunk_ids=[chunk], size=4)] == list(range(first, last + 1))
    outside = listed(world)[-1].address
    assert listed(world, address_key=outside, chunk_ids=[chunk]) == []


def test_an_address_finds_its_own_message_and_only_in_the_status_asked_for(world):
    for row in listed(world):
        assert listed(world, address_key=row.address) == [row]
    first = listed(world)[0]
    assert listed(world, address_key=first.address, status="cached") == []


def page(world: World, size: int, **look):
    return message_page(world.conn, MessageSearch(task_id=find_row(world.conn, "sale").id, **look), size=size)


def test_pages_are_the_same_there_and_back(world):
    looks = ({}, {"status": "sent"}, {"status": "cached"}, {"part": "e-3"})
    for size, look in itertools.product((1, 3, 7, 15, 40), looks):
        forwards = [page(world, size, **look)]
        while forwards[-1].next:
            forwards.append(page(world, size, after=forwards[-1].next, **look))
        assert forwards[0].previous is None
        for before, here in itertools.pairwise(forwards):
            back = page(world, size, through=here.previous, **look)
            assert back.rows == before.rows, (size, look)
            assert page(world, size, after=back.next, **look).rows == here.rows, (size, look)


def test_read_backwards_nothing_is_missed_and_nothing_listed_twice(world, monkeypatch):
    looks = ({"status": "unknown"}, {"status": "failed"}, {"part": "-1"}, {})
    for most, look in itertools.product((3, 200_000), looks):
        monkeypatch.setattr(messages, "MOST_LOOKED_AT", most)
        found, through = [], END
        while through:
            here = page(world, 4, through=through, **look)
            assert here.next == through
            assert len(here.rows) <= 4
            found = here.rows + found
            through = here.previous
        assert found == listed(world, **look), (most, look)


def test_a_part_of_an_address_is_found_as_it_is_written_and_with_a_status(world):
    world.execute("UPDATE message SET address_key = %s WHERE seq = 20", "a_b%c@x.example")
    for text, found in {"A_B%": [20], "_": [20], "%C@": [20], "\\": [], "a_b%c@x.ex": [20], "E-3@cust": [3]}.items():
        assert [row.seq for row in listed(world, part=text)] == found, text
    sent = [row.seq for row in listed(world, status="sent")]
    assert [row.seq for row in listed(world, part="-1", status="sent")] == [
        seq for seq in sent if str(seq)[0] == "1" and seq != 20
    ]


def test_the_list_is_read_in_the_order_of_an_index_in_both_directions(world):
    chunks = world.rows("SELECT id, first_seq, last_seq FROM chunk ORDER BY first_seq")
    values = dict(
        zip(("chunks", "firsts", "lasts"), (list(column) for column in zip(*chunks, strict=True)), strict=True)
    )
    values |= {"patterns": ["%x%"], "status": "sent", "limit": 5}
    for back, words in ((True, "Index Scan Backward using message_pkey"), (False, "Index Scan using message_pkey")):
        with world.conn.cursor() as cursor:
            cursor.execute(
                "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off"
            )
            cursor.execute("EXPLAIN " + statements(messages.__file__)["messages"], {**values, "back": back})
            assert words in "\n".join(line for (line,) in cursor.fetchall())


def test_a_text_that_is_an_address_is_looked_for_as_a_whole_one():
    assert whole_or_part("Ann@Example.com") == ("ann@example.com", None)
    assert whole_or_part("@example.com") == (None, "@example.com")
    assert whole_or_part("") == (None, None)
