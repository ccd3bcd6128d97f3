"""Starts that a restored ledger does not know: the lost system may have made them, so a person decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.domain.occurrence import RunKind
from tests.integration.restore.conftest import say

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
SLOT = NOW - timedelta(minutes=10)
EVERY_DAY = {"type": "recurring", "time_zone": "UTC", "every": "1d"}


@pytest.fixture
def digest(world, mail_server):
    """A recurring task with a start ten minutes ago, which nobody made yet; the ledger is at home."""
    world.group("people", 20)
    world.group("readers", 30)
    world.task("before", group="people")
    world.whole_run(world.run("before"))
    world.task("digest", group="readers", start_at=f"{SLOT + timedelta(days=1):%Y-%m-%d %H:%M}", **EVERY_DAY)
    world.started_at("digest", SLOT)
    return world


def twice(mail_server) -> list[str]:
    return [address for address, count in mail_server.accepted.items() if count > 1]


def test_a_start_in_the_gap_is_held_and_a_run_by_hand_makes_it(digest, mail_server, backups, other_server):
    file = backups.dump(digest)
    digest.whole_run(digest.run("digest", logical_at=SLOT))
    assert mail_server.total == 50
    restored = backups.restore(file, like=digest, server=other_server)
    say(restored)
    # Airflow makes the last start that was missed.
    frozen = restored.freeze(restored.run("digest", logical_at=SLOT))
    assert frozen.occurrence_ids == ()
    assert "restored from a backup" in str(frozen.held_reason)
    assert restored.whole_run(restored.run("digest", RunKind.RESUME)).sent == 0
    assert mail_server.total == 50
    assert "restored from a backup" in str(restored.overview("digest").error)
    made_now = {"run_after": datetime.now(UTC) + timedelta(seconds=1)}
    restored.whole_run(restored.run("digest", RunKind.TRIGGERED, **made_now))
    assert len(twice(mail_server)) == 30, "this is what the person asked for"


def test_a_run_that_was_queued_in_the_restored_airflow_starts_nothing(digest, mail_server, backups, other_server):
    digest.task("letter", group="people", type="triggered")
    queued = {"run_after": datetime.now(UTC), "run_id": "manual__before"}
    file = backups.dump(digest)
    digest.whole_run(digest.run("letter", RunKind.TRIGGERED, **queued))
    restored = backups.restore(file, like=digest, server=other_server)
    say(restored)
    settled = restored.whole_run(restored.run("letter", RunKind.TRIGGERED, **queued))
    assert settled.sent == 0
    assert "restored from a backup" in str(restored.overview("letter").error)


def test_starts_after_the_gap_are_made(digest, mail_server, backups, other_server):
    restored = backups.restore(backups.dump(digest), like=digest, server=other_server)
    say(restored, taken_at=SLOT - timedelta(hours=2), until=SLOT - timedelta(minutes=1))
    assert restored.whole_run(restored.run("digest", logical_at=SLOT)).sent == 30
    assert twice(mail_server) == []


def test_a_moved_ledger_holds_no_start(digest, backups, other_server):
    restored = backups.restore(backups.dump(digest), like=digest, server=other_server)
    say(restored, nothing_was_sent=True)
    assert restored.whole_run(restored.run("digest", logical_at=SLOT)).sent == 30
