"""The slots of a schedule, in particular across clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.clock import BEGINNING_OF_TIME, END_OF_TIME, end_of_day
from ses_ops.domain.cron import check_cron
from ses_ops.domain.schedule import Every, Schedule, TaskType, stored_schedule
from ses_ops.errors import InvalidInput

NEW_YORK = ZoneInfo("America/New_York")
TOKYO = ZoneInfo("Asia/Tokyo")


def recurring(start: datetime, zone: str = "UTC", **more) -> Schedule:
    return Schedule(type=TaskType.RECURRING, time_zone=zone, start_at=start, **more)


def local(slots: list[datetime], zone: ZoneInfo) -> list[str]:
    return [f"{slot.astimezone(zone):%m-%d %H:%M}" for slot in slots]


def test_days_keep_the_wall_clock_time_across_both_clock_changes():
    spring = recurring(datetime(2026, 3, 7, 9, tzinfo=NEW_YORK), "America/New_York", every=Every.parse("1d"))
    assert local(spring.next_slots(3), NEW_YORK) == ["03-07 09:00", "03-08 09:00", "03-09 09:00"]
    autumn = recurring(datetime(2026, 10, 31, 9, tzinfo=NEW_YORK), "America/New_York", every=Every.parse("1d"))
    assert local(autumn.next_slots(3), NEW_YORK) == ["10-31 09:00", "11-01 09:00", "11-02 09:00"]


def test_hours_are_elapsed_time():
    schedule = recurring(datetime(2026, 3, 7, 9, tzinfo=NEW_YORK), "America/New_York", every=Every.parse("24h"))
    assert local(schedule.next_slots(3), NEW_YORK) == ["03-07 09:00", "03-08 10:00", "03-09 10:00"]


def test_a_skipped_wall_clock_time_happens_later_and_a_doubled_one_once():
    skipped = recurring(datetime(2026, 3, 7, tzinfo=NEW_YORK), "America/New_York", cron="30 2 * * *")
    assert local(skipped.next_slots(3), NEW_YORK) == ["03-07 02:30", "03-08 03:30", "03-09 02:30"]
    doubled = recurring(datetime(2026, 10, 31, tzinfo=NEW_YORK), "America/New_York", cron="30 1 * * *")
    assert local(doubled.next_slots(3), NEW_YORK) == ["10-31 01:30", "11-01 01:30", "11-02 01:30"]


def test_slots_stay_in_order_where_the_clocks_change_by_half_an_hour():
    """On Lord Howe 02:00 to 02:29 do not exist on 7 October 2035: 02:10 happens at 02:40, after 02:30."""
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    schedule = recurring(datetime(2035, 10, 7, tzinfo=lord_howe), "Australia/Lord_Howe", cron="10,30 2 * * *")
    assert local(schedule.next_slots(4), lord_howe) == ["10-07 02:30", "10-07 02:40", "10-08 02:10", "10-08 02:30"]
    every_seven = recurring(datetime(2035, 10, 7, 1, 50, tzinfo=lord_howe), "Australia/Lord_Howe", cron="*/7 * * * *")
    # As Airflow's own cron: of every hour's slots, those in the skipped half hour are gone.
    assert [text[6:] for text in local(every_seven.next_slots(5), lord_howe)] == [
        "01:56",
        "02:30",
        "02:35",
        "02:42",
        "02:49",
    ]


def test_every_monday_at_nine_in_tokyo():
    schedule = recurring(datetime(2026, 12, 1, tzinfo=UTC), "Asia/Tokyo", cron="0 9 * * MON")
    assert schedule.next_slots(2) == [datetime(2026, 12, 7, tzinfo=UTC), datetime(2026, 12, 14, tzinfo=UTC)]


def test_the_end_is_the_last_possible_slot():
    start = datetime(2026, 12, 1, 9, tzinfo=UTC)
    schedule = recurring(start, every=Every.parse("24h"), until=start + timedelta(days=2))
    assert len(schedule.next_slots(10)) == 3
    assert schedule.next_after(start + timedelta(days=2)) is None


def test_a_scheduled_task_has_one_slot_and_a_triggered_one_none():
    start = datetime(2026, 12, 1, 9, tzinfo=UTC)
    once = Schedule(type=TaskType.SCHEDULED, time_zone="UTC", start_at=start)
    assert once.next_slots(5) == [start]
    assert Schedule(type=TaskType.TRIGGERED, time_zone="UTC").next_slots(5) == []


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    after=st.datetimes(datetime(2019, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),
    rhythm=st.one_of(
        st.builds(lambda n, u: {"every": Every(count=n, unit=u)}, st.integers(1, 500), st.sampled_from("hd")),
        st.sampled_from(["*/7 * * * *", "0 9 * * MON", "30 2 * * *", "15 1 1 * *"]).map(lambda c: {"cron": c}),
    ),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "Africa/Casablanca"]),
)
def test_slots_ascend_strictly_and_none_lies_between_a_moment_and_its_next_slot(start, after, rhythm, zone):
    schedule = recurring(start, zone, **rhythm)
    slot = schedule.next_after(after)
    assert slot is not None
    assert slot > after
    assert slot >= start
    assert schedule.next_after(slot) > slot
    # The slot is the same from every moment before it that lies behind `after`.
    assert schedule.next_after(slot - timedelta(microseconds=1)) == slot


@pytest.mark.parametrize("text", ["", "0h", "24", "1.5h", "2 weeks", "-3d", "h"])
def test_a_wrong_recurrence_is_refused(text):
    with pytest.raises(InvalidInput, match="every"):
        Every.parse(text)


@pytest.mark.parametrize("text", ["", "* * * *", "61 * * * *", "0 0 31 2 *", "every monday", "@daily", "* * * * * *"])
def test_a_wrong_cron_expression_is_refused(text):
    with pytest.raises(InvalidInput, match="cron"):
        check_cron(text)


def test_a_schedule_is_described_in_words():
    start = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
    schedule = recurring(start, "Asia/Tokyo", every=Every.parse("24h"), until=start + timedelta(days=31))
    assert schedule.describe() == "Every 24 hours from 2026-12-01 09:00 Asia/Tokyo until 2027-01-01 09:00"


def test_naive_datetimes_are_refused():
    with pytest.raises(ValueError, match="no time zone"):
        recurring(datetime(2026, 1, 1))


@pytest.mark.parametrize("text", ["99999d", "2100000h", "9" * 5000 + "d"])
def test_a_recurrence_longer_than_the_whole_of_time_is_refused_as_such(text):
    with pytest.raises(InvalidInput, match=r"every: .* is longer than the years from 1970 to 2200"):
        Every.parse(text)


def test_an_end_that_is_a_day_is_described_as_one():
    schedule = recurring(
        datetime(2026, 12, 1, tzinfo=UTC),
        "Asia/Tokyo",
        every=Every.parse("1d"),
        until=end_of_day(date(2026, 12, 3), TOKYO),
    )
    assert schedule.describe() == "Every day from 2026-12-01 09:00 Asia/Tokyo until the end of 2026-12-03"


@pytest.mark.parametrize("task_type", TaskType)
@pytest.mark.parametrize("start_at", [None, datetime(2026, 1, 1, tzinfo=UTC)])
def test_whatever_the_type_a_stored_schedule_is_told_in_words(task_type, start_at):
    schedule = stored_schedule(task_type, time_zone="UTC", start_at=start_at, every=None, cron=None, until=None)
    assert schedule.describe()


EDGES = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
anywhen = st.one_of(st.sampled_from(EDGES), st.datetimes(timezones=st.just(UTC)))
words = st.one_of(st.none(), st.text(max_size=12))


@given(
    task_type=st.sampled_from(TaskType),
    time_zone=st.one_of(
        st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Apia"]), st.text(max_size=8)
    ),
    start_at=st.one_of(st.none(), anywhen),
    every=st.one_of(words, st.sampled_from(["1d", "99999d", "8000h", "80000d"])),
    cron=st.one_of(words, st.sampled_from(["R R * * *", "0 0 1 1 *", "* * * * *", "30 2 * * *", "0 0 30 2 *"])),
    until=st.one_of(st.none(), anywhen),
    moment=st.one_of(st.none(), anywhen),
)
def test_whatever_is_stored_has_slots_within_time_or_a_problem_and_never_fails(
    task_type, time_zone, start_at, every, cron, until, moment
):
    schedule = stored_schedule(task_type, time_zone=time_zone, start_at=start_at, every=every, cron=cron, until=until)
    slots = schedule.next_slots(3, moment)
    assert slots == sorted(slots)
    assert all(BEGINNING_OF_TIME <= slot < END_OF_TIME for slot in slots)
    assert not (schedule.problem and slots)
    assert schedule.describe()
    assert schedule.next_after(slots[0] - timedelta(microseconds=1)) == slots[0] if slots else True
    assert schedule.has_slot(moment) in (True, False) if moment else True


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        ({"time_zone": "Mars/Olympus", "every": "1d"}, "time_zone: 'Mars/Olympus' is not an IANA time zone"),
        ({"cron": "R R * * *"}, "cron: 'R R * * *' is not a cron expression of five fields: its minute cannot be 'R'"),
        ({"every": "often"}, "every: 'often' is not a recurrence"),
        ({}, "a recurring task needs every"),
        ({"every": "1d", "start_at": datetime(9999, 12, 31, tzinfo=UTC)}, "its start at 9999-12-31 00:00 UTC is"),
        ({"cron": "0 0 1 1 *", "start_at": datetime(1, 1, 1, tzinfo=UTC)}, "is not in the years from 1970 to 2200"),
    ],
)
def test_a_stored_schedule_that_cannot_be_worked_out_says_why(stored, problem):
    facts = {"time_zone": "Asia/Tokyo", "start_at": datetime(2026, 1, 1, tzinfo=UTC), "every": None, "cron": None}
    schedule = stored_schedule(TaskType.RECURRING, until=None, **{**facts, **stored})
    assert problem in str(schedule.problem)
    assert schedule.describe() == f"Cannot be worked out: {schedule.problem}"
    assert schedule.next_slots(5) == []


def test_an_end_after_the_whole_of_time_is_none():
    schedule = stored_schedule(
        TaskType.RECURRING,
        time_zone="Asia/Tokyo",
        start_at=datetime(2200, 12, 30, tzinfo=UTC),
        every="1d",
        cron=None,
        until=datetime.max.replace(tzinfo=UTC),
    )
    assert schedule.problem is None
    assert len(schedule.next_slots(9)) == 3
