"""The chart of messages over time: what it shows adds up, and pauses are where nothing left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ses_ops.console.charts.sending_chart import HEIGHT, draw
from ses_ops.domain.occurrence import resume_run_id
from ses_ops.storage.ledger.progress import Burst, PersonsPause

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def burst(after: float, lasts: float, sent: int, failed: int = 0) -> Burst:
    start = NOON + timedelta(seconds=after)
    return Burst(started_at=start, ended_at=start + timedelta(seconds=lasts), sent=sent, failed=failed, alive=False)


bursts = st.lists(
    st.builds(burst, st.floats(0, 4_000_000), st.floats(0, 5_000), st.integers(0, 50_000), st.integers(0, 500)),
    min_size=1,
    max_size=30,
)


@given(bursts, st.floats(0, 10_000_000), st.booleans())
def test_every_message_is_in_the_chart_once_and_nothing_stands_outside(given_bursts, later, waits):
    chart = draw(given_bursts, now=NOON + timedelta(seconds=later), waits=waits)
    assert chart is not None
    assert chart.sent == sum(one.sent for one in given_bursts)
    assert chart.failed == sum(one.failed for one in given_bursts)
    assert chart.begin <= min(one.started_at for one in given_bursts)
    assert chart.end >= max(one.ended_at for one in given_bursts)
    assert len(chart.columns) <= 61
    for column in chart.columns:
        assert column.sent + column.failed <= chart.highest
        assert column.sent_at[0] + column.sent_at[1] <= HEIGHT + 0.1
        assert 0 <= column.failed_at[0] <= HEIGHT
    for pause in chart.pauses:
        assert 0 <= float(pause.x[:-1]) <= 100
        assert float(pause.x[:-1]) + float(pause.width[:-1]) <= 100.01
        assert not any(one.started_at < pause.end and one.ended_at > pause.start for one in given_bursts)


def test_a_day_between_two_parts_is_a_pause_and_a_second_between_two_chunks_is_none():
    day = 86_400
    parts = [burst(0, 20, 500), burst(21, 20, 500), burst(day, 20, 1_000)]
    chart = draw(parts, now=NOON + timedelta(days=2), waits=False)
    assert [(one.start, one.end, one.lasts) for one in chart.pauses] == [
        (NOON + timedelta(seconds=41), NOON + timedelta(days=1), False)
    ]
    assert [(one.sent, one.failed) for one in chart.columns] == [(1_000, 0), (1_000, 0)]


def test_a_pause_that_is_not_over_lasts_until_now():
    now = NOON + timedelta(hours=3)
    chart = draw([burst(0, 20, 500)], now=now, waits=True)
    assert [(one.end, one.lasts) for one in chart.pauses] == [(now, True)]
    assert not draw([burst(0, 20, 500)], now=now, waits=False).pauses


HOUR = timedelta(hours=1)
#: What a day's quota let out, and the run that was planned for four hours later.
FIRST = burst(0, 20, 500)
DUE = NOON + 4 * HOUR


def kinds(*parts: Burst, now: datetime | None = None, **more) -> list[tuple[str, int]]:
    """The gaps: why, and whole hours."""
    chart = draw(parts, now=now or NOON + timedelta(days=9), waits=now is not None, **more)
    assert chart is not None
    return [(one.kind.value, round((one.end - one.start) / HOUR)) for one in chart.pauses]


def resumed(after: float) -> Burst:
    return replace(burst(after, 20, 500), run_id=resume_run_id(DUE))


def test_a_run_that_comes_at_its_time_ends_a_time_of_waiting():
    assert kinds(FIRST, resumed(4 * 3_600 + 8)) == [("waited", 4)]


def test_a_time_when_all_was_down_is_no_pause():
    assert kinds(FIRST, resumed(10 * 3_600)) == [("waited", 4), ("down", 6)], "it came six hours after its time"
    killed = replace(FIRST, interrupted=True)
    assert kinds(killed, burst(3 * 3_600, 20, 500)) == [("down", 3)], "a sender was killed, and came back"
    assert kinds(killed, now=NOON + 2 * HOUR) == [("down", 2)]


def test_what_is_due_and_does_not_go_on_is_no_pause():
    assert kinds(FIRST, now=NOON + 7 * HOUR, due_at=DUE) == [("waited", 4), ("down", 3)]
    assert kinds(FIRST, now=NOON + 3 * HOUR, due_at=DUE) == [("waited", 3)]


def test_a_persons_pause_is_told_apart_though_it_lasts_beyond_the_planned_time():
    pause = PersonsPause(paused_at=NOON + HOUR, resumed_at=NOON + 9 * HOUR)
    assert kinds(FIRST, resumed(9 * 3_600 + 5), pauses=[pause]) == [("waited", 1), ("paused", 8)]
    lasting = PersonsPause(paused_at=NOON + HOUR, resumed_at=None)
    assert kinds(FIRST, now=NOON + 6 * HOUR, pauses=[lasting]) == [("waited", 1), ("paused", 5)]


def test_what_nobody_sent_has_no_chart():
    assert draw([], now=NOON, waits=True) is None


def test_few_failures_can_be_seen_beside_many_messages():
    chart = draw([burst(0, 1, 1_000_000, 1)], now=NOON, waits=False)
    assert chart.columns[-1].failed_at[1] >= 2 or chart.columns[0].failed_at[1] >= 2
