"""The timetable of a send task: its slots, once each, whatever happened to the scheduler in between."""

from __future__ import annotations

import tests.airflow_environment  # isort: skip # noqa: F401 - before anything of Airflow

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pendulum
import pytest
from airflow.exceptions import AirflowTimetableInvalid
from airflow.models.dag import DagModel
from airflow.timetables.base import DataInterval, TimeRestriction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.domain.schedule import Every, Schedule, TaskType
from ses_ops.orchestration import timetable as send_task
from ses_ops.orchestration.timetable import SendTaskTimetable, newest_passed
from tests.sizes import examples

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
FREE = TimeRestriction(earliest=None, latest=None, catchup=False)

moments = st.datetimes(min_value=datetime(2025, 1, 1), max_value=datetime(2027, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
zones = st.sampled_from(["UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
recurrences = st.one_of(
    st.builds(lambda count: {"every": Every(count=count, unit="h")}, st.integers(1, 200)),
    st.builds(lambda count: {"every": Every(count=count, unit="d")}, st.integers(1, 40)),
    st.sampled_from(["* * * * *", "0 9 * * MON", "30 2 * * *", "0 0 1 * *", "*/7 3 * * *"]).map(
        lambda cron: {"cron": cron}
    ),
)
recurring = st.builds(
    lambda start, zone, how, length: Schedule(
        type=TaskType.RECURRING,
        time_zone=zone,
        start_at=start,
        until=None if length is None else start + length,
        **how,
    ),
    moments,
    zones,
    recurrences,
    st.one_of(st.none(), st.timedeltas(min_value=timedelta(hours=1), max_value=timedelta(days=500))),
)
once = st.builds(
    lambda kind, start, zone: Schedule(type=kind, time_zone=zone, start_at=start),
    st.sampled_from([TaskType.IMMEDIATE, TaskType.SCHEDULED]),
    moments,
    zones,
)
schedules = st.one_of(recurring, once, st.just(Schedule(type=TaskType.TRIGGERED, time_zone="UTC")))
quick = settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def next_run(schedule, last=None, *, now=NOW, restriction=FREE):
    interval = None if last is None else DataInterval.exact(pendulum.instance(last))
    with patch.object(send_task, "datetime", wraps=datetime) as clock:
        clock.now.return_value = now
        info = SendTaskTimetable(schedule).next_dagrun_info(
            last_automated_data_interval=interval, restriction=restriction
        )
    return info and datetime.fromisoformat(info.logical_date.isoformat())


@given(schedules)
@quick
def test_a_timetable_survives_serialization(schedule):
    timetable = SendTaskTimetable(schedule)
    again = SendTaskTimetable.deserialize(timetable.serialize())
    assert again == timetable
    assert again.summary == timetable.summary
    assert (again.periodic, again.can_be_scheduled) == (timetable.periodic, timetable.can_be_scheduled)


def test_airflows_own_serializer_keeps_the_timetable():
    from airflow.serialization.decoders import decode_timetable
    from airflow.serialization.encoders import encode_timetable

    schedule = Schedule(
        type=TaskType.RECURRING,
        time_zone="Asia/Tokyo",
        start_at=NOW,
        every=Every.parse("24h"),
        until=NOW + timedelta(9),
    )
    encoded = encode_timetable(SendTaskTimetable(schedule))
    assert encoded["__type"] == "ses_ops.orchestration.timetable.SendTaskTimetable"
    assert decode_timetable(encoded) == SendTaskTimetable(schedule)


@pytest.mark.parametrize(
    "changes",
    [
        {"start_at": "9999-12-31T00:00:00+00:00", "every": None, "cron": "0 0 1 1 *"},
        {"start_at": "0001-01-01T00:00:00+00:00"},
        {"every": None, "cron": "R R * * *"},
        {"every": "99999d"},
        {"every": "often"},
        {"time_zone": "Mars/Olympus"},
        {"until": "9999-12-31T23:59:59+00:00", "time_zone": "Asia/Tokyo"},
        {"until": "0001-01-01T00:00:00+00:00", "time_zone": "America/New_York"},
    ],
)
def test_what_an_earlier_version_serialized_never_fails_in_the_scheduler(changes):
    stored = {"type": "recurring", "time_zone": "UTC", "start_at": NOW.isoformat(), "every": "1d", "cron": None}
    timetable = SendTaskTimetable.deserialize({**stored, "until": None, **changes})
    far = datetime.max.replace(tzinfo=UTC)
    for last in (None, NOW, datetime(2199, 1, 1, tzinfo=UTC), far):
        found = next_run(timetable.schedule, last)
        assert found is None or found > NOW - timedelta(seconds=1)
    assert timetable.description
    assert timetable.summary
    assert SendTaskTimetable.deserialize(timetable.serialize()) == timetable


@given(once)
@quick
def test_a_task_that_sends_once_fires_at_its_start_and_never_again(schedule):
    assert next_run(schedule) == schedule.start_at
    assert next_run(schedule, schedule.start_at) is None
    assert next_run(schedule, schedule.start_at + timedelta(days=1)) is None


@given(once)
@quick
def test_a_new_task_of_the_same_name_with_a_later_start_fires_again(schedule):
    assert next_run(schedule, schedule.start_at - timedelta(seconds=1)) == schedule.start_at


def test_a_triggered_task_never_fires_by_itself():
    schedule = Schedule(type=TaskType.TRIGGERED, time_zone="UTC")
    assert next_run(schedule) is None
    assert not SendTaskTimetable(schedule).can_be_scheduled


@given(recurring, moments)
@quick
def test_without_an_outage_a_recurring_task_fires_at_every_slot_of_its_grid(schedule, now):
    slots = schedule.next_slots(4)
    for last, slot in zip([None, *slots], slots, strict=False):
        # The scheduler asks right after a run was made, when the next slot is still to come.
        assert next_run(schedule, last, now=min(now, slot)) == slot


@given(recurring, moments)
@quick
def test_after_an_outage_only_the_newest_missed_slot_fires(schedule, now):
    (first,) = schedule.next_slots(1) or [None]
    if first is None:
        return
    fired = next_run(schedule, None, now=now)
    assert fired >= first
    following = schedule.next_after(fired)
    if fired <= now:
        assert following is None or following > now, "a newer slot had passed as well"
    else:
        assert fired == first, "nothing had passed, so nothing may be left out"
    assert next_run(schedule, fired, now=now) == following


def test_a_run_that_was_noted_before_the_outage_becomes_one_of_the_newest_missed_slot():
    schedule = Schedule(
        type=TaskType.RECURRING, time_zone="UTC", start_at=NOW - timedelta(days=9), every=Every.parse("24h")
    )
    noted = NOW - timedelta(days=3)
    model = DagModel(dag_id="x", next_dagrun=noted, next_dagrun_create_after=noted)
    model.next_dagrun_data_interval = DataInterval.exact(pendulum.instance(noted))
    with patch.object(send_task, "datetime", wraps=datetime) as clock:
        clock.now.return_value = NOW + timedelta(minutes=5)
        info = SendTaskTimetable(schedule).next_run_info_from_dag_model(dag_model=model)
    assert info.logical_date == info.run_after == NOW


def test_an_end_long_ago_is_found_at_once_however_dense_the_slots():
    end = NOW - timedelta(days=300)
    schedule = Schedule(
        type=TaskType.RECURRING, time_zone="UTC", start_at=end - timedelta(days=300), cron="* * * * *", until=end
    )
    assert newest_passed(schedule, schedule.start_at, NOW) == end


def test_a_restriction_of_the_dag_is_honoured():
    schedule = Schedule(type=TaskType.RECURRING, time_zone="UTC", start_at=NOW, every=Every.parse("24h"))
    earliest = pendulum.instance(NOW + timedelta(days=2))
    only_later = TimeRestriction(earliest=earliest, latest=None, catchup=False)
    assert next_run(schedule, restriction=only_later) == earliest
    ended = TimeRestriction(earliest=None, latest=pendulum.instance(NOW - timedelta(days=1)), catchup=False)
    assert next_run(schedule, restriction=ended) is None


def test_a_run_by_hand_covers_the_moment_it_was_asked_for():
    timetable = SendTaskTimetable(Schedule(type=TaskType.TRIGGERED, time_zone="UTC"))
    moment = pendulum.instance(NOW)
    assert timetable.infer_manual_data_interval(run_after=moment) == DataInterval.exact(moment)


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(type=TaskType.RECURRING, time_zone="Mars/Olympus", start_at=NOW, every=Every.parse("1d")),
        Schedule(type=TaskType.RECURRING, time_zone="UTC", start_at=NOW, cron="61 * * * *"),
        Schedule(type=TaskType.RECURRING, time_zone="UTC", start_at=NOW),
        Schedule(type=TaskType.SCHEDULED, time_zone="UTC"),
    ],
    ids=["unknown zone", "bad cron", "no recurrence", "no start"],
)
def test_a_schedule_that_cannot_be_is_refused_when_the_dag_is_read(schedule):
    with pytest.raises(AirflowTimetableInvalid):
        SendTaskTimetable(schedule).validate()
