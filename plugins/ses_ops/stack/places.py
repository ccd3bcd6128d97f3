"""The folder of the local stack (SES_HOME), and private files in it."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ses_ops.errors import SesError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class Places:
    """The layout of SES_HOME."""

    home: Path

    @property
    def postgres(self) -> Path:
        """PGDATA of the embedded PostgreSQL."""
        return self.home / "postgres"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.home / "airflow"

    @property
    def mailbox(self) -> Path:
        """The messages of the local mailbox."""
        return self.home / "mailbox"

    @property
    def logs(self) -> Path:
        """One log file a component, and the logs of Airflow's tasks."""
        return self.home / "logs"

    @property
    def secrets(self) -> Path:
        """Generated keys and passwords, each in a file of mode 0600."""
        return self.home / "secrets"

    @property
    def pids(self) -> Path:
        """The processes of the running stack, for the next start after a crash."""
        return self.home / "pids.json"

    @property
    def lock(self) -> Path:
        """The file that the supervisor locks while it runs."""
        return self.home / "lock"

    def create(self) -> None:
        """Make the folders, with access for this user only. Raises SesError if that is impossible."""
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.airflow, self.mailbox, self.logs, self.secrets):
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as cause:
            raise SesError(f"SES_HOME ({self.home}) cannot be written: {cause.strerror}") from cause
        if not os.access(self.home, os.W_OK | os.X_OK):
            raise SesError(f"SES_HOME ({self.home}) cannot be written by this user")


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; at every moment only its owner can read the file (0600)."""
    scratch = path.with_name(path.name + f".{os.getpid()}")
    scratch.unlink(missing_ok=True)
    with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def write_private_json(path: Path, value: object) -> None:
    """`write_private` of a JSON value."""
    write_private(path, json.dumps(value, indent=2) + "\n")


@contextmanager
def only_one(places: Places) -> Iterator[None]:
    """Lock SES_HOME for this process; the kernel releases the lock when the process ends, however it ends."""
    with places.lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = f" as process {pid}" if (pid := file.read().strip()) else ""
            raise SesError(f"already running in SES_HOME ({places.home}){holder}") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
