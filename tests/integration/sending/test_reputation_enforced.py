"""The reputation at work: what it allots is reserved and no more, a block holds mail, and a raise lets it go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.domain.task_status import TaskStatus
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.errors import Explanation
from ses_ops.sending.reserve import FIRST_CHUNK
from ses_ops.sending.waiting_mail import go_on_within_the_day
from ses_ops.storage.connection import transaction
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.reputation import states
from tests.integration.sending_world import DOMAIN, MORNING, World

WHY = Explanation("reputation_blocked_invalid", percent="12.50", count=50, total=400, threshold="11")
FOREVER = datetime.max.replace(tzinfo=UTC)


def led(**fields: Any) -> dict[str, Any]:
    """A plan led by the reputation, whose day ends in many hours."""
    return {DOMAIN: {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING, **fields}}


def state(world: World, level: int, **changes: Any) -> None:
    with transaction(world.conn):
        states.write(world.conn, ReputationState(sender_domain=DOMAIN, level=level, **changes))


def block(world: World, level: int = 1, until: datetime | None = None) -> None:
    state(world, level, blocked_until=until or datetime.now(UTC) + timedelta(hours=5), blocked_why=WHY)


def plan(world: World):
    return QuotaPlans.parse(world.quota_variable)[DOMAIN]


def today(world: World):
    with transaction(world.conn):
        return sender_domains.today(world.conn, plan(world))


def go_on(world: World) -> list[str]:
    return go_on_within_the_day(world.conn, plan(world))


def send(world: World, chunk_id: int, run):
    return world.send(chunk_id, run, plans=QuotaPlans.parse(world.quota_variable))


@pytest.fixture
def many(world) -> World:
    world.quota_variable = led()
    world.group("customers", 1_300)
    world.task("hello", group="customers")
    return world


def test_what_is_reserved_is_what_is_shown_as_left_and_the_level_allots_it(many):
    assert today(many).left == 500
    run = many.run("hello")
    many.freeze(run)
    reservation = many.reserve(run)
    assert (reservation.reserved, reservation.cached) == (500, 800)
    assert (today(many).left, today(many).reserved) == (0, 500)
    assert "today's quota of 500" in many.overview("hello").reason
    many.check_ledger()


def test_the_first_chunks_of_a_day_are_small_so_that_a_bad_list_is_noticed_in_time(many):
    state(many, 6)
    run = many.run("hello")
    many.freeze(run)
    many.reserve(run)
    sizes = [size for (size,) in many.rows("SELECT pending FROM chunk WHERE state = 'reserved' ORDER BY first_seq")]
    assert sum(sizes) == 1_300
    assert sizes[:4] == [FIRST_CHUNK] * 4
    before = 0
    for size in sizes:
        assert size <= max(FIRST_CHUNK, before // 4)
        before += size


@pytest.mark.parametrize("entry", [{"shadow": True}, {"plan": [500]}])
def test_chunks_stay_as_they_are_where_nothing_is_enforced(many, entry):
    many.quota_variable = led(**entry)
    run = many.run("hello")
    many.freeze(run)
    assert len(many.reserve(run).chunk_ids) == 1


def test_a_raise_lets_what_was_cached_today_go_on_at_once_and_nothing_is_lost_or_doubled(many, mail_server):
    many.group("others", 400)
    many.task("second", group="others")
    assert many.whole_run(many.run("hello")).sent == 500
    many.whole_run(many.run("second"))
    assert many.overview("second").cached_count == 400
    tomorrow = many.overview("second").next_run_at
    assert go_on(many) == [], "the level is as it was"
    assert many.overview("second").next_run_at == tomorrow

    state(many, 2)
    assert go_on(many) == ["hello", "second"]
    assert many.overview("hello").is_due
    assert "has risen to 1,000" in many.overview("hello").reason
    goes_on = many.settle(many.run("hello"))
    assert goes_on.resume_at <= datetime.now(UTC)
    assert many.whole_run(many.run("hello", RunKind.RESUME)).sent == 1_000
    many.whole_run(many.run("second", RunKind.RESUME))
    assert go_on(many) == [], "the raise was followed once"
    assert many.overview("second").next_run_at == tomorrow, "the same run as before"

    state(many, 4)
    for _ in range(2):
        for name in go_on(many):
            many.whole_run(many.run(name, RunKind.RESUME))
    assert {many.overview(name).status for name in ("hello", "second")} == {TaskStatus.FINISHED}
    assert set(mail_server.accepted.values()) == {1}
    assert mail_server.total == 1_700
    many.check_ledger()


def test_a_raise_hurries_neither_what_a_server_deferred_nor_what_a_person_stopped(many):
    many.whole_run(many.run("hello"))
    state(many, 2)
    many.execute("UPDATE chunk SET setbacks = 1 WHERE state = 'cached'")
    assert go_on(many) == []
    many.execute("UPDATE chunk SET setbacks = 0 WHERE state = 'cached'")
    many.execute("UPDATE send_task SET paused_at = now(), paused_reason = 'a person'")
    assert go_on(many) == []
    many.execute("UPDATE send_task SET paused_at = NULL, paused_reason = NULL")
    assert go_on(many) == ["hello"]


def test_a_raise_keeps_the_time_of_mail_that_is_due_today_anyway(many):
    many.whole_run(many.run("hello"))
    later = datetime.now(UTC) + timedelta(hours=2)
    many.execute("UPDATE chunk SET due_at = %s WHERE state = 'cached'", later)
    state(many, 2)
    assert go_on(many) == []
    assert many.overview("hello").next_run_at == later


def test_a_blocked_domain_reserves_nothing_and_its_mail_says_until_when_and_why(many, mail_server):
    block(many)
    settlement = many.whole_run(many.run("hello"))
    assert (settlement.sent, settlement.cached) == (0, 1_300)
    assert settlement.resume_at is not None
    assert mail_server.total == 0
    assert today(many).left == 0
    reason = many.overview("hello").reason
    assert reason.startswith(f"{DOMAIN} is blocked until ")
    assert "12.50 % of its mail (50 of 400)" in reason
    many.check_ledger()


def test_a_reserved_chunk_of_a_domain_that_was_blocked_goes_back_and_so_does_its_quota(many, mail_server):
    run = many.run("hello")
    many.freeze(run)
    first, *others = many.reserve(run).chunk_ids
    assert send(many, first, run).sent == FIRST_CHUNK
    block(many)
    for chunk_id in others:
        report = send(many, chunk_id, run)
        assert (report.sent, report.left) == (0, FIRST_CHUNK)
        assert report.ending.startswith(f"released: {DOMAIN} is blocked until")
    assert go_on(many) == [], "but the mail that no run had taken says the same"
    ((count,),) = many.rows(
        "SELECT count(*) FROM chunk WHERE state = 'cached' AND reason NOT LIKE '%% is blocked until%%'"
    )
    assert count == 0
    assert (today(many).used, today(many).reserved) == (FIRST_CHUNK, 0)
    settlement = many.settle(run)
    assert (settlement.sent, settlement.cached) == (FIRST_CHUNK, 1_300 - FIRST_CHUNK)
    assert mail_server.total == FIRST_CHUNK
    many.check_ledger()

    state(many, 2)  # as after a release on the same day
    assert go_on(many) == ["hello"]
    assert many.whole_run(many.run("hello", RunKind.RESUME)).sent == 1_000
    assert set(mail_server.accepted.values()) == {1}


def test_what_a_dead_sender_left_in_doubt_is_settled_before_a_blocked_chunk_goes_back(many):
    run = many.run("hello")
    many.freeze(run)
    chunk_id = many.reserve(run).chunk_ids[0]
    many.die_in_mid_send(chunk_id, marked=7)
    block(many)
    assert send(many, chunk_id, run).left == FIRST_CHUNK - 7
    assert many.overview("hello").unknown_count == 7
    assert today(many).used == 7
    many.check_ledger()


def test_a_block_without_an_end_is_looked_at_again_on_each_day(many):
    block(many, until=FOREVER)
    first = many.whole_run(many.run("hello"))
    assert first.reason == f"{DOMAIN} is blocked until a person releases it; " + str(WHY)
    assert first.resume_at is not None
    assert first.resume_at < datetime.now(UTC) + timedelta(days=2)


def test_in_shadow_the_figures_block_and_raise_nothing(many, mail_server):
    many.quota_variable = led(shadow=True)
    block(many, level=9)
    assert many.whole_run(many.run("hello")).sent == 500
    assert go_on(many) == []
    assert many.overview("hello").reason == f"today's quota of 500 for {DOMAIN} is used up"


def test_a_guard_lowers_the_calendar_and_never_raises_it(many):
    many.quota_variable = {DOMAIN: {"plan": [1_200], "started_on": "2026-01-01", "time_zone": MORNING, "guard": True}}
    state(many, 1)
    assert many.whole_run(many.run("hello")).sent == 500
    state(many, 9)
    assert go_on(many) == ["hello"]
    assert many.whole_run(many.run("hello", RunKind.RESUME)).sent == 1_200
