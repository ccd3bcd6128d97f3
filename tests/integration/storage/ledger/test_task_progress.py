"""Where a task, an occurrence or a DAG run stands, and what its attempts noted of when messages left."""

from __future__ import annotations

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.storage.ledger import attempts, failures, progress
from ses_ops.storage.ledger.failures import FailureCounts
from ses_ops.storage.ledger.progress import LedgerScope, scope_of_run
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.tasks.send_tasks import find_row
from tests.integration.sending_world import PARTS, World, quota
from tests.recording_smtp import RecordingServer

REQUEST = 40


@pytest.fixture
def world(ses_dsn, tmp_path):
    """40 messages under a quota of 25, in chunks of 10; those that end in 3 or 9 are refused for good."""

    def refuse(recipient: str) -> bytes | None:
        digit = recipient.partition("@")[0][-1]
        return {"3": b"550 5.1.1 no such user", "9": b"552 5.2.2 mailbox full <b>"}.get(digit)

    with RecordingServer(refuse) as server:
        world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=server.uri, quota_variable=quota(25))
        world.group("people", REQUEST)
        world.task("sale", group="people")
        world.first = world.run("sale", RunKind.SCHEDULED)
        world.whole_run(world.first, chunk_size=10)
        yield world
        world.close()


def scope(world: World, **more) -> LedgerScope:
    return LedgerScope(task_id=find_row(world.conn, "sale").id, **more)


def adds_up(counts) -> bool:
    return counts.request_count == sum(getattr(counts, part) for part in PARTS)


def test_the_counts_are_those_of_the_list_and_of_its_occurrences(world):
    counts = progress.counts(world.conn, scope(world))
    overview = world.overview("sale")
    (occurrence,) = progress.occurrences(world.conn, scope(world), limit=10)
    for one in (counts, occurrence):
        assert adds_up(one)
        for field in ("request_count", *PARTS):
            assert getattr(one, field) == getattr(overview, field), field
    assert occurrence.run_id == world.first.run_id


def test_attempts_note_what_they_sent_and_all_of_them_together_everything(world):
    found = progress.bursts(world.conn, scope(world))
    overview = world.overview("sale")
    assert sum(one.sent for one in found) == overview.sent_count
    assert sum(one.failed for one in found) == overview.failed_count
    assert all(one.ended_at >= one.started_at and not one.alive for one in found)
    chunks = progress.chunks(world.conn, scope(world), limit=10)
    assert sum(one.handled or 0 for one in chunks) == overview.sent_count + overview.failed_count
    assert all(one.rate for one in chunks if one.attempts)


def test_a_run_is_about_what_it_began_and_a_resume_about_what_it_took(world):
    first = scope_of_run(world.conn, scope(world).task_id, world.first.run_id)
    assert progress.counts(world.conn, first).request_count == REQUEST
    world.execute("UPDATE quota_day SET starts_at = starts_at - interval '1 day', ends_at = starts_at")
    world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
    resume = world.run("sale", RunKind.RESUME)
    world.whole_run(resume)
    own = scope_of_run(world.conn, scope(world).task_id, resume.run_id)
    counts = progress.counts(world.conn, own)
    assert 0 < counts.request_count < REQUEST
    assert adds_up(counts)
    sent = {
        run.run_id: sum(one.sent + one.failed for one in progress.bursts(world.conn, scope))
        for run, scope in ((world.first, first), (resume, own))
    }
    assert sum(sent.values()) == REQUEST, sent
    nobody = scope_of_run(world.conn, own.task_id, "manual__nobody")
    assert progress.counts(world.conn, nobody).request_count == 0
    assert progress.occurrences(world.conn, nobody, limit=5) == []


def test_an_attempt_that_died_is_credited_with_what_its_journal_settled(world):
    (chunk,) = world.rows("SELECT id FROM chunk WHERE sent > 0 ORDER BY id LIMIT 1")[0]
    (attempt,) = world.rows("SELECT id FROM attempt WHERE chunk_id = %s", chunk)[0]
    before = world.rows("SELECT sent, ending FROM attempt WHERE id = %s", attempt)[0]
    world.execute("UPDATE chunk SET sent = sent - 1, unknown = unknown + 1 WHERE id = %s", chunk)
    attempts.end(world.conn, attempt_id=attempt, ending="died")
    world.conn.commit()
    after = world.rows("SELECT sent, ending FROM attempt WHERE id = %s", attempt)[0]
    assert after == (before[0] - 1, before[1]), "the count is the last, the ending the first"


def test_failures_are_counted_by_code_once_a_chunk(world, monkeypatch):
    counted = []
    count = failures._count
    monkeypatch.setattr(failures, "_count", lambda conn, chunks: counted.append(len(chunks)) or count(conn, chunks))
    known = FailureCounts()
    first = known.by_code(world.conn, scope(world))
    real = dict(world.rows("SELECT smtp_code, count(*)::int FROM message WHERE state = 'failed' GROUP BY 1"))
    assert {one.code: one.count for one in first} == real
    assert all(1 <= len(one.examples) <= failures.EXAMPLES for one in first)
    assert "mailbox full <b>" in next(one for one in first if one.code == 552).examples[0].text
    assert known.by_code(world.conn, scope(world)) == first
    assert counted[-1] == 0, "nothing was written since"


def test_many_failures_are_counted_a_part_a_call(world, monkeypatch):
    monkeypatch.setattr(failures, "MOST_LOOKED_AT", 10)
    known = FailureCounts()
    sums = [sum(one.count for one in known.by_code(world.conn, scope(world))) for _ in range(6)]
    assert sums == sorted(sums)
    assert sums[0] < sums[-1] == world.overview("sale").failed_count


@pytest.mark.parametrize("state", ["sent", "pending"])
def test_a_task_may_have_more_messages_than_fit_in_32_bits(world, state):
    world.execute("DELETE FROM send_count; DELETE FROM attempt; DELETE FROM chunk")
    world.execute("DELETE FROM message; DELETE FROM occurrence")
    for key in ("a", "b"):
        world.execute(
            "WITH made AS (INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count)"
            " SELECT id, %s, 'r', now(), 1200000000 FROM send_task RETURNING id, task_id)"
            " INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, sent, pending,"
            " sending_through, cached_at, due_at)"
            " SELECT id, task_id, 'mail.example.com', 1, 1200000000, 'cached', %s, %s, 0, now(), now() FROM made",
            key,
            1_200_000_000 * (state == "sent"),
            1_200_000_000 * (state == "pending"),
        )
    overview, counts = world.overview("sale"), progress.counts(world.conn, scope(world))
    assert overview.request_count == counts.request_count == 2_400_000_000
    assert (
        max(overview.sent_count, overview.cached_count) == max(counts.sent_count, counts.cached_count) == 2_400_000_000
    )
    assert len(progress.occurrences(world.conn, scope(world), limit=10)) == 2
    assert sum(one.count for one in sender_domains.cached_mail(world.conn, "mail.example.com")) in (0, 2_400_000_000)
    # One run of a new task: what waits before it is summed as well.
    assert world.settle(world.run("sale", RunKind.RESUME)).sent in (0, 2_400_000_000)
