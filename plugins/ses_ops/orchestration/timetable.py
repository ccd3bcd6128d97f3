"""The timetable of a send task's DAG: the slots of its `Schedule`.

Registered by airflow_plugin.py. The rules are those of domain/schedule.py; only the choice of the next slot, for a
scheduler that may have been down, is made here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.exceptions import AirflowTimetableInvalid
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable

from ses_ops.domain.clock import zone
from ses_ops.domain.cron import check_cron
from ses_ops.domain.schedule import Schedule, TaskType, stored_schedule
from ses_ops.errors import InvalidInput
from ses_ops.orchestration import run_identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.models.dag import DagModel
    from airflow.timetables.base import TimeRestriction

#: Spans in which the newest missed slot is looked for: the shortest first, so that few slots are walked through.
_LOOK_BACK = tuple(timedelta(hours=hours) for hours in (1, 25, 24 * 8, 24 * 32, 24 * 367))


class SendTaskTimetable(Timetable):
    """Fires at the slots of a send task's schedule, each with its slot as logical date.

    - immediate, scheduled: once; again only for a slot later than the last automated run (a new task of the same name).
    - recurring: on the exact grid, whatever the delay of a run. After an outage only the newest missed slot fires, late
      and with its own logical date; whether that is too late is decided when the audience would be frozen.
    - triggered: never by itself.
    """

    run_ordering: Sequence[str] = ("run_after", "logical_date")

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.periodic = schedule.type is TaskType.RECURRING
        self.can_be_scheduled = schedule.type is not TaskType.TRIGGERED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SendTaskTimetable) and self.schedule == other.schedule

    def __hash__(self) -> int:
        return hash(self.schedule)

    @property
    def description(self) -> str:
        """The schedule in Airflow's UI."""
        return self.schedule.describe()

    @property
    def summary(self) -> str:
        """The schedule in Airflow's lists."""
        return self.schedule.describe()

    def validate(self) -> None:
        """Raise AirflowTimetableInvalid for a schedule that has no slots and should have."""
        schedule = self.schedule
        if schedule.problem is not None:
            raise AirflowTimetableInvalid(schedule.problem)
        try:
            zone(schedule.time_zone)
            if schedule.cron is not None:
                check_cron(schedule.cron)
        except InvalidInput as problem:
            raise AirflowTimetableInvalid(str(problem)) from problem
        if schedule.type is TaskType.TRIGGERED:
            return
        if schedule.start_at is None:
            raise AirflowTimetableInvalid(f"a {schedule.type} send task needs a start")
        if schedule.type is TaskType.RECURRING and (schedule.every is None) == (schedule.cron is None):
            raise AirflowTimetableInvalid("a recurring send task needs every or cron, and not both")

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The next slot after the last automated run; of several that have passed already the newest."""
        last = _plain(last_automated_data_interval.end) if last_automated_data_interval else None
        if restriction.earliest is not None:
            before_earliest = _plain(restriction.earliest) - timedelta(microseconds=1)
            last = before_earliest if last is None else max(last, before_earliest)
        slot = self.schedule.next_after(last)
        if slot is not None and not restriction.catchup:
            slot = newest_passed(self.schedule, slot, datetime.now(UTC))
        if slot is None or (restriction.latest is not None and slot > restriction.latest):
            return None
        return DagRunInfo.exact(pendulum.instance(slot))

    def next_run_info_from_dag_model(self, *, dag_model: DagModel) -> DagRunInfo | None:
        """The slot of a run that is about to be made.

        Airflow stored that slot when it made the run before, perhaps before an outage: of the slots that have passed
        since, only the newest is used, so that an outage of three days does not end in two mailings to everybody.
        """
        noted = super().next_run_info_from_dag_model(dag_model=dag_model)
        if noted is None or not self.periodic:
            return noted
        return DagRunInfo.exact(
            pendulum.instance(newest_passed(self.schedule, _plain(noted.run_after), datetime.now(UTC)))
        )

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """The moment of a run by hand, as an interval."""
        return DataInterval.exact(run_after)

    def serialize(self) -> dict[str, Any]:
        """The schedule in JSON."""
        schedule = self.schedule
        return {
            "type": schedule.type.value,
            "time_zone": schedule.time_zone,
            "start_at": schedule.start_at and schedule.start_at.astimezone(UTC).isoformat(),
            "every": schedule.every and str(schedule.every),
            "cron": schedule.cron,
            "until": schedule.until and schedule.until.astimezone(UTC).isoformat(),
            "problem": schedule.problem,
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> SendTaskTimetable:
        """The timetable that `serialize` wrote, in this version or an earlier one.

        Every process that makes a run of a DAG (scheduler, API server, command line) calls this first, so the listener
        of run_identity.py is installed here.
        """
        run_identity.install()
        schedule = stored_schedule(
            TaskType(data["type"]),
            time_zone=data["time_zone"],
            start_at=data["start_at"] and datetime.fromisoformat(data["start_at"]),
            every=data["every"],
            cron=data["cron"],
            until=data["until"] and datetime.fromisoformat(data["until"]),
        )
        return cls(replace(schedule, problem=data.get("problem") or schedule.problem))


class EarlierSendTaskTimetable(SendTaskTimetable):
    """The timetable under its name of version 0.1.0: Airflow keeps that name with each DAG that it has serialized, and
    with the version of a DAG that a run began with. Never made anew."""


EarlierSendTaskTimetable.__module__ = "ses_ops.timetables.send_task"
EarlierSendTaskTimetable.__qualname__ = EarlierSendTaskTimetable.__name__ = "SendTaskTimetable"


def _plain(moment: datetime) -> datetime:
    """A pendulum moment as a datetime of the standard library: pendulum divides its intervals by its own only."""
    return datetime.fromisoformat(moment.astimezone(UTC).isoformat())


def newest_passed(schedule: Schedule, slot: datetime, now: datetime) -> datetime:
    """The newest slot from `slot` on that is not later than `now`; `slot` itself when that is in the future."""
    if slot >= now:
        return slot
    now = now if schedule.until is None else min(now, schedule.until)
    for span in _LOOK_BACK:
        floor = now - span
        if floor <= slot:
            break
        found = schedule.next_after(floor)
        if found is not None and found <= now:
            slot = found
            break
    while (later := schedule.next_after(slot)) is not None and later <= now:
        slot = later
    return slot
