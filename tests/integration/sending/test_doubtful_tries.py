"""Every try of a message that the server may have taken uses a place of the day's quota."""

from __future__ import annotations

from contextlib import suppress

import pytest

from ses_ops.errors import TransportUnavailable
from tests.integration.sending.test_crashes import kill, sender_process, wait_for_total
from tests.integration.sending_world import World, quota
from tests.recording_smtp import RecordingServer

#: Where only those are left that the server loses, it is taken for one that is away, soon.
IMPATIENT = "?connections=2&unavailable_after=2"


def is_unlucky(address: str) -> bool:
    """Every second of them: a server that loses each connection is taken for one that is away."""
    return int(address.partition("@")[0].rpartition("-")[2]) % 2 == 0


def used(world) -> int:
    ((number,),) = world.rows("SELECT coalesce(sum(used), 0)::int FROM quota_day")
    return number


def whole_day(world, task="hello", most_runs=40) -> int:
    """Run the task until the day has nothing more for it; returns the number of runs that sent."""
    first = world.run(task)
    world.freeze(first)
    for number in range(most_runs):
        run = first if not number else world.run(task, "resume")
        reservation = world.reserve(run)
        world.check_ledger()
        if not reservation.chunk_ids:
            return number
        for chunk_id in reservation.chunk_ids:
            with suppress(TransportUnavailable):  # once only those are left that it loses
                world.send(chunk_id, run)
            world.check_ledger()
        world.settle(run)
        world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached' AND reason NOT LIKE 'today%%'")
        world.check_ledger()
    raise AssertionError(f"the day is not over after {most_runs} runs")


@pytest.mark.parametrize(("allotment", "people", "lost"), [(100, 150, 9), (100, 80, 1), (60, 40, 2), (5, 4, 9)])
def test_a_server_that_loses_connections_behind_the_dot_gets_no_more_than_the_day_has(
    ses_dsn, tmp_path, allotment, people, lost
):
    with RecordingServer(hang_up=lambda address: is_unlucky(address) and mail.accepted[address] <= lost) as mail:
        world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=mail.uri + IMPATIENT)
        world.quota_variable = quota(allotment)
        world.group("customers", people)
        world.task("hello", group="customers", on_unknown="resend")
        whole_day(world)
        assert mail.total <= allotment
        assert used(world) == mail.total
        assert max(mail.accepted.values()) <= 3
        world.close()


def test_where_the_day_has_room_they_are_sent_again_in_the_same_run(ses_dsn, tmp_path):
    with RecordingServer(hang_up=lambda address: is_unlucky(address) and mail.accepted[address] <= 1) as mail:
        world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=mail.uri + "?connections=2")
        world.quota_variable = quota(100)
        world.group("customers", 20)
        world.task("hello", group="customers", on_unknown="resend")
        assert whole_day(world) == 1
        assert (mail.total, used(world)) == (30, 30)
        world.close()


def test_room_that_is_promised_to_cached_mail_is_not_taken(ses_dsn, tmp_path):
    """Its first call on the day goes before second tries (docs/decisions/0005)."""

    def is_lost(address: str) -> bool:
        return address == "customers-5@customers.example" and mail.accepted[address] <= 1

    with RecordingServer(hang_up=is_lost) as mail:
        world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=f"{mail.uri}?connections=1")
        world.quota_variable = quota(20)
        world.group("customers", 10)
        world.group("others", 10)
        world.task("hello", group="customers", on_unknown="resend")
        world.task("cached", group="others")
        world.freeze(world.run("cached"))
        world.execute("UPDATE chunk SET cached_at = now(), due_at = now() + interval '1 minute'")
        first = world.run("hello")
        world.freeze(first)
        (chunk_id,) = world.reserve(first).chunk_ids
        report = world.send(chunk_id, first)
        assert (mail.total, used(world), report.sent + report.left) == (10, 10, 10)
        assert report.ending == "released: tries whose end is in doubt have used up the quota that was reserved"
        world.settle(first)
        world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
        world.whole_run(world.run("cached", "resume"))
        assert sum(count for address, count in mail.accepted.items() if address.startswith("others")) == 10
        world.check_ledger()
        world.close()


def test_what_a_dead_process_left_in_doubt_is_charged_before_it_is_sent_again(world, mail_server):
    world.quota_variable = quota(1_000)
    mail_server.delay = 0.01
    world.group("customers", 1_000)
    world.task("hello", group="customers", on_unknown="resend")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    process = sender_process(world, chunk_id, run.run_id)
    wait_for_total(mail_server, 300, process)
    kill(world, process)
    report = world.send(chunk_id, run)
    world.settle(run)
    world.check_ledger()
    assert mail_server.total <= used(world) <= 1_000
    assert report.left == 1_000 - len(mail_server.accepted), "what was sent twice keeps as many others waiting"
