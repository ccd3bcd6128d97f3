"""A whole stack for the measures that need Airflow, with smtp-sink as mail server."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg2

from bench import mailing, messages
from bench.database import family_cpu
from bench.sink import Sink, smtp_sink
from ses_ops.storage.connection import connected
from ses_ops.storage.tasks.overview import TaskOverview, list_tasks
from tests.acceptance.stack_process import StackProcess

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: The components, by a word of their command line.
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer", "postgres")
#: Seconds to wait for an event; a first run on a cold stack takes some 15.
_TIMEOUT = 300.0


class AirflowStack:
    """A running stack, and the sink that receives its mail."""

    def __init__(self, process: StackProcess, sink: Sink, conn: Connection) -> None:
        self.process, self.sink, self.conn = process, sink, conn
        self._warmed_up = 0

    @property
    def dsn(self) -> str:
        """The DSN of the `ses` database."""
        return str(self.process.description["db_dsn"])

    def warm_up(self) -> None:
        """Send a small mailing, so that every component has done all of its work once."""
        self._warmed_up += 1
        name = f"warm-up-{self._warmed_up}"
        mailing.add_group(self.conn, name, 100)
        self.apply(name, group=name, type="immediate")
        self.wait_until(lambda: self.look(name).status == "finished", f"{name} to finish")

    def look(self, task: str) -> TaskOverview:
        """A task, as the list of tasks shows it."""
        (one,) = list_tasks(self.conn, name=task)
        self.conn.rollback()
        return one

    def apply(self, name: str, *, group: str, **changes: object) -> float:
        """Run `ses task apply`; returns time.time() at its start. Raises RuntimeError."""
        # The file may be JSON, because JSON is YAML.
        entry = {**messages.definition(**changes), "name": name, "group": group}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(entry, file, default=str)
            file.flush()
            began = time.time()
            done = self.process.ses("task", "apply", file.name)
        if done.returncode:
            raise RuntimeError(f"ses task apply: {done.stderr.strip()[-500:]}")
        return began

    def add_scheduled(self, name: str, *, recipients: int) -> None:
        """Add a task with a start in two days, and its DAG. Triggered by hand, the task is finished after that run."""
        mailing.add_group(self.conn, name, recipients)
        self.apply(name, group=name, type="scheduled", start_at=datetime.now(UTC) + timedelta(days=2))
        self.wait_until(lambda: self.dags(f"send_task__{name}") == 1, f"the DAG of {name}")

    def trigger(self, task: str) -> None:
        """Trigger a run by Airflow's REST API. Raises RuntimeError."""
        token = self.process.token()
        path = f"/api/v2/dags/send_task__{task}/dagRuns"
        status, answer = self.process.call("POST", path, {"logical_date": None}, token=token)
        if status not in (200, 201):
            raise RuntimeError(f"Airflow did not trigger {task}: {status} {answer}")

    def airflow_rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query of Airflow's own database."""
        uri = self.process.description["airflow_db_dsn"].replace("postgresql+psycopg2", "postgresql", 1)
        conn = psycopg2.connect(uri)
        try:
            with conn.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())
        finally:
            conn.close()

    def dags(self, prefix: str) -> int:
        """Number of DAGs in Airflow whose ids begin with `prefix`."""
        found = self.airflow_rows("SELECT count(*) FROM dag WHERE NOT is_stale AND starts_with(dag_id, %s)", prefix)
        return int(found[0][0])

    def wait_until(
        self, happened: Callable[[], bool], what: str, *, seconds: float = _TIMEOUT, every: float = 0.1
    ) -> None:
        """Wait until `happened` is true. Raises RuntimeError with `what` after `seconds`."""
        end = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > end:
                raise RuntimeError(f"waited {seconds:.0f} s for {what}; the stack said: {self.process.output[-1000:]}")
            time.sleep(every)

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds that each component has used until now, with all its processes."""
        used = dict.fromkeys(COMPONENTS, 0.0)
        for child in self.process.supervisor().children():
            try:
                command = child.cmdline()
                # Some components rewrite their title, with an underscore.
                words = " ".join(os.path.basename(part) for part in command).replace("_", "-")
                name = next((one for one in COMPONENTS if one in words), None)
                if name is not None:
                    used[name] += family_cpu(child)
            except psutil.NoSuchProcess:
                continue
        return used

    def run_in_environment(self, *command: str) -> str:
        """Run a program in the environment of Airflow's components; returns its output. Raises CalledProcessError."""
        environment = {**self.process.environment, **self.process.description["env"]}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@contextmanager
def airflow_stack() -> Iterator[AirflowStack]:
    """A stack in a temporary SES_HOME, with the benchmark's templates and a quota that never runs out."""
    with smtp_sink(counting=True) as sink:
        settings = {
            "SES_SAMPLE": "off",
            "SES_TEMPLATES": str(messages.TEMPLATES),
            "AIRFLOW_CONN_SES_SMTP": f"smtp://127.0.0.1:{sink.port}?tls=none",
            "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(mailing.QUOTA),
        }
        home = Path(tempfile.mkdtemp(prefix="ses-bench-"))
        process = StackProcess(settings=settings, home=home)
        try:
            process.start_and_wait()
            with connected(str(process.description["db_dsn"])) as conn:
                yield AirflowStack(process, sink, conn)
        finally:
            process.remove()
