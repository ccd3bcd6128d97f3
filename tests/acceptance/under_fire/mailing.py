"""One send task on a running stack: what a person and Airflow do to it, and what must be true of it all the while."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

import psutil
import psycopg2

from ses_ops.domain.schedule import TaskType
from ses_ops.domain.send_task import dag_id
from ses_ops.domain.task_status import TaskStatus
from ses_ops.storage.tasks.overview import TaskOverview
from tests.acceptance.stack_process import StackProcess
from tests.integration.sending_world import World
from tests.recording_smtp import RecordingServer

#: Seconds between two looks at the ledger, and between two questions to Airflow's API, which has more to do for them.
LOOK_EVERY, ASK_EVERY = 0.5, 1.0
#: Seconds for what takes a few: where thirty processes want two cores, more than 120 were seen.
SOON = 400.0
#: States of an Airflow run that is over.
ENDED = ("success", "failed")


def has_ended(task: TaskOverview) -> bool:
    """All of its mail has an outcome. A triggered task waits for its next start then."""
    if task.type is TaskType.TRIGGERED:
        return task.status is TaskStatus.WAITING and task.request_count > 0 and not task.unsent_count
    return task.status is TaskStatus.FINISHED


@dataclass(frozen=True)
class Sender:
    """A process that sends a chunk now."""

    task: str
    attempt_id: int
    chunk_id: int
    process: psutil.Process


@dataclass
class Mailing:
    """A send task of `count` recipients, from its first run on. Every look at it checks that its counts add up."""

    stack: StackProcess
    token: str
    mail_server: RecordingServer
    world: World
    name: str
    count: int
    looks: int = field(default=0, init=False)

    # --- what is true

    def look(self) -> TaskOverview:
        """The task's line in the list; raises AssertionError when its counts do not add up."""
        overview = self.world.overview(self.name)
        self.looks += 1
        if overview.status is not TaskStatus.WAITING:
            assert overview.request_count == self.count or overview.request_count == 0, overview
        return overview

    def wait_for(
        self,
        condition: Callable[[TaskOverview], bool],
        what: str,
        seconds: float = SOON,
        *,
        every: float = LOOK_EVERY,
    ) -> TaskOverview:
        """Look until the condition holds."""
        end = time.monotonic() + seconds
        while not condition(overview := self.look()):
            assert time.monotonic() < end, f"{self.name}: no {what} within {seconds:.0f} s: {overview}\n{self.runs()}"
            time.sleep(every)
        return overview

    def accepted(self) -> Counter[str]:
        """What the mail server has accepted, a recipient."""
        return Counter({address: count for address in self.recipients if (count := self.mail_server.accepted[address])})

    @cached_property
    def recipients(self) -> list[str]:
        """The addresses of the group, as World.group makes them."""
        return [f"{self.name}-{number}@customers.example" for number in range(1, self.count + 1)]

    def accepted_times(self) -> list[float]:
        """When the mail server accepted them, in order; seconds of time.monotonic()."""
        return sorted(self.mail_server.accepted_at[address] for address in self.accepted())

    def wait_for_mail(self, count: int, seconds: float = SOON) -> None:
        """Wait until the mail server has accepted so many."""
        self.wait_for(lambda _: len(self.accepted()) >= count, f"{count} accepted messages", seconds)

    def addresses(self, state: str) -> set[str]:
        """The addresses of the messages in a state of the ledger."""
        rows = self.world.rows(
            "SELECT m.address FROM message m JOIN occurrence o ON o.id = m.occurrence_id"
            " JOIN send_task t ON t.id = o.task_id WHERE t.name = %s AND m.state = %s::message_state",
            self.name,
            state,
        )
        return {address for (address,) in rows}

    def check_exact(self) -> set[str]:
        """Nobody twice, nobody lost, every doubt owned up to; returns the addresses in doubt."""
        accepted, sent, unknown = self.accepted(), self.addresses("sent"), self.addresses("unknown")
        twice = {address: count for address, count in accepted.items() if count != 1}
        assert not twice, f"{self.name}: accepted more than once: {twice}"
        assert not sent - set(accepted), f"{self.name}: sent by the ledger, never accepted by the server"
        assert not set(accepted) - sent - unknown, f"{self.name}: accepted, and the ledger does not own up to it"
        return unknown

    def check_finished(self) -> set[str]:
        """All of `check_exact`, with nothing left to be sent."""
        unknown = self.check_exact()
        overview = self.look()
        assert has_ended(overview), overview
        assert overview.sent_count + overview.unknown_count == self.count, f"some are lost: {overview}"
        assert overview.unknown_count == len(unknown)
        return unknown

    def unknown_by_command(self) -> set[str]:
        """The addresses that `ses task messages --status unknown` names."""
        done = self.stack.ses("task", "messages", self.name, "--status", "unknown", "--limit", "100000", "--json")
        assert done.returncode == 0, done.stderr
        return {message["address"] for message in json.loads(done.stdout)}

    def senders(self) -> list[Sender]:
        """The living processes that send a chunk of this task now."""
        rows = self.world.rows(
            "SELECT a.id, c.id, a.pid FROM chunk c JOIN attempt a ON a.id = c.attempt_id"
            " JOIN send_task t ON t.id = c.task_id"
            " WHERE t.name = %s AND c.state = 'reserved' AND a.ended_at IS NULL ORDER BY a.id",
            self.name,
        )
        return [
            Sender(self.name, attempt, chunk, process)
            for attempt, chunk, pid in rows
            if (process := self._ours(pid)) is not None
        ]

    def _ours(self, pid: int) -> psutil.Process | None:
        """The process of this number if it works for this stack: a dead sender's number may be somebody else's now."""
        try:
            process = psutil.Process(pid)
            ours = self.stack.supervisor() in process.parents()
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None

    # --- what Airflow is asked for

    def api(self, method: str, path: str = "", body: object = None) -> Any:
        """A request about the task's DAG; raises AssertionError when it is refused.

        A question is asked again when Airflow had no time for it: its own error (500) is not what is tested here.
        """
        end = time.monotonic() + SOON
        while True:
            status, answer = self.stack.call(method, f"/api/v2/dags/{dag_id(self.name)}{path}", body, token=self.token)
            if method != "GET" or status < 500 or time.monotonic() > end:
                break
            time.sleep(ASK_EVERY)
        assert status in (200, 204), f"{method} {path}: {status} {answer}"
        return answer

    def runs(self) -> dict[str, str]:
        """Airflow's runs of the task: id and state, oldest first.

        Read in its table, or when PostgreSQL is back: stories ask each second, and its API takes several times the CPU.
        """
        end = time.monotonic() + SOON
        while True:
            try:
                with closing(psycopg2.connect(self.stack.airflow_dsn)) as conn, conn.cursor() as cursor:
                    cursor.execute(
                        "SELECT run_id, state FROM dag_run WHERE dag_id = %s ORDER BY run_after, id",
                        (dag_id(self.name),),
                    )
                    return dict(cursor.fetchall())
            except psycopg2.OperationalError:
                if time.monotonic() > end:
                    raise
            time.sleep(ASK_EVERY)

    def first_run(self) -> str:
        """The id of the run that the schedule made."""
        return next(run for run in self.runs() if run.startswith("scheduled__"))

    def trigger(self) -> str:
        """Trigger the DAG by hand; the run's id."""
        return str(self.api("POST", "/dagRuns", {"logical_date": None})["dag_run_id"])

    def clear_run(self, run_id: str) -> None:
        """Clear a whole run, as the button of the UI does."""
        self.api("POST", f"/dagRuns/{quote(run_id)}/clear", {"dry_run": False, "only_failed": False})

    def clear_task(self, run_id: str, task: str, *, map_index: int | None = None, downstream: bool = False) -> None:
        """Clear one task instance, as the button of the UI does."""
        body = {
            "dry_run": False,
            "only_failed": False,
            "reset_dag_runs": True,
            "dag_run_id": run_id,
            "task_ids": [task if map_index is None else [task, map_index]],
            "include_downstream": downstream,
        }
        cleared = self.api("POST", "/clearTaskInstances", body)
        assert cleared["total_entries"] > 0, f"{self.name}: nothing was cleared"

    def mark_failed(self, run_id: str) -> None:
        """Mark a run failed, as the button of the UI does."""
        self.api("PATCH", f"/dagRuns/{quote(run_id)}", {"state": "failed"})

    def delete_run(self, run_id: str) -> None:
        """Delete a run, as the button of the UI does."""
        self.api("DELETE", f"/dagRuns/{quote(run_id)}")

    def switch(self, *, paused: bool) -> None:
        """Turn the DAG's switch, as the UI does."""
        self.api("PATCH", "", {"is_paused": paused})

    def wait_until_finished(self, seconds: float = SOON) -> None:
        """Wait until the task is finished and Airflow has ended all its runs."""
        self.wait_for(has_ended, "end", seconds)
        self.wait_for_runs(lambda runs: all(state in ENDED for state in runs.values()), "end of its runs", seconds)

    def wait_for_runs(self, condition: Callable[[dict[str, str]], bool], what: str, seconds: float) -> None:
        """Ask Airflow for the task's runs until the condition holds."""
        self.wait_for(lambda _: condition(self.runs()), what, seconds, every=ASK_EVERY)
