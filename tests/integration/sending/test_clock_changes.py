"""Slots and quota days across clock changes are those of their own zone, whatever zone the host is in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sizes import STARTUP

ROOT = Path(__file__).parents[3]

#: In UTC, worked out by hand: New York is 5 hours behind UTC in winter and 4 in summer, Tokyo 9 ahead.
SLOTS = {
    "nine, spring": ["03-10 14:00", "03-11 13:00", "03-12 13:00", "03-13 13:00"],
    "nine, autumn": ["11-03 13:00", "11-04 14:00", "11-05 14:00", "11-06 14:00"],
    # 02:30 does not exist on the 11th: it happens at 03:30 summer time.
    "skipped": ["03-09 07:30", "03-10 07:30", "03-11 07:30", "03-12 06:30"],
    "skipped, cron": ["03-09 07:30", "03-10 07:30", "03-11 07:30", "03-12 06:30"],
    # 01:30 exists twice on the 4th: it happens the first time, and once.
    "twice": ["11-03 05:30", "11-04 05:30", "11-05 06:30", "11-06 06:30"],
    "twice, cron": ["11-03 05:30", "11-04 05:30", "11-05 06:30", "11-06 06:30"],
    "24 hours": ["03-10 14:00", "03-11 14:00", "03-12 14:00", "03-13 14:00"],
    "Tokyo, spring": ["03-10 00:00", "03-11 00:00", "03-12 00:00", "03-13 00:00"],
    "Tokyo, autumn": ["11-02 15:30", "11-03 15:30", "11-04 15:30", "11-05 15:30"],
}
#: Begin (UTC), hours, used, reserved at the end, first use (the run of every hour at :10).
DAYS = {
    "spring": [
        ["03-10 05:00", 24.0, 10, 0, "03-10 05:10"],
        ["03-11 05:00", 23.0, 10, 0, "03-11 05:10"],
        ["03-12 04:00", 24.0, 10, 0, "03-12 04:10"],
        ["03-13 04:00", 24.0, 10, 0, "03-13 04:10"],
    ],
    "autumn": [
        ["11-03 04:00", 24.0, 10, 0, "11-03 04:10"],
        ["11-04 04:00", 25.0, 10, 0, "11-04 04:10"],
        # 24 hours after 04:10 the day is not over: what was cached then goes on when the next begins.
        ["11-05 05:00", 24.0, 10, 0, "11-05 05:00"],
        # And on the day after at its own time again: ten past midnight.
        ["11-06 05:00", 24.0, 10, 0, "11-06 05:10"],
    ],
}


@pytest.mark.parametrize(
    ("host", "airflow", "offset"),
    [("Asia/Kolkata", "Asia/Kolkata", "+0530"), ("America/New_York", "Europe/Berlin", "-0400")],
)
def test_a_host_in_another_zone_sees_the_same_slots_and_quota_days(ses_dsn, tmp_path, host, airflow, offset):
    zones = {"TZ": host, "PGTZ": host, "AIRFLOW__CORE__DEFAULT_TIMEZONE": airflow}
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.sending.clock_process", ses_dsn, str(tmp_path / "templates")],
        cwd=ROOT,
        env={**os.environ, **zones, "PYTHONPATH": f"{STARTUP}:{ROOT}/plugins:{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=200,
    )
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["host"], report["airflow"]) == (offset, airflow), (
        "the process is in the zone that it is meant to be in"
    )
    assert report["slots"] == SLOTS
    assert report["days"] == DAYS
