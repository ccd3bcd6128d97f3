"""The status of a task, and which occurrence a run works for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.domain.occurrence import Run, RunKind, missed_start, occurrence_key, resume_run_id, resume_time, spell
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.task_status import TaskFacts, task_status

WAITING = TaskFacts(
    type=TaskType.SCHEDULED,
    cancelled=False,
    paused_by_person=False,
    error=False,
    occurrence_open=False,
    occurrence_held=False,
    occurrence_finished=False,
    in_progress=0,
    cached=0,
    next_slot=True,
)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "waiting"),
        ({"next_slot": False}, "waiting"),
        ({"occurrence_open": True, "in_progress": 5}, "sending"),
        ({"occurrence_open": True, "queued": 5}, "sending"),
        ({"occurrence_open": True, "queued": 5, "error": True}, "error"),
        ({"occurrence_open": True, "cached": 5}, "paused"),
        ({"occurrence_open": True, "retrying": 5, "retry_first": True}, "retrying"),
        ({"occurrence_open": True, "retrying": 5, "cached": 5, "retry_first": True}, "retrying"),
        ({"occurrence_open": True, "retrying": 5, "cached": 5}, "paused"),
        ({"occurrence_open": True, "retrying": 5, "in_progress": 1}, "sending"),
        ({"paused_by_person": True, "retrying": 3, "retry_first": True}, "paused"),
        ({"occurrence_open": True, "cached": 5, "in_progress": 1}, "sending"),
        ({"occurrence_open": True, "cached": 5, "error": True}, "error"),
        ({"paused_by_person": True, "in_progress": 3}, "paused"),
        ({"cancelled": True, "cached": 3, "error": True}, "cancelled"),
        ({"next_slot": False, "occurrence_finished": True}, "finished"),
        ({"next_slot": False, "occurrence_finished": True, "cancelled": True}, "finished"),
        ({"next_slot": False, "occurrence_finished": True, "paused_by_person": True}, "finished"),
        ({"next_slot": False, "occurrence_finished": True, "occurrence_open": True, "cancelled": True}, "cancelled"),
        ({"type": TaskType.RECURRING, "occurrence_finished": True, "cancelled": True}, "cancelled"),
        ({"type": TaskType.TRIGGERED, "occurrence_finished": True, "cancelled": True}, "cancelled"),
        ({"type": TaskType.RECURRING, "occurrence_finished": True}, "waiting"),
        ({"type": TaskType.RECURRING, "next_slot": False}, "finished"),
        ({"type": TaskType.TRIGGERED, "next_slot": False}, "waiting"),
        ({"type": TaskType.TRIGGERED, "next_slot": False, "occurrence_finished": True}, "waiting"),
        ({"occurrence_held": True, "next_slot": False}, "waiting"),
    ],
)
def test_the_status_follows_from_the_facts(changes, status):
    assert task_status(replace(WAITING, **changes)) == status


def run(kind: RunKind, **more) -> Run:
    return Run(task_name="t", run_id="r1", kind=kind, **more)


SLOT = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("task_type", "a_run", "key"),
    [
        (TaskType.IMMEDIATE, run(RunKind.SCHEDULED, logical_at=SLOT), "once"),
        (TaskType.SCHEDULED, run(RunKind.TRIGGERED), "once"),
        (TaskType.SCHEDULED, run(RunKind.TRIGGERED, send_again=True), "run r1"),
        (TaskType.SCHEDULED, run(RunKind.RESUME), None),
        (TaskType.RECURRING, run(RunKind.SCHEDULED, logical_at=SLOT), "slot 2026-12-01T09:00:00+00:00"),
        (TaskType.RECURRING, run(RunKind.TRIGGERED), None),
        (TaskType.RECURRING, run(RunKind.TRIGGERED, send_again=True), "run r1"),
        (TaskType.TRIGGERED, run(RunKind.TRIGGERED), "run r1"),
        (TaskType.TRIGGERED, run(RunKind.RESUME), None),
    ],
)
def test_a_run_works_for_one_occurrence(task_type, a_run, key):
    assert occurrence_key(task_type, a_run) == key


def test_a_start_within_its_grace_may_still_happen():
    hour = timedelta(hours=1)
    assert missed_start(task="t", slot=SLOT, now=SLOT + hour, grace=hour) is None
    assert "missed by 1 h 1 min" in str(missed_start(task="t", slot=SLOT, now=SLOT + timedelta(minutes=61), grace=hour))
    late = {
        "task": "t",
        "slot": datetime(2026, 12, 1, tzinfo=UTC),
        "now": datetime(2026, 12, 2, tzinfo=UTC),
        "grace": hour,
    }
    assert str(missed_start(**late)).startswith("its start at 2026-12-01 00:00 UTC was missed")
    assert str(missed_start(**late, time_zone="Asia/Tokyo")).startswith(
        "its start at 2026-12-01 09:00 Asia/Tokyo was missed"
    )


def test_the_same_due_time_gives_the_same_run_id():
    assert resume_run_id(SLOT) == resume_run_id(SLOT.astimezone()) == "resume__2026-12-01T09:00:00.000000Z"
    assert resume_time(resume_run_id(SLOT)) == SLOT
    assert [resume_time(other) for other in ("resume__recovered_2026-12-01T09:00", "manual__x", "")] == [None] * 3


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (61, "1 min 1 s"), (3 * 3600, "3 h"), (90_061, "1 d 1 h")])
def test_spans_are_spelled_in_two_units(seconds, words):
    assert spell(timedelta(seconds=seconds)) == words
