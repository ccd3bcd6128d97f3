"""The chart of messages over time: what it shows adds up, and pauses are where nothing left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ses_ops.console.sending_chart import HEIGHT, draw
from ses_ops.storage.task_progress import Burst

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


def test_what_nobody_sent_has_no_chart():
    assert draw([], now=NOON, waits=True) is None


def test_few_failures_can_be_seen_beside_many_messages():
    chart = draw([burst(0, 1, 1_000_000, 1)], now=NOON, waits=False)
    assert chart.columns[-1].failed_at[1] >= 2 or chart.columns[0].failed_at[1] >= 2
