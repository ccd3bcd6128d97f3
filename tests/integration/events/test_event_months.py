"""Events lie in a partition a month: made ahead and on demand, dropped after a setting, and none is refused."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from ses_ops import settings
from ses_ops.application.event_months import KeptMonths, keep_months
from ses_ops.application.record_events import keep_unmatched, record_events
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import Explanation, InvalidInput
from ses_ops.storage.connection import connected, transaction
from ses_ops.storage.events import partitions
from tests.integration.events.mailing import sent

DELIVERED = EventKind.DELIVERED


def months(world):
    return [
        name.removeprefix("message_event_")
        for (name,) in world.rows(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'message_event'::regclass ORDER BY 1"
        )
    ]


def in_months(world):
    name = "replace(tableoid::regclass::text, 'message_event_', '')"
    return dict(world.rows(f"SELECT {name}, count(*)::int FROM message_event GROUP BY 1"))


@pytest.fixture
def mailing(world):
    return sent(world, "spring", ["ann@shop.example"])


def test_a_month_is_made_when_its_first_event_comes_and_odd_dates_need_none(world, mailing):
    now = datetime.now(UTC)
    dates = [now, datetime(1970, 1, 1, tzinfo=UTC), now + timedelta(days=4000)]
    mailing.record(*(mailing.event(1, DELIVERED, occurred_at=one, source_id=str(one)) for one in dates))
    assert months(world) == [f"{now:%Y_%m}", "default"]
    assert in_months(world) == {f"{now:%Y_%m}": 1, "default": 2}


def test_maintenance_makes_months_ahead_and_drops_old_ones(world, mailing):
    old = date(2025, 2, 1)
    with transaction(world.conn):
        assert partitions.make(world.conn, old) is True
        assert partitions.make(world.conn, old) is False
    world.execute(
        "INSERT INTO message_event (event_key, occurred_at, occurrence_id, seq, kind, source, source_id)"
        " SELECT gen_random_uuid(), '2025-02-03', 1, 1, 'delivered', 'custom', n::text FROM generate_series(1, 50000) n"
    )
    assert in_months(world) == {"2025_02": 50_000}
    now = datetime.now(UTC)
    back = now.year * 12 + now.month - 1 - (2025 * 12 + 1)
    # Two of events, and two of opens and clicks.
    assert keep_months(world.conn, kept=back) == KeptMonths(made=4, dropped=0)
    assert keep_months(world.conn, kept=back - 1) == KeptMonths(made=0, dropped=1)
    assert "2025_02" not in months(world)
    assert len(months(world)) == 3


def test_what_came_before_its_month_was_made_moves_there_and_is_still_known(world, mailing):
    event = mailing.event(1, DELIVERED, occurred_at=datetime(2020, 5, 5, tzinfo=UTC))
    mailing.record(event)
    assert in_months(world) == {"default": 1}
    with transaction(world.conn):
        partitions.make(world.conn, date(2020, 5, 1))
    assert in_months(world) == {"2020_05": 1}
    assert mailing.record(event).repeated == 1


def test_months_are_made_while_others_write_and_nobody_is_refused(world, mailing):
    """Two processes make the same months, again and again, while four writers fill the default partition."""
    events = [
        mailing.event(1, DELIVERED, occurred_at=datetime(2010 + n % 5, 1 + n % 12, 3, tzinfo=UTC), source_id=str(n))
        for n in range(600)
    ]
    problems: list[BaseException] = []

    def safely(work):
        try:
            with connected(world.dsn) as conn:
                work(conn)
        except BaseException as problem:
            problems.append(problem)

    def write(which: int):
        def work(conn):
            for first in range(which * 10, len(events), 40):
                record_events(conn, events[first : first + 10])

        return lambda: safely(work)

    def make():
        def work(conn):
            for month in range(60):
                with transaction(conn):
                    partitions.make(conn, date(2010 + month // 12, 1 + month % 12, 1))

        safely(work)

    threads = [threading.Thread(target=one) for one in [make, make, *(write(which) for which in range(4))]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert world.rows("SELECT count(*)::int, count(DISTINCT event_key)::int FROM message_event") == [(600, 600)]
    assert "default" not in in_months(world)


@pytest.mark.parametrize("given", ["0", "-1", "1201", "many", "1.5", "99999999999999999999"])
def test_a_number_of_months_that_cannot_be_right_is_refused(monkeypatch, given):
    monkeypatch.setenv("SES_EVENTS_KEPT_MONTHS", given)
    with pytest.raises(InvalidInput, match="SES_EVENTS_KEPT_MONTHS"):
        settings.events_kept_months()


def test_thirteen_months_are_kept_unless_somebody_says_otherwise(monkeypatch):
    assert settings.events_kept_months() == 13
    monkeypatch.setenv("SES_EVENTS_KEPT_MONTHS", "24")
    assert settings.events_kept_months() == 24


def test_unmatched_events_are_kept_as_long_as_events(world):
    why = Explanation("mail_not_understood")
    for number in range(4):
        keep_unmatched(world.conn, source="bounce_mail", source_id=str(number), raw=b"A mail of a person.", why=why)
    world.execute("UPDATE unmatched_event SET received_at = now() - interval '70 days' WHERE source_id IN ('0', '1')")
    assert keep_months(world.conn, kept=3).forgotten == 0
    assert keep_months(world.conn, kept=1).forgotten == 2
    assert world.rows("SELECT source_id FROM unmatched_event ORDER BY id") == [("2",), ("3",)]
