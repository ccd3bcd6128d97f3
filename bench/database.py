"""A PostgreSQL with the settings of `make run` and every commit on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from ses_ops.storage.migrate import upgrade
from tests.postgres_server import PostgresServer

#: The settings of the server. (The server of the tests has fsync and autovacuum off, which a benchmark must not.)
DURABLE = {
    "fsync": "on",
    "autovacuum": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
}


class BenchServer:
    """The server, its databases, and the CPU that its processes use."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        self._process = psutil.Process(pid)
        self._made = 0
        self._migrated = ""

    @contextmanager
    def database(self) -> Iterator[str]:
        """The DSN of a fresh `ses` database, dropped at the end."""
        self._made += 1
        name = f"bench{self._made}"
        self._server.execute(f"CREATE DATABASE {name} TEMPLATE {self._template()}")
        try:
            yield self._server.dsn(name)
        finally:
            self._server.drop_database(name)

    def _template(self) -> str:
        """A migrated database, of which the others are clones, so that the migrations run once."""
        if not self._migrated:
            self._server.execute("CREATE DATABASE bench_template")
            upgrade(self._server.dsn("bench_template"))
            self._migrated = "bench_template"
        return self._migrated

    def checkpoint(self) -> None:
        """Write the changes of earlier measures to disk, so that they do not cost the next measure time."""
        self._server.execute("CHECKPOINT")

    def cpu_seconds(self) -> float:
        """CPU seconds that all processes of the server have used."""
        return family_cpu(self._process)


def family_cpu(root: psutil.Process) -> float:
    """CPU seconds of a process and its descendants, with those that have ended (whose times their parent has)."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


@contextmanager
def bench_server() -> Iterator[BenchServer]:
    """A running server for the length of a `with`."""
    server = PostgresServer.create(settings=DURABLE)
    server.start()
    try:
        yield BenchServer(server)
    finally:
        server.stop("immediate")
        server.remove()
