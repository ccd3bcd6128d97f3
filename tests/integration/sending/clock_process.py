"""`python -m tests.integration.sending.clock_process DSN TEMPLATES`: slots and quota days as a host sees them.

Run with TZ and Airflow's default time zone set to what the host is to have. Prints JSON, all times in UTC: `slots` of
each schedule, as Airflow's scheduler gets them from the timetable; `days`, the quota days of a domain in New York with
a run every hour.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tests.airflow_environment  # isort: skip  # noqa: F401 - before anything of Airflow
from airflow import settings
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import TimeRestriction

from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.send_task import parse_send_task
from ses_ops.orchestration.timetable import SendTaskTimetable
from tests.integration.sending.domain_days import DomainDays
from tests.integration.sending.simulated_clock import SimulatedClock
from tests.integration.sending_world import DOMAIN, World

#: Name: zone, start, rhythm. In New York the clocks go on at 2:00 on 11 March 2035 and back at 2:00 on 4 November.
SCHEDULES = {
    "nine, spring": ("America/New_York", "2035-03-10 09:00", {"every": "1d"}),
    "nine, autumn": ("America/New_York", "2035-11-03 09:00", {"cron": "0 9 * * *"}),
    "skipped": ("America/New_York", "2035-03-09 02:30", {"every": "1d"}),
    "skipped, cron": ("America/New_York", "2035-03-09 02:30", {"cron": "30 2 * * *"}),
    "twice": ("America/New_York", "2035-11-03 01:30", {"every": "1d"}),
    "twice, cron": ("America/New_York", "2035-11-03 01:30", {"cron": "30 1 * * *"}),
    "24 hours": ("America/New_York", "2035-03-10 09:00", {"every": "24h"}),
    "Tokyo, spring": ("Asia/Tokyo", "2035-03-10 09:00", {"every": "1d"}),
    "Tokyo, autumn": ("Asia/Tokyo", "2035-11-03 00:30", {"cron": "30 0 * * *"}),
}
HOUR = timedelta(hours=1)


def in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%m-%d %H:%M}"


def slots(zone: str, start: str, rhythm: dict[str, str]) -> list[str]:
    """The first four runs, asked for one after the other as the scheduler does."""
    entry = {"name": "x", "type": "recurring", "template": "hello", "sender": f"a@{DOMAIN}", "group": "g"}
    task = parse_send_task({**entry, "time_zone": zone, "start_at": start, **rhythm}, where="x")
    timetable = decode_timetable(json.loads(json.dumps(encode_timetable(SendTaskTimetable(task.schedule)))))
    free = TimeRestriction(earliest=None, latest=None, catchup=False)
    interval, found = None, []
    for _ in range(4):
        info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=free)
        assert info.run_after == info.logical_date
        interval = info.data_interval
        found.append(in_utc(info.logical_date))
    return found


def quota_days(world: World, clock: SimulatedClock, start: str) -> list[Any]:
    """Four quota days of New York: their length in hours, what was used, and when it was used up first."""
    world.execute("TRUNCATE send_task, recipient_group, quota_day CASCADE")
    world.quota_variable = {DOMAIN: {"plan": [10], "started_on": "2035-01-01", "time_zone": "America/New_York"}}
    world.group("customers", 1_000)
    world.task("hello", group="customers")
    days = DomainDays(world, clock)
    begin = datetime.fromisoformat(start)
    for step in range(4 * 24):
        days.at(
            begin + step * HOUR,
            lambda: days.run("hello", RunKind.TRIGGERED if days.promises else RunKind.SCHEDULED),
        )
    days.play_until(begin + timedelta(hours=95))
    rows = world.rows(
        "SELECT starts_at, ends_at - starts_at, used, reserved,"
        " (SELECT min(reserved_at) FROM chunk WHERE quota_day_id = q.id) FROM quota_day q ORDER BY starts_at"
    )
    world.check_ledger()
    return [
        [in_utc(starts), length / timedelta(hours=1), used, reserved, in_utc(first)]
        for starts, length, used, reserved, first in rows
    ]


if __name__ == "__main__":
    dsn, templates = sys.argv[1:]
    world = World(dsn=dsn, templates=Path(templates))
    clock = SimulatedClock(world)
    report = {
        "host": f"{datetime(2035, 6, 1).astimezone():%z}",
        "airflow": settings.TIMEZONE.name,
        "slots": {name: slots(*schedule) for name, schedule in SCHEDULES.items()},
        "days": {
            "spring": quota_days(world, clock, "2035-03-10T05:10:00+00:00"),
            "autumn": quota_days(world, clock, "2035-11-03T04:10:00+00:00"),
        },
    }
    world.close()
    print(json.dumps(report))
