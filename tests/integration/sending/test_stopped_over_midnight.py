"""A sender that is stopped (SIGSTOP, a suspended machine) until its quota day is over sends nothing on the next day."""

from __future__ import annotations

import os
import signal
import time

from tests.integration.sending.test_crashes import sender_process, wait_for_total
from tests.integration.sending_world import World, quota
from tests.recording_smtp import RecordingServer

PEOPLE = 2_000
#: Seconds that the day still has when the sender hears of its end.
LEFT = 6


def end_the_day_soon(world: World) -> None:
    """And wait until the sender has seen when that is."""
    world.execute(f"UPDATE quota_day SET ends_at = clock_timestamp() + interval '{LEFT} seconds'")
    ((now,),) = world.rows("SELECT clock_timestamp()")
    while not world.rows("SELECT FROM attempt WHERE heartbeat_at > %s", now):
        time.sleep(0.02)


def test_a_sender_that_was_stopped_over_the_days_end_begins_no_message_on_the_next_day(ses_dsn, tmp_path):
    with RecordingServer(delay=0.1) as mail:
        world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=f"{mail.uri}?connections=8")
        world.quota_variable = quota(2 * PEOPLE)
        world.group("customers", PEOPLE)
        world.task("hello", group="customers")
        run = world.run("hello")
        world.freeze(run)
        (chunk_id,) = world.reserve(run).chunk_ids
        process = sender_process(world, chunk_id, run.run_id)
        wait_for_total(mail, 30, process)
        end_the_day_soon(world)
        os.kill(process.pid, signal.SIGSTOP)
        while not world.rows("SELECT FROM quota_day WHERE ends_at < clock_timestamp()"):
            time.sleep(0.1)
        on_that_day, goes_on = mail.total, time.monotonic()
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(60) == 0
        assert max(mail.accepted_at.values()) < goes_on
        world.settle(run)
        world.check_ledger()
        assert world.rows("SELECT used, reserved FROM quota_day") == [(on_that_day, 0)]
        assert world.states()["sent"] == on_that_day < PEOPLE
        mail.delay = 0.0
        world.whole_run(world.run("hello", "resume"))
        assert set(mail.accepted.values()) == {1}
        assert mail.total == PEOPLE
        world.check_ledger()
        world.close()
