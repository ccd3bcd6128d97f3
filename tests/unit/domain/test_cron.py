"""Cron expressions: which are read, and when they happen where people change the clocks, beside Airflow's own cron."""

from __future__ import annotations

import tests.airflow_environment  # isort: skip # noqa: F401 - before anything of Airflow

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pendulum
import pytest
from airflow.timetables.trigger import CronTriggerTimetable
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_ops.domain.clock import END_OF_TIME
from ses_ops.domain.cron import check_cron, next_cron
from ses_ops.errors import InvalidInput
from tests.sizes import examples, size

#: Zones and moments shortly before their clocks change, one for each kind of change.
CHANGES = {
    "back in Berlin": ("Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC)),
    "forward in Berlin": ("Europe/Berlin", datetime(2026, 3, 28, 22, tzinfo=UTC)),
    "back in New York": ("America/New_York", datetime(2026, 11, 1, 3, tzinfo=UTC)),
    "forward in New York": ("America/New_York", datetime(2026, 3, 8, 4, tzinfo=UTC)),
    "back by half an hour on Lord Howe": ("Australia/Lord_Howe", datetime(2027, 4, 3, 12, tzinfo=UTC)),
    "forward by half an hour on Lord Howe": ("Australia/Lord_Howe", datetime(2026, 10, 3, 12, tzinfo=UTC)),
    "back for Ramadan in Casablanca": ("Africa/Casablanca", datetime(2026, 2, 14, 22, tzinfo=UTC)),
    "forward after Ramadan in Casablanca": ("Africa/Casablanca", datetime(2026, 3, 21, 22, tzinfo=UTC)),
    "back at midnight in Tehran": ("Asia/Tehran", datetime(2021, 9, 21, 16, tzinfo=UTC)),
    "forward at midnight in Tehran": ("Asia/Tehran", datetime(2021, 3, 21, 16, tzinfo=UTC)),
    "back at midnight in Santiago": ("America/Santiago", datetime(2026, 4, 5, 0, tzinfo=UTC)),
    "forward at midnight in Beirut": ("Asia/Beirut", datetime(2026, 3, 28, 18, tzinfo=UTC)),
    "a quarter of an hour in Kathmandu": ("Asia/Kathmandu", datetime(1985, 12, 31, 14, tzinfo=UTC)),
    "half an hour in Pyongyang": ("Asia/Pyongyang", datetime(2015, 8, 14, 11, tzinfo=UTC)),
}
#: Expressions, and their slots until well behind each change, which come within five hours.
HOURLY = {
    "0 * * * *": 24,
    "*/30 * * * *": 36,
    "*/15 * * * *": 40,
    "15 * * * *": 24,
    "*/7 * * * *": 80,
    "0 0-23 * * *": 24,
    "5,50 */1 * * *": 36,
}


def slots(cron: str, zone: str, after: datetime, count: int) -> list[datetime]:
    found: list[datetime] = []
    while len(found) < count:
        after = next_cron(cron, ZoneInfo(zone), after)
        found.append(after)
    return found


def airflows(cron: str, zone: str, after: datetime, count: int) -> list[datetime]:
    timetable, moment, found = CronTriggerTimetable(cron, timezone=zone), pendulum.instance(after), []
    while len(found) < count:
        moment = timetable._get_next(moment)
        found.append(datetime.fromisoformat(moment.in_timezone("UTC").isoformat()))
    return found


def written(moments: list[datetime], zone: str) -> list[str]:
    return [f"{moment.astimezone(ZoneInfo(zone)):%d %H:%M%z}"[:-2] for moment in moments]


@pytest.mark.parametrize("cron", HOURLY)
@pytest.mark.parametrize("change", CHANGES)
def test_a_cron_of_every_hour_has_the_slots_of_airflows_own(change, cron):
    zone, before = CHANGES[change]
    count = size(100, HOURLY[cron])
    assert slots(cron, zone, before, count) == airflows(cron, zone, before, count)


@given(
    zone=st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})),
    after=st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
    minute=st.one_of(
        st.integers(0, 59).map(str),
        st.integers(2, 59).map("*/{}".format),
        st.lists(st.integers(0, 59), min_size=2, max_size=4).map(lambda some: ",".join(map(str, some))),
    ),
)
@settings(max_examples=examples(150), deadline=None)
def test_in_every_zone_and_year_a_cron_of_every_hour_has_the_slots_of_airflows_own(zone, after, minute):
    """From an hour without a clock change on: within one, Airflow's own depends on where it is asked from."""
    cron, after = f"{minute} * * * *", after.replace(second=0, microsecond=0)
    theirs = airflows(cron, zone, after - timedelta(hours=3), 1)
    while sum(slot > after for slot in theirs) < 40:
        theirs += airflows(cron, zone, theirs[-1], 20)
    assert slots(cron, zone, after, 40) == [slot for slot in theirs if slot > after][:40]


def test_an_hour_that_comes_twice_has_its_hourly_mail_twice():
    before = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    hourly = slots("0 * * * *", "Europe/Berlin", before, 4)
    assert written(hourly, "Europe/Berlin") == ["25 02:00+02", "25 02:00+01", "25 03:00+01", "25 04:00+01"]
    half = slots("*/30 * * * *", "Europe/Berlin", before, 6)
    assert {later - earlier for earlier, later in pairwise(half)} == {timedelta(minutes=30)}


def test_an_hour_that_is_skipped_has_no_hourly_mail():
    hourly = slots("30 * * * *", "Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC), 4)
    assert written(hourly, "Europe/Berlin") == ["29 00:30+01", "29 01:30+01", "29 03:30+02", "29 04:30+02"]


def test_an_appointment_in_the_night_of_a_clock_change_is_kept_once():
    skipped = slots("30 2 * * *", "Europe/Berlin", datetime(2026, 3, 28, 0, tzinfo=UTC), 3)
    assert written(skipped, "Europe/Berlin") == ["28 02:30+01", "29 03:30+02", "30 02:30+02"]
    doubled = slots("30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 0, tzinfo=UTC), 3)
    assert written(doubled, "Europe/Berlin") == ["24 02:30+02", "25 02:30+02", "26 02:30+01"]


def test_a_cron_of_every_hour_of_one_weekday_keeps_to_that_day():
    """Airflow's own goes a week ahead by the clock of today and ends up an hour late, or on the day before."""
    mondays = slots("0 * * * MON", "Europe/Berlin", datetime(2026, 3, 23, 20, tzinfo=UTC), 4)
    assert written(mondays, "Europe/Berlin") == ["23 22:00+01", "23 23:00+01", "30 00:00+02", "30 01:00+02"]
    mondays = slots("0 * * * MON", "Europe/Berlin", datetime(2026, 10, 19, 20, tzinfo=UTC), 4)
    assert written(mondays, "Europe/Berlin") == ["19 23:00+02", "26 00:00+01", "26 01:00+01", "26 02:00+01"]
    saturdays = slots("0 * * * SAT", "America/Santiago", datetime(2026, 4, 5, 1, tzinfo=UTC), 4)
    assert written(saturdays, "America/Santiago") == ["04 23:00-03", "04 23:00-04", "11 00:00-04", "11 01:00-04"]


crons = st.one_of(
    st.sampled_from(sorted(HOURLY)),
    st.sampled_from(
        ["30 2 * * *", "10,30 0-4 * * *", "0 0 * * *", "*/20 1-3 * * SUN", "0 * * * SUN", "*/10 * 25-31 * *"]
    ),
    st.sampled_from(["0 */2 * * *", "0 9 * * MON", "15 1 1 * *", "59 23 31 12 *", "*/15 * 1 1 *", "0 0 29 2 *"]),
)


@given(
    cron=crons,
    zone=st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})),
    after=st.datetimes(datetime(1970, 1, 2), datetime(2190, 1, 1), timezones=st.just(UTC)),
    earlier=st.timedeltas(timedelta(microseconds=1), timedelta(hours=30)),
)
@settings(max_examples=examples(150), deadline=None)
def test_the_slots_are_the_same_from_wherever_one_looks(cron, zone, after, earlier):
    tz = ZoneInfo(zone)
    slot = next_cron(cron, tz, after)
    assert slot is not None
    assert slot > after
    assert next_cron(cron, tz, slot - timedelta(microseconds=1)) == slot
    seen = next_cron(cron, tz, slot - earlier)
    while seen < slot:
        seen = next_cron(cron, tz, seen)
    assert seen == slot


@given(
    cron=crons,
    zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Apia", "Etc/GMT+12", "Africa/Casablanca"]),
    after=st.datetimes(timezones=st.just(UTC)),
)
@settings(deadline=None)
def test_no_moment_of_the_calendar_breaks_a_cron(cron, zone, after):
    slot = next_cron(cron, ZoneInfo(zone), after)
    assert slot is None or after < slot < END_OF_TIME


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("R R * * *", "its minute cannot be 'R'"),
        ("0 R(1-5) * * *", "its hour cannot be 'R(1-5)'"),
        ("H 9 * * *", "its minute cannot be 'H'"),
        ("0 9 L * *", "its day of the month cannot be 'L'"),
        ("0 9 15W * *", "its day of the month cannot be '15W'"),
        ("0 9 ? * *", "its day of the month cannot be '?'"),
        ("0 9 * * MON#1", "its weekday cannot be 'MON#1'"),
        ("0 9 * * L5", "its weekday cannot be 'L5'"),
        ("0 9 * * 5L", "its weekday cannot be '5L'"),
        ("0 9 * MON *", "its month cannot be 'MON'"),
        ("0 9 * 13 *", "its month cannot be '13'"),
        ("0 9 * * 8", "its weekday cannot be '8'"),
        ("0 24 * * *", "its hour cannot be '24'"),
        ("60 * * * *", "its minute cannot be '60'"),
        ("0 9 0 * *", "its day of the month cannot be '0'"),
        ("-1 * * * *", "its minute cannot be '-1'"),
        ("1, * * * *", "its minute cannot be ''"),
        ("*-5 * * * *", "its minute cannot be '*-5'"),
        ("1-3-5 * * * *", "its minute cannot be '1-3-5'"),
        ("٣ 9 * * *", "its minute cannot be"),
        ("*/0 * * * *", "a step that is no whole number from 1 to 59"),
        ("*/90 * * * *", "a step that is no whole number from 1 to 59"),
        ("*/ * * * *", "a step that is no whole number from 1 to 59"),
        ("5/15 * * * *", "a step without a range; write 5-59/15"),
        ("0 22-2 * * *", "runs backwards; write it as two, 22-23,0-2"),
        ("@daily", "write '0 0 * * *'"),
        ("@reboot", "five fields"),
        ("0 9 * * * *", "five fields"),
        ("0 9 * * * * 2030", "five fields"),
        ("0 9 * *", "five fields"),
        ("", "five fields"),
        ("0 0 30 2 *", "never happens"),
    ],
)
def test_what_is_no_posix_cron_is_refused_with_the_field_that_is_wrong(expression, words):
    with pytest.raises(InvalidInput) as caught:
        check_cron(expression, where="spring.yaml")
    assert str(caught.value).startswith("spring.yaml: cron: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 9 * * MON-FRI", "Thu Fri Mon"),
        ("0 9 * * mon,Wed", "Mon Wed Mon"),
        ("0 9 * * FRI-SUN", "Fri Sat Sun"),
        ("0 9 * * 5-7", "Fri Sat Sun"),
        ("0 9 * * 7", "Sun Sun Sun"),
        ("0 9 * * 1-5/2", "Fri Mon Wed"),
        ("00 09 01,15 * MON", "Thu Mon Mon"),
        ("0 9 * JAN-MAR *", "Thu Fri Sat"),
    ],
)
def test_what_posix_and_every_cron_program_know_is_read(expression, days):
    assert check_cron(f" {expression} ") == expression
    assert " ".join(f"{slot:%a}" for slot in slots(expression, "UTC", datetime(2026, 1, 1, tzinfo=UTC), 3)) == days
