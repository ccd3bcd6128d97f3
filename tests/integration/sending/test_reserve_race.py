"""Sixteen processes reserve from one domain's day, die at any moment, and never hand out one message too many."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.sending.recover import recover
from ses_ops.sending.settle import release_abandoned
from ses_ops.storage.connection import connect, connected
from ses_ops.storage.tasks import send_tasks
from tests.integration.sending.reserve_race import PHASES, TASKS
from tests.integration.sending.test_crashes import wait_for_chunk_locks_to_go
from tests.integration.sending_world import World, quota
from tests.sizes import size

ROOT = Path(__file__).parents[3]
ROUNDS = size(1_000, 300)
#: Three tasks fill the day, which happens on a busy machine too, where few processes hold a reservation at once.
ALLOTMENT = 800
#: Messages of each of the eight tasks: three times as much as the day holds.
GROUP = 300

#: Every value that the count of the day was ever given and committed.
_LOG = """
CREATE TABLE seen (reserved int, used int, allotment int);
CREATE FUNCTION note_day() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO seen VALUES (NEW.reserved, NEW.used, NEW.allotment); RETURN NULL; END $$;
CREATE TRIGGER note_day AFTER INSERT OR UPDATE ON quota_day FOR EACH ROW EXECUTE FUNCTION note_day();
"""

#: One snapshot of the day: what it says, what the chunks say, what the messages say.
_LOOK = """
SELECT q.allotment, q.reserved, q.used, c.reserved, c.under_way, m.left
FROM quota_day q
CROSS JOIN LATERAL (SELECT coalesce(sum(reserved), 0)::int AS reserved,
                           coalesce(sum(sent + unknown - used_before), 0)::int AS under_way
                    FROM chunk WHERE quota_day_id = q.id AND state = 'reserved') c
CROSS JOIN (SELECT count(*)::int AS "left" FROM message WHERE state IN ('sent', 'unknown')) m
"""


def watch(world: World, process: subprocess.Popen[str]) -> int:
    """Look until the process has ended; returns how often."""
    looks = 0
    conn = connect(world.dsn, application="the watcher")
    conn.autocommit = True
    with conn.cursor() as cursor:
        while process.poll() is None:
            cursor.execute(_LOOK)
            for allotment, reserved, used, held, under_way, left in cursor.fetchall():
                assert reserved + used <= allotment, f"{reserved} reserved and {used} used of {allotment}"
                assert reserved == held, f"the day says {reserved} are reserved, the chunks hold {held}"
                assert used + under_way == left <= allotment, f"{left} left, {used} and {under_way} are counted"
            looks += 1
            # It is the others that shall have the cores.
            time.sleep(0.02)
    conn.close()
    return looks


@pytest.fixture
def eight_tasks(world):
    world.quota_variable = quota(ALLOTMENT)
    for number in range(TASKS):
        world.group(f"g{number}", GROUP)
        world.task(f"t{number}", group=f"g{number}")
        world.freeze(world.run(f"t{number}"))
    world.execute(_LOG)


def race(world: World, seed: int) -> tuple[dict, int]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.integration.sending.reserve_race", world.dsn, world.smtp_uri),
            *(str(world.templates), json.dumps(world.quota_variable), str(ROUNDS), str(seed)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/plugins:{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        looks = watch(world, process)
        report = json.loads(process.communicate()[0])
    finally:
        process.kill()
        process.wait()
    return report, looks


def test_many_rounds_of_16_processes_with_crashes_never_exceed_the_quota(world, mail_server, eight_tasks):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    report, looks = race(world, seed)
    print(report, f"{looks} looks")
    assert not report["failed"], "a process ended with an error"
    assert report["rounds"] >= ROUNDS
    # How many depends on the machine: the trigger saw every value (_LOG).
    assert looks >= ROUNDS // 10, "the watcher did not keep up"
    missing = [phase for phase in PHASES[1:] if not report["killed"].get(phase)]
    assert not missing, f"nobody was killed while {' or '.join(missing)}"
    assert report["died"] > 0
    ((values, most, used),) = world.rows("SELECT count(*), max(reserved + used - allotment), max(used) FROM seen")
    assert values > ROUNDS
    assert most == 0, "the day must have been full, and never more than full"
    assert 0 < used < ALLOTMENT, "some was sent and some room was left to the end"
    # What was not sent comes back, and all of it can be sent.
    wait_for_chunk_locks_to_go(world)
    recover(world.conn, reserved_timeout=timedelta(0))
    assert world.rows("SELECT reserved FROM quota_day") == [(0,)]
    world.check_ledger()
    for number in range(TASKS):
        world.overview(f"t{number}")
        world.whole_run(world.run(f"t{number}", RunKind.TRIGGERED))
    world.check_ledger()
    assert world.rows("SELECT reserved, used FROM quota_day") == [(0, ALLOTMENT)]
    assert mail_server.total <= ALLOTMENT, "the server has had more than a day's quota"
    assert set(mail_server.accepted.values()) == {1}
    sent = {address for (address,) in world.rows("SELECT address FROM message WHERE state = 'sent'")}
    unknown = {address for (address,) in world.rows("SELECT address FROM message WHERE state = 'unknown'")}
    assert sent <= set(mail_server.accepted) <= sent | unknown
    assert len(sent) + len(unknown) == ALLOTMENT


def test_a_release_with_doubt_in_it_does_not_wait_for_who_holds_the_task(world):
    """The holder of the task may be waiting for the quota day that the release holds: a deadlock."""
    world.group("g", 10)
    world.task("t", group="g")
    run = world.run("t")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    world.die_in_mid_send(chunk_id, marked=3)
    with connected(world.dsn) as holder:
        send_tasks.lock_row(holder, "t")
        world.execute("SET lock_timeout = '5s'")
        release_abandoned(world.conn, chunk_id, run_id=run.run_id, reason=None)
    assert world.settle(run).unknown == 3
    assert world.rows("SELECT reserved, used FROM quota_day") == [(0, 3)]
    world.check_ledger()


def test_a_run_that_dies_with_mail_of_yesterday_leaves_it_due_at_once(world):
    """Not with the wait and the words of the day on which it was cached."""
    world.quota_variable = quota(5)
    world.group("g", 10)
    world.task("t", group="g")
    assert "quota of 5" in world.whole_run(world.run("t")).reason
    world.quota_variable = quota(100)
    again = world.run("t", RunKind.TRIGGERED)
    assert world.reserve(again).reserved == 5
    settlement = world.settle(again)
    assert settlement.resume_at <= datetime.now(UTC)
    assert "its run ended" in settlement.reason
