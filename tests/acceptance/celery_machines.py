"""Redis and Celery workers beside a stack: what other machines run, in processes and folders of their own."""

from __future__ import annotations

import configparser
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from ses_ops.stack.airflow_database import airflow_is_migrated
from ses_ops.stack.processes import descendants, end_all, session_members
from tests.acceptance.stack_process import READY_WITHIN, REPOSITORY, StackProcess, free_port

INSTALL = REPOSITORY / "scripts" / "install-debian-packages.sh"
PASSWORD = "only-for-tests"
#: Airflow tasks that a worker runs at once.
CONCURRENCY = 2
#: Sections of deploy/airflow.cfg that say how a dead worker is noticed: what is tested is what the image has.
NOTICING = ("scheduler", "workers", "celery_broker_transport_options")


def wait_for(condition: Callable[[], Any], what: str, seconds: float, *, every: float = 0.1) -> Any:
    """Look until the condition holds; returns what it said."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"no {what} within {seconds:.0f} s"
        time.sleep(every)
    return found


def production_settings() -> dict[str, str]:
    """Those settings of the production image, as environment variables."""
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / "deploy" / "airflow.cfg")
    return {
        f"AIRFLOW__{section.upper()}__{name.upper()}": value
        for section in NOTICING
        for name, value in parser[section].items()
        # The port of the check is fixed: two stacks on one host would fight for it.
        if name != "enable_health_check"
    }


@dataclass
class Redis:
    """Debian's redis-server on a free port, everything in memory, with a password as in docker-compose.yaml."""

    port: int = field(default_factory=free_port)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ses-redis-")))

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def __enter__(self) -> Redis:
        subprocess.run([str(INSTALL), "redis-server"], check=True, timeout=300)
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["redis-server", "-", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        assert self.process.stdin is not None
        self.process.stdin.write(f'requirepass {PASSWORD}\nsave ""\n'.encode())
        self.process.stdin.close()
        wait_for(self._answers, f"Redis ({self.folder / 'log'})", 60)
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        ping = ["redis-cli", "-p", str(self.port), "ping"]
        done = subprocess.run(ping, env={**os.environ, "REDISCLI_AUTH": PASSWORD}, capture_output=True, check=False)
        return done.stdout.strip() == b"PONG"

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Machine:
    """A worker as another machine has it: it shares no folder and no socket with the stack, only TCP addresses."""

    name: str
    stack: StackProcess
    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ses-machine-")))
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """`airflow celery worker`, in a session of its own."""
        command = [sys.executable, "-m", "airflow", "celery", "worker", "--celery-hostname", self.name]
        command += ["--concurrency", str(CONCURRENCY), "--skip-serve-logs", "--pid", str(self.home / "worker.pid")]
        with (self.home / "worker.log").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def environment(self) -> dict[str, str]:
        """What docs/production.md hands to another machine: addresses, secrets, and the image's settings."""
        password = (self.stack.home / "secrets" / "database_password").read_text().strip()
        database = f"ses:{password}@127.0.0.1:{self.stack.settings['SES_DB_PORT']}"
        kept = {name: value for name, value in self.stack.environment.items() if name != "SES_HOME"}
        secret = {
            "AIRFLOW__CORE__FERNET_KEY": "fernet_key",
            "AIRFLOW__API__SECRET_KEY": "api_secret_key",
            "AIRFLOW__API_AUTH__JWT_SECRET": "jwt_secret",
        }
        return {
            **kept,
            **{name: (self.stack.home / "secrets" / file).read_text().strip() for name, file in secret.items()},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "SES_HOME": str(self.home),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": self.stack.url("/execution/"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}/airflow",
            "AIRFLOW_CONN_SES_DB": f"postgresql://{database}/ses",
        }

    @property
    def log(self) -> str:
        return (self.home / "worker.log").read_text(errors="replace")

    @property
    def ready(self) -> bool:
        """It takes tasks."""
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended:\n{self.log}"
        return f"{self.name} ready" in self.log

    def owns(self, pid: int) -> bool:
        """Whether a process is one of this machine's."""
        assert self.process is not None
        try:
            return any(parent.pid == self.process.pid for parent in psutil.Process(pid).parents())
        except psutil.Error:
            return False

    def processes(self) -> list[psutil.Process]:
        """Everything that runs on it."""
        assert self.process is not None
        found = {one.pid: one for one in [*session_members([self.process.pid]), *descendants(self.process.pid)]}
        return list(found.values())

    def lose_power(self) -> None:
        """All at once, as far as one machine can do that to another: nothing gets to say goodbye."""
        assert self.process is not None
        for number in (signal.SIGSTOP, signal.SIGSTOP, signal.SIGKILL):
            for process in self.processes():
                if process.is_running():
                    with suppress(ProcessLookupError):  # init has taken it meanwhile
                        os.kill(process.pid, number)
        self.process.wait(60)
        wait_for(lambda: not self.processes(), f"end of {self.name}", 60)

    def remove(self) -> None:
        """End it and all that it runs, and its folder."""
        if self.process is not None:
            end_all(self.processes(), seconds=10)
            self.process.wait(60)
        shutil.rmtree(self.home, ignore_errors=True)


def start_cluster(stack: StackProcess, machines: Sequence[Machine]) -> None:
    """Start the stack, and the machines as soon as there is a database for them: both take a while."""
    with ThreadPoolExecutor(1) as pool:
        stack_started = pool.submit(stack.start_and_wait)
        wait_for(lambda: stack_started.done() or _migrated(stack), "database of Airflow", READY_WITHIN, every=0.5)
        for machine in machines:
            machine.start()
        stack_started.result()
    for machine in machines:
        wait_for(lambda machine=machine: machine.ready, f"worker {machine.name}", READY_WITHIN, every=0.3)


def _migrated(stack: StackProcess) -> bool:
    secret = stack.home / "secrets" / "database_password"
    if not secret.exists():
        return False
    uri = f"postgresql://ses:{secret.read_text().strip()}@127.0.0.1:{stack.settings['SES_DB_PORT']}/airflow"
    try:
        return airflow_is_migrated(uri)
    except psycopg2.OperationalError:
        return False
