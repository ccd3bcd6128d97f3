"""The whole stack, started and stopped as a person does: `make run` in a terminal, Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.sizes import STARTUP

REPOSITORY = Path(__file__).resolve().parents[2]
#: Seconds; 25-60 were measured on two shared cores.
READY_WITHIN = 280.0
STOPPED_WITHIN = 120.0
#: For one answer of a web server that eighteen stories ask at once.
ANSWERED_WITHIN = 120.0
#: For tests that write send tasks or delete runs behind Airflow's back: Airflow notices at its next turn, in this many
#: seconds. A turn starts four processes, 2 s of CPU.
READS_OFTEN = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "15"}
#: Seconds that a scheduler with nothing to do sleeps. At the stack's own 0.1 an idle stack takes a third of a core, at
#: 0.5 a third of that (measured), and several stacks share two cores here.
SLEEPS_LONGER = {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5"}
PORTS = ("SES_WEB_PORT", "SES_SMTP_PORT", "SES_MAILBOX_PORT", "SES_PUBLIC_PORT", "SES_BOUNCE_PORT", "SES_API_PORT")
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


#: Bound, and never listening: nobody else is given the port. Who listens on it shares it, by SO_REUSEADDR.
_HELD: list[socket.socket] = []


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that no other test is given."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    _HELD.append(held)
    return int(held.getsockname()[1])


@dataclass
class StackProcess:
    """One SES_HOME with ports of its own. It can be started, stopped and started again."""

    #: More settings, for example {"SES_SAMPLE": "off"}.
    settings: dict[str, str] = field(default_factory=dict)
    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ses-acceptance-")))
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.settings = {**{name: str(free_port()) for name in PORTS}, **SLEEPS_LONGER, **self.settings}
        self.started_at = 0.0
        self.output_file = self.home.with_name(self.home.name + ".log")

    @property
    def environment(self) -> dict[str, str]:
        """The test's own environment, without what would make this stack another one."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AIRFLOW", "SES_", "MAKE", "MFLAGS", "PYTEST", "PYTHONPATH"))
        }
        return {**kept, "PYTHONPATH": STARTUP, **self.settings, "SES_HOME": str(self.home)}

    @property
    def output(self) -> str:
        """Everything that `make run` has printed."""
        return self.output_file.read_text(errors="replace") if self.output_file.exists() else ""

    def start(self) -> None:
        """`make run`, as the leader of a process group: what a terminal's foreground job is."""
        self.started_at = time.time()
        with self.output_file.open("ab") as output:
            self.process = subprocess.Popen(
                ["make", "--no-print-directory", "run"],
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_and_wait(self) -> None:
        """Start, and wait until the stack says that it is ready."""
        self.start()
        assert self.process is not None
        end = time.monotonic() + READY_WITHIN
        while not self._described_itself():
            assert self.process.poll() is None, f"make run ended:\n{self.output}"
            assert time.monotonic() < end, f"not ready within {READY_WITHIN} s:\n{self.output}"
            time.sleep(0.3)

    def _described_itself(self) -> bool:
        """A stack.json of this run: a killed one leaves its own behind."""
        try:
            return (self.home / "stack.json").stat().st_mtime >= self.started_at
        except FileNotFoundError:
            return False

    def interrupt(self) -> None:
        """Ctrl-C: the terminal sends SIGINT to every process of the foreground group."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self, seconds: float = STOPPED_WITHIN) -> int:
        """Wait for the end; the exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def stop(self) -> None:
        """Ctrl-C, and wait for the end."""
        if self.process is not None and self.process.poll() is None:
            self.interrupt()
            self.wait()

    def remove(self) -> None:
        """End it at once, whatever the test did, and remove the data. How it stops by itself: test_stack_lifecycle."""
        try:
            if self.process is not None and self.process.poll() is None:
                # `make` and the supervisor, so that nobody starts anything anew.
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            running = self.processes()
            for process in running:
                # PostgreSQL's way to stop at once; killed, it would leave its shared memory behind.
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGQUIT if process.name() == "postgres" else signal.SIGKILL)
            _, alive = psutil.wait_procs(running, timeout=5)
            for process in [*alive, *self.processes()]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        finally:
            shutil.rmtree(self.home, ignore_errors=True)
            self.output_file.unlink(missing_ok=True)

    def supervisor(self) -> psutil.Process:
        """The process below `make` that supervises the others."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return next(one for one in children if "ses_ops.stack" in " ".join(one.cmdline()))

    def processes(self) -> list[psutil.Process]:
        """Every living process that works for this SES_HOME, wherever in the process tree it is."""
        found = []
        for process in psutil.process_iter():
            try:
                here = [process.cwd(), *process.cmdline()]
                if process.status() != psutil.STATUS_ZOMBIE and any(str(self.home) in part for part in here):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    @property
    def description(self) -> dict[str, Any]:
        """stack.json."""
        return dict(json.loads((self.home / "stack.json").read_text()))

    @property
    def airflow_dsn(self) -> str:
        """Airflow's metadata database."""
        return str(self.description["airflow_db_dsn"]).replace("postgresql+psycopg2://", "postgresql://", 1)

    @property
    def password(self) -> str:
        """The generated password of the user `admin`."""
        return (self.home / "secrets" / "web_password").read_text().strip()

    def url(self, path: str, *, port: str = "SES_WEB_PORT") -> str:
        """An address of the stack."""
        return f"http://127.0.0.1:{self.settings[port]}{path}"

    def token(self) -> str:
        """A token of the REST API."""
        _, answer = self.call("POST", "/auth/token", {"username": "admin", "password": self.password})
        return str(answer["access_token"])

    def call(self, method: str, path: str, body: object = None, *, token: str = "") -> tuple[int, Any]:
        """A request to Airflow's web server: the status and the parsed answer."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        return _fetch(urllib.request.Request(self.url(path), data=data, headers=headers, method=method))

    def mailbox(self, path: str) -> Any:
        """An answer of the mailbox's JSON API."""
        return _fetch(urllib.request.Request(self.url(path, port="SES_MAILBOX_PORT")))[1]

    def ses(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `ses` program on this stack."""
        program = REPOSITORY / ".venv" / "bin" / "ses"
        return subprocess.run(
            [str(program), *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )


def _fetch(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with _OPENER.open(request, timeout=ANSWERED_WITHIN) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode(errors="replace")
