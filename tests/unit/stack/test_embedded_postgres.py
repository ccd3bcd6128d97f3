"""The embedded PostgreSQL: a first start, a second one, and what a kill -9 leaves."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from ses_ops.errors import SesError
from ses_ops.stack.postgres import EmbeddedPostgres
from tests.acceptance.stack_process import free_port


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's tmp_path: its rights are set anew by every other pytest of this user.
    folder = Path(tempfile.mkdtemp(prefix="ses-postgres-"))
    yield folder
    shutil.rmtree(folder)


def _server(home: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(data=home / "postgres", log=home / "postgres.log")


def _value(server: EmbeddedPostgres, statement: str) -> object:
    conn = psycopg2.connect(server.dsn("ses"))
    try:
        with conn, conn.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        conn.close()


def test_data_survives_a_stop_and_a_kill_9(home: Path) -> None:
    server = _server(home)
    server.start()
    try:
        _value(server, "CREATE TABLE kept AS SELECT 42 AS value")
        server.stop()
        server.start()
        assert _value(server, "SELECT value FROM kept") == 42
        assert server.component is not None
        server.component.signal(signal.SIGKILL)
        while server.component.exit_code() is None:
            time.sleep(0.05)
        assert (home / "postgres" / "postmaster.pid").exists()
        server.start()
        assert _value(server, "SELECT value FROM kept") == 42
    finally:
        server.stop()


def test_a_server_that_another_supervisor_left_running_is_ended_first(home: Path) -> None:
    left = _server(home)
    before = left.start()
    server = _server(home)
    try:
        server.start()
        assert before.exit_code() is not None
        assert _value(server, "SELECT 1") == 1
    finally:
        server.stop()


def test_a_pid_file_that_names_a_stranger_is_forgotten_and_the_stranger_lives(home: Path) -> None:
    server = _server(home)
    server.start()
    server.stop()
    (home / "postgres" / "postmaster.pid").write_text(f"{psutil.Process().pid}\n{home}\n1\n5432\n\n\n\n\n")
    try:
        server.start()
        assert _value(server, "SELECT 1") == 1
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["deep/" + "x" * 110, "with space, comma and é"])
def test_a_long_or_unusual_home_works(home: Path, name: str) -> None:
    folder = home / name
    folder.mkdir(parents=True)
    server = _server(folder)
    try:
        server.start()
        assert _value(server, "SELECT current_user::text") == "ses"
        sockets = server.socket_folder
    finally:
        server.stop()
    assert not sockets.exists(), "the short folder of the socket was left behind"


def test_a_start_that_was_interrupted_in_initdb_begins_anew(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = _server(home)
    try:
        server.start()
        assert _value(server, "SELECT 1") == 1
    finally:
        server.stop()


def test_a_folder_with_other_files_is_left_alone(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "thesis.txt").write_text("mine")
    with pytest.raises(SesError, match="no PostgreSQL data folder"):
        _server(home).start()
    assert (home / "postgres" / "thesis.txt").read_text() == "mine"


def test_data_of_another_version_is_refused_in_words(home: Path) -> None:
    server = _server(home)
    server.start()
    server.stop()
    (home / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(SesError, match="was made by PostgreSQL 16, this is PostgreSQL 18"):
        server.start()


def test_over_tcp_only_the_generated_password_is_let_in(home: Path) -> None:
    port = free_port()
    server = EmbeddedPostgres(data=home / "postgres", log=home / "log", port=port, password="right")
    try:
        server.start()
        psycopg2.connect(f"postgresql://ses:right@127.0.0.1:{port}/ses").close()
        for wrong in (f"ses:wrong@127.0.0.1:{port}/ses", f"postgres:right@127.0.0.1:{port}/postgres"):
            with pytest.raises(psycopg2.OperationalError):
                psycopg2.connect(f"postgresql://{wrong}")
    finally:
        server.stop()
