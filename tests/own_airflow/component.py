"""One of Airflow's components in a session of its own, ended with all that it started."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ses_ops.stack.processes import descendants, session_members

#: Seconds between SIGTERM and SIGKILL.
PATIENCE = 20.0


@dataclass(kw_only=True)
class AirflowComponent:
    """`airflow scheduler` and the like."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]
    #: Bytes of the log that earlier starts wrote.
    before: int

    @classmethod
    def start(
        cls, name: str, program: Path, environment: Mapping[str, str], folder: Path, *more: str
    ) -> AirflowComponent:
        log = folder / f"{name}.log"
        # Its server of log files has a fixed port.
        options = [*(["--skip-serve-logs"] if name in ("scheduler", "triggerer") else []), *more]
        with log.open("ab") as output:
            before = output.tell()
            process = subprocess.Popen(
                [str(program), name, *options],
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(name=name, log=log, process=process, before=before)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def output(self) -> str:
        """Everything that it has printed, in all its starts."""
        return self.log.read_text(errors="replace")

    @property
    def newest_output(self) -> str:
        """What it has printed since it was started the last time."""
        return self.log.read_bytes()[self.before :].decode(errors="replace")

    def end(self, patience: float = PATIENCE) -> None:
        """SIGTERM, and after `patience` seconds SIGKILL for whatever is left of its session."""
        members = {one.pid: one for one in [*session_members([self.process.pid]), *descendants(self.process.pid)]}
        if self.alive:
            self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        left = {**members, **{one.pid: one for one in session_members([self.process.pid])}}
        for process in left.values():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(list(left.values()), timeout=10)
        self.process.wait(60)
