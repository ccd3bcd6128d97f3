"""Backups of a ledger with PostgreSQL's own programs, restored on this server or on another one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ses_ops.application.restore import RestoredLedger, RestoreOrder, restore
from ses_ops.domain.warmup import QuotaPlans
from tests.actors import ANYBODY
from tests.integration.sending_world import World
from tests.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def other_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that is another installation than that of the other tests."""
    server = PostgresServer.create()
    server.start()
    yield server
    server.stop("immediate")
    server.remove()


class Backups:
    """Dumps of a world's database, and worlds of what was restored."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._made: list[tuple[PostgresServer, str]] = []
        self._worlds: list[World] = []

    def dump(self, world: World, name: str = "ses.dump") -> Path:
        """A backup as docs/production.md makes it."""
        file = self._folder / name
        self._run("pg_dump", "-Fc", "-f", str(file), "-d", world.dsn)
        return file

    def restore(self, file: Path, *, like: World, server: PostgresServer) -> World:
        """A world with the restored database, with the templates and the mail server of another one."""
        name = server.new_database()
        self._made.append((server, name))
        self._run("pg_restore", "--exit-on-error", "-d", server.dsn(name), str(file))
        made = replace(like, dsn=server.dsn(name))
        made.runs = 1_000  # none of its run ids was there before
        self._worlds.append(made)
        return made

    def restore_in_place_of(self, file: Path, there: World, *, server: PostgresServer) -> World:
        """The database of the dump is dropped and made anew under its name, as docs/production.md has it."""
        there.close()
        options = ("--create", "--clean", "--if-exists", "--exit-on-error")
        self._run("pg_restore", *options, "-d", server.dsn("postgres"), str(file))
        made = replace(there)
        made.runs = 2_000
        self._worlds.append(made)
        return made

    def restore_over(self, file: Path, world: World) -> None:
        """Restore into the database that is there, in place of its tables."""
        self._run("psql", "-q", "-c", "DROP SCHEMA public CASCADE; CREATE SCHEMA public", "-d", world.dsn)
        self._run("pg_restore", "--exit-on-error", "-d", world.dsn, str(file))

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._server.programs / program), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def end(self) -> None:
        for world in self._worlds:
            world.close()
        for server, name in self._made:
            server.drop_database(name)


@pytest.fixture
def backups(postgres, tmp_path) -> Iterator[Backups]:
    made = Backups(postgres, tmp_path)
    yield made
    made.end()


def say(world: World, *, plans: bool = True, **order: object) -> RestoredLedger:
    """What a person does with `ses restore`."""
    known = QuotaPlans.parse(world.quota_variable) if plans else None
    return restore(world.conn, ANYBODY, RestoreOrder(**order), plans=known)  # type: ignore[arg-type]


def check(world: World) -> None:
    """The laws of a ledger, which hold after a restore as ever."""
    world.check_ledger()
    world.check_send_counts()
