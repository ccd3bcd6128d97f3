"""The database comes back as it was a moment ago: a standby that lagged behind, or commits that were not on disk."""

from __future__ import annotations

import threading
import time

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import LedgerBehind
from ses_ops.storage.connection import connected

COUNT = 2_000


def remember(world) -> None:
    """What a standby has that gets nothing more from here on."""
    world.execute(
        "LOCK TABLE chunk IN SHARE ROW EXCLUSIVE MODE;"
        "CREATE TABLE old_chunk AS SELECT * FROM chunk;"
        "CREATE TABLE old_sent AS SELECT seq FROM message WHERE state = 'sent'"
    )


def fail_over(world) -> None:
    """All sessions end, and the database is the standby's."""
    world.execute(
        "LOCK TABLE chunk;"
        "UPDATE chunk c SET steps = o.steps, sending_through = o.sending_through, pending = o.pending, sent = o.sent"
        " FROM old_chunk o WHERE c.id = o.id;"
        "UPDATE message SET state = 'queued', smtp_code = NULL, tries = 0"
        " WHERE seq NOT IN (SELECT seq FROM old_sent);"
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND application_name = 'ses-ops send' AND datname = current_database()"
    )


def test_a_sender_that_knows_more_than_its_database_stops_and_owns_up(world, mail_server):
    mail_server.delay = 0.02
    world.smtp_uri += "?connections=4"
    world.group("customers", COUNT)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    problems = []

    def send() -> None:
        try:
            world.send(chunk_id, run)
        except LedgerBehind as problem:
            problems.append(problem)

    sender = threading.Thread(target=send)
    sender.start()
    while mail_server.total < 60:
        time.sleep(0.002)
    remember(world)
    behind = mail_server.total
    while mail_server.total < behind + 100:
        time.sleep(0.002)
    fail_over(world)
    sender.join(60)
    assert not sender.is_alive()
    assert len(problems) == 1
    assert "lost what was committed" in str(problems[0])
    assert mail_server.total < COUNT
    world.settle(run)
    world.check_ledger()
    assert set(world.states()) <= {"sent", "queued", "requeued", "unknown"}
    mail_server.delay = 0
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert set(mail_server.accepted.values()) == {1}
    unknown = world.states().get("unknown", 0)
    assert world.overview("hello").sent_count + unknown == COUNT
    assert COUNT - unknown <= mail_server.total <= COUNT
    world.check_ledger()


@pytest.mark.parametrize("lost", ["attempt", "steps"])
def test_an_attempt_that_the_database_does_not_know_is_no_other_sender(world, lost):
    from ses_ops.sending.chunk.claim import check_still_mine, claim_chunk

    world.group("customers", 10)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    with connected(world.dsn) as conn:
        attempt = claim_chunk(conn, chunk_id, run.run_id)
        if lost == "attempt":
            world.execute("UPDATE chunk SET attempt_id = NULL; DELETE FROM attempt")
        with pytest.raises(LedgerBehind):
            check_still_mine(conn, attempt, steps=1, old_sessions=[])


def test_a_senders_commits_are_on_disk_whatever_the_database_is_set_to(world):
    from ses_ops.storage.connection import KEY_LOOKUPS

    with connected(world.dsn, options="-c synchronous_commit=off " + KEY_LOOKUPS) as conn, conn.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
