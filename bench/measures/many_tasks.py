"""The measure of 1 000 send tasks: parse of the DAG file, first message, idle cost."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bench import mailing, messages
from bench.figure import Bar, Figure
from ses_ops.application.task_changes import apply_task
from ses_ops.domain.send_task import parse_send_task
from ses_ops.storage.connection import transaction

if TYPE_CHECKING:
    from bench.airflow_stack import AirflowStack
    from bench.context import Bench

#: Seconds of a parse, and until a new task's first message.
PARSE_BAR, FIRST_MESSAGE_BAR = 6.0, 10.0
#: Number of tasks in the smaller of two measured parses; then number of parses, of which the middle one counts.
_FEW, _PARSES = 100, 3
_PREFIX = "many-"
_DAG_PREFIX = f"send_task__{_PREFIX}"
#: A program that reads the DAG file as the DAG processor does, in a process that has imported Airflow. It prints
#: seconds, seconds of processor time, number of DAGs, number of errors.
_PARSE = """
import sys, time
from airflow.dag_processing.dagbag import DagBag
from airflow.plugins_manager import get_timetables_plugins
get_timetables_plugins()
began, worked = time.perf_counter(), time.process_time()
bag = DagBag(dag_folder=sys.argv[1], bundle_name="dags-folder")
print(time.perf_counter() - began, time.process_time() - worked, len(bag.dags), len(bag.import_errors))
"""


def measure(bench: Bench) -> Iterator[Figure]:
    sizes = bench.sizes
    stack = bench.stack
    without = _idle(bench, stack, "without them")
    yield _file_alone(bench, stack, 0)
    _add_tasks(bench, stack, range(min(_FEW, sizes.tasks)))
    yield _file_alone(bench, stack, _FEW)
    _add_tasks(bench, stack, range(_FEW, sizes.tasks))
    yield _file_alone(bench, stack, sizes.tasks)
    yield _parse(bench, stack, sizes.tasks)
    yield from _first_messages(bench, stack, sizes.new_tasks)
    if sizes.idle_seconds:
        yield from _cost(without, _idle(bench, stack, f"with {sizes.tasks:,} tasks"), sizes.tasks)
    else:
        yield Figure(what=f"idle cost of {sizes.tasks:,} tasks", skipped="it takes two minutes of watching")


def _add_tasks(bench: Bench, stack: AirflowStack, numbers: range) -> None:
    """Add tasks: half are recurring, 3 of 10 scheduled, 2 of 10 triggered; none sends during the measure."""
    bench.progress(f"  applying {len(numbers):,} tasks …")
    if numbers.start == 0:
        mailing.add_group(stack.conn, "many", 10)
    soon = datetime.now(UTC) + timedelta(days=3)
    with transaction(stack.conn):
        for number in numbers:
            name = f"{_PREFIX}{number:04}"
            entry = messages.definition(name=name, group="many", **_schedule(number, soon + timedelta(minutes=number)))
            apply_task(stack.conn, parse_send_task(entry, where=name), now=datetime.now(UTC), where=name)
    began = time.monotonic()
    stack.wait_until(lambda: stack.dags(_DAG_PREFIX) == numbers.stop, f"{numbers.stop:,} DAGs")
    bench.progress(f"  Airflow had their DAGs {time.monotonic() - began:.0f} s later")


def _schedule(number: int, start: datetime) -> dict[str, Any]:
    kind = number % 10
    if kind < 3:
        return {"type": "recurring", "every": "1d", "start_at": start, "time_zone": "America/New_York"}
    if kind < 5:
        return {"type": "recurring", "cron": f"{number % 60} 9 1 1 *", "time_zone": "Asia/Tokyo"}
    if kind < 8:
        return {"type": "scheduled", "start_at": start}
    return {"type": "triggered"}


def _file_alone(bench: Bench, stack: AirflowStack, count: int) -> Figure:
    """The cost of reading the DAG file with `count` tasks, besides the few that the stack has."""
    bench.progress(f"  parsing the DAG file with {count:,} tasks …")
    file = str(stack.process.description["env"]["AIRFLOW__CORE__DAGS_FOLDER"]) + "/send_tasks.py"
    parses = []
    for _ in range(_PARSES):
        seconds, worked, dags, errors = stack.run_in_environment(sys.executable, "-c", _PARSE, file).split()[-4:]
        if int(dags) < count or int(errors):
            raise RuntimeError(f"the DAG file made {dags} DAGs of {count:,} tasks, with {errors} errors")
        parses.append((float(worked), float(seconds)))
    worked_middle, seconds_middle = sorted(parses)[_PARSES // 2]
    return Figure(
        what=f"read dags/send_tasks.py with {count:,} tasks, processor time",
        value=worked_middle,
        unit="s",
        note=f"the middle of {_PARSES}; the file alone, without serialization: {seconds_middle:.1f} s by the clock",
    )


def _parse(bench: Bench, stack: AirflowStack, count: int) -> Figure:
    found = stack.airflow_rows("SELECT max(last_parse_duration) FROM dag WHERE starts_with(dag_id, %s)", _DAG_PREFIX)
    return Figure(
        what=f"parse dags/send_tasks.py with {count:,} tasks",
        value=float(found[0][0]),
        unit="s",
        bar=Bar(limit=PARSE_BAR),
        note="by the DAG processor's own word, its process and the serialization included",
    )


def _first_messages(bench: Bench, stack: AirflowStack, count: int) -> list[Figure]:
    from_creation, from_command = [], []
    for number in range(count):
        name = f"new-{number}"
        created, commanded = _first_message(stack, name)
        from_creation.append(created)
        from_command.append(commanded)
        bench.progress(f"  first message of {name}: {created:.1f} s after it was created")
    return [
        Figure(
            what="a new task's first message, after it was created",
            value=max(from_creation),
            unit="s",
            bar=Bar(limit=FIRST_MESSAGE_BAR),
            note=f"slowest of {count}, fastest {min(from_creation):.1f} s",
        ),
        Figure(
            what="the same, from the start of `ses task apply`",
            value=max(from_command),
            unit="s",
            note=f"slowest of {count}, fastest {min(from_command):.1f} s",
        ),
    ]


def _first_message(stack: AirflowStack, name: str) -> tuple[float, float]:
    """Seconds until the sink had the message: since the task's row was written, and since the command was started."""
    before = stack.sink.accepted()
    began = stack.apply(name, group="many", type="immediate")
    stack.wait_until(lambda: stack.sink.accepted() > before, f"the first message of {name}", every=0.02)
    arrived = time.time()
    created = stack.look(name).created_at.timestamp()
    stack.wait_until(lambda: stack.look(name).status == "finished", f"{name} to finish")
    return arrived - created, arrived - began


def _idle(bench: Bench, stack: AirflowStack, words: str) -> dict[str, float]:
    """CPU seconds a minute of each component; empty in a quick run, which does not wait for this."""
    seconds = bench.sizes.idle_seconds
    if not seconds:
        return {}
    bench.progress(f"  watching the idle stack for {seconds:.0f} s, {words} …")
    began, before = time.monotonic(), stack.cpu_seconds()
    time.sleep(seconds)
    after, minutes = stack.cpu_seconds(), (time.monotonic() - began) / 60
    return {name: (after[name] - before[name]) / minutes for name in after}


def _cost(without: dict[str, float], having: dict[str, float], count: int) -> list[Figure]:
    extra = {name: having[name] - without[name] for name in having}
    words = ", ".join(f"{name} {without[name]:.1f} → {having[name]:.1f}" for name in having)
    return [
        Figure(
            what=f"idle cost of {count:,} tasks, CPU seconds a minute",
            value=sum(extra.values()),
            unit="s",
            note=words,
            data={"without": without, "with": having},
        )
    ]
