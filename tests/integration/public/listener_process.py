"""The public listener as it is started on a machine: `ses listen public` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.acceptance.stack_process import free_port

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass
class ListenerProcess:
    """One listener, which may be killed and started again."""

    dsn: str
    spool: Path
    settings: dict[str, str] = field(default_factory=dict)
    #: More arguments, and what is run before, such as a limit of the shell.
    arguments: list[str] = field(default_factory=list)
    before: str = ""
    port: int = field(default_factory=free_port)
    #: The listener's name, as in `ses listen public`.
    kind: str = "public"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    @property
    def _log_file(self) -> Path:
        return self.spool.with_name(self.spool.name + f"-{self.port}.log")

    def launch(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "SES_"))}
        env = {**kept, "AIRFLOW_CONN_SES_DB": self.dsn, "SES_SPOOL": str(self.spool), "SES_HOME": str(self.spool)}
        env["AIRFLOW_HOME"] = str(self.spool / "no-airflow")
        command = [sys.executable, "-m", "ses_ops.cli.main", "listen", self.kind, "--port", str(self.port)]
        command += self.arguments
        if self.before:
            command = ["bash", "-c", f'{self.before}; exec "$@"', "bash", *command]
        with self._log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command, env={**env, **self.settings}, stdout=log, stderr=log, cwd=REPOSITORY, start_new_session=True
            )

    def start(self) -> None:
        self.launch()
        self.wait()

    def wait(self) -> None:
        """Until it answers, healthy or not."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                httpx.get(f"{self.url}/robots.txt", timeout=5, trust_env=False)
                return
            assert self.process is not None
            assert self.process.poll() is None, self.log
            time.sleep(0.02)
        raise AssertionError(f"the listener does not answer\n{self.log}")

    def kill(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, 9)
            self.process.wait(60)
            self.process = None

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(60)
        self.process = None
        return code
