"""Airflow's components one by one, as production has them, each restarted when it dies; PostgreSQL beside them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from ses_ops.stack.airflow_environment import Addresses, airflow_settings, component_environment
from ses_ops.stack.generated_secrets import load_or_generate
from ses_ops.stack.places import Places
from ses_ops.stack.processes import descendants, session_members
from ses_ops.storage import migrate
from tests.acceptance.celery_machines import production_settings, wait_for
from tests.acceptance.stack_process import READY_WITHIN, StackProcess
from tests.postgres_server import DURABLE, PostgresServer

#: The components of production's default setup, and the kind of job by which each reports its heartbeat.
JOB_TYPES = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
COMPONENTS = ("api-server", *JOB_TYPES)
#: Seconds until a component that died is started again, and the most when it dies at every start (compose's own).
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 60.0
#: Seconds after which a component counts as started well.
WELL_AFTER = 10.0


class RestartedComponent:
    """One of Airflow's programs in a session of its own, started again whenever it ends: `restart: unless-stopped`."""

    def __init__(self, name: str, environment: dict[str, str], home: Path) -> None:
        self.name = name
        self.log = home / "logs" / f"{name}.log"
        self.starts = 0
        self._environment, self._home = environment, home
        self._sessions: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"keep {name}", daemon=True)
        self._start()
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """`kill -9` of the program alone: what it started lives on."""
        self._process.kill()

    def kill_all(self) -> None:
        """`kill -9` of the program and all that it started, as the end of a container is."""
        # Stopped first: nothing gets to notice that the others are gone.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in self._members():
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    def orphans(self) -> list[psutil.Process]:
        """What earlier starts left behind."""
        return session_members(self._sessions[:-1])

    def end(self) -> None:
        """At once, and not to be restarted any more."""
        self._over.set()
        self._thread.join(60)
        self.kill_all()
        for process in self.orphans():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(60)

    def _members(self) -> list[psutil.Process]:
        found = {one.pid: one for one in [*session_members([self.pid]), *descendants(self.pid)]}
        return list(found.values())

    def _start(self) -> None:
        options = ["--skip-serve-logs"] if self.name in ("scheduler", "triggerer") else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "airflow", self.name, *options],
                env=self._environment,
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started_at = time.monotonic()
        self._sessions.append(self._process.pid)
        self.starts += 1

    def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._over.wait(0.05):
            if self._process.poll() is None:
                continue
            pause = FIRST_PAUSE if time.monotonic() - self._started_at > WELL_AFTER else min(2 * pause, LONGEST_PAUSE)
            if not self._over.wait(pause):
                self._start()


@dataclass
class SeparateComponents(StackProcess):
    """PostgreSQL and Airflow with LocalExecutor, on settings of production; called as any other stack is."""

    postgres: PostgresServer = field(default_factory=lambda: PostgresServer.create(DURABLE))
    components: dict[str, RestartedComponent] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What every component runs in, and a person who calls `ses` beside them."""
        places = Places(home=self.home)
        addresses = Addresses(
            web_host="127.0.0.1",
            web_port=int(self.settings["SES_WEB_PORT"]),
            airflow_database=self.postgres.dsn("airflow").replace("postgresql://", "postgresql+psycopg2://", 1),
            ses_db=self.postgres.dsn("ses"),
            ses_smtp="",
        )
        own = airflow_settings(places, addresses, load_or_generate(places.secrets))
        # As in production by default: the mail server is a connection in Airflow's database, the quota a Variable.
        del own["AIRFLOW_CONN_SES_SMTP"]
        given = {**super().environment, **production_settings()}
        return component_environment(given, own, places)

    def add_policy(self, source: str) -> None:
        """Have Airflow's local settings, from before the start on."""
        folder = Places(home=self.home).airflow / "config"
        folder.mkdir(parents=True)
        (folder / "airflow_local_settings.py").write_text(source)

    def start_and_wait(self, before_airflow: Callable[[], None] = lambda: None) -> None:
        """Everything, as `docker compose up` does it: the database, the migrations, then the components.

        `before_airflow` is called when the ledger can be filled.
        """
        Places(home=self.home).create()
        self.postgres.start()
        for name in ("airflow", "ses"):
            self.postgres.execute(f"CREATE DATABASE {name}")
        migrate.upgrade(self.postgres.dsn("ses"))
        before_airflow()
        environment = self.environment
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        for name in COMPONENTS:
            self.components[name] = RestartedComponent(name, environment, self.home)
        wait_for(lambda: not self.unhealthy(), f"healthy Airflow ({self.home})", READY_WITHIN, every=0.3)

    @property
    def description(self) -> dict[str, Any]:
        """Of stack.json what the tests ask for."""
        return {"db_dsn": self.postgres.dsn("ses"), "airflow_db_dsn": self.postgres.dsn("airflow")}

    def unhealthy(self) -> list[str]:
        """The components that have not reported their heartbeat, and the api-server if it does not answer."""
        try:
            status, health = self.call("GET", "/api/v2/monitor/health")
        except OSError:
            return ["api-server"]
        if status != 200:
            return ["api-server"]
        return [name for name in JOB_TYPES if health[name.replace("-", "_")]["status"] != "healthy"]

    def busy_workers(self) -> list[psutil.Process]:
        """The worker processes of LocalExecutor that have a task now."""
        workers = psutil.Process(self.components["scheduler"].pid).children()
        titles = {}
        for worker in workers:
            with suppress(psutil.NoSuchProcess):
                titles[worker] = " ".join(worker.cmdline())
        return [one for one, title in titles.items() if "LocalExecutor: " in title and "<idle>" not in title]

    def newest_job(self, component: str) -> int:
        """The id of a component's newest job that has reported a heartbeat; 0 while PostgreSQL is away."""
        try:
            conn = psycopg2.connect(self.airflow_dsn)
        except psycopg2.OperationalError:
            return 0
        try:
            with conn.cursor() as cursor:
                cursor.execute(
                    "SELECT coalesce(max(id), 0) FROM job WHERE job_type = %s AND state = 'running'"
                    " AND latest_heartbeat >= start_date",
                    (JOB_TYPES[component],),
                )
                return int(cursor.fetchone()[0])
        finally:
            conn.close()

    def remove(self) -> None:
        """End everything, whatever the test did, and remove the data."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(RestartedComponent.end, self.components.values()))
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.postgres.stop("immediate")
        self.postgres.remove()
        if not os.environ.get("SK_KEEP"):
            shutil.rmtree(self.home, ignore_errors=True)
