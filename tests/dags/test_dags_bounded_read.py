"""A parse waits for our database once and not for long, however it is away; nor do the parses after it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from psycopg2.extensions import parse_dsn

from ses_ops.orchestration import dag_rows
from ses_ops.storage.connection import connect
from tests.airflow_environment import HOME, REPOSITORY
from tests.sizes import STARTUP

#: Seconds: of our limits here, and of a machine that does other things, too.
LIMIT, SPARE = 2, 20.0


@pytest.fixture
def known(world, dag_bag, monkeypatch):
    """Two tasks that were read once; what the driver itself waits for is no help."""
    monkeypatch.setattr(dag_rows, "_CONNECT_TIMEOUT", 10 * LIMIT)
    world.group("customers", 1)
    world.task("one", group="customers")
    world.task("two", group="customers")
    assert names() == ["one", "two"]
    yield world
    (HOME / "ses_send_tasks.away").unlink(missing_ok=True)


def names(only: str | None = None) -> list[str]:
    return sorted(row["name"] for row in dag_rows.rows_for_dags(only))


@contextmanager
def says_nothing(_: str) -> Iterator[str]:
    """A host that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://somebody@127.0.0.1:{server.getsockname()[1]}/ses"


@contextmanager
def swallows_packets(_: str) -> Iterator[str]:
    """A host behind a firewall: a port whose queue is full answers no more than one that is not there."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(server.getsockname())
        time.sleep(0.2)
        yield f"postgresql://somebody@127.0.0.1:{server.getsockname()[1]}/ses"
        for one in waiting:
            one.close()


@contextmanager
def stops_in_mid_answer(dsn: str) -> Iterator[str]:
    """A server that opens a session and is stopped when it is asked: no packet of it is missing, it says nothing."""
    place = parse_dsn(dsn)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(f"{place['host']}/.s.PGSQL.5432")
            threading.Thread(target=pump, args=(upstream, client, None), daemon=True).start()
            pump(client, upstream, b"send_task")

        threading.Thread(target=serve, daemon=True).start()
        port = server.getsockname()[1]
        yield f"postgresql://{place['user']}@127.0.0.1:{port}/{place['dbname']}?sslmode=disable&gssencmode=disable"


def pump(source: socket.socket, to: socket.socket, stop_at: bytes | None) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if stop_at is not None and stop_at in data:
                return
            to.sendall(data)


@pytest.mark.parametrize("away", [says_nothing, swallows_packets, stops_in_mid_answer])
def test_a_database_that_never_answers_is_waited_for_once(known, monkeypatch, away):
    monkeypatch.setattr(dag_rows, "TIMEOUT", float(LIMIT))
    with away(known.dsn) as dsn:
        monkeypatch.setenv("AIRFLOW_CONN_SES_DB", dsn)
        began = time.monotonic()
        assert names() == ["one", "two"], "the DAGs stay as they were"
        first = time.monotonic() - began
        assert LIMIT - 0.5 < first < LIMIT + SPARE
        # Not by the clock: a process may stand still for longer than the limit.
        asks_nobody = lambda *_: pytest.fail("the parses after it do not wait")  # noqa: E731
        monkeypatch.setattr(dag_rows, "_read_within", asks_nobody)
        assert [names() for _ in range(20)] == [["one", "two"]] * 20


def test_a_table_that_is_locked_by_a_migration_is_not_waited_for_either(known, monkeypatch):
    monkeypatch.setattr(dag_rows, "TIMEOUT", 60.0)
    monkeypatch.setattr(dag_rows, "_STATEMENT_TIMEOUT", LIMIT)
    conn = connect(known.dsn)
    with conn.cursor() as cursor:
        cursor.execute("LOCK TABLE send_task IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        assert names() == ["one", "two"]
        assert time.monotonic() - began < LIMIT + SPARE
    conn.close()


def test_a_new_task_is_read_as_soon_as_the_database_is_back(known, monkeypatch):
    with says_nothing(known.dsn) as dsn, monkeypatch.context() as while_away:
        while_away.setattr(dag_rows, "TIMEOUT", float(LIMIT))
        while_away.setenv("AIRFLOW_CONN_SES_DB", dsn)
        names()
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", known.dsn)
    known.task("three", group="customers")
    assert names() == ["one", "two"], "it is believed to be away for a moment more"
    assert names("send_task__three") == ["three"], "but not by whoever wants this DAG"
    assert names() == ["one", "three", "two"]


def test_a_folder_in_which_nothing_can_be_removed_takes_no_dag_away(known, monkeypatch, tmp_path):
    """A read-only AIRFLOW_HOME refuses it even where there is no such file; here a folder stands in the way."""
    monkeypatch.setattr(dag_rows, "_away_file", lambda: tmp_path)
    assert names("send_task__one") == ["one"]


def test_a_failure_that_is_told_at_once_is_not_remembered(known, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "postgresql://nobody@/ses?host=/nonexistent")
    assert names() == ["one", "two"]
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", known.dsn)
    known.task("three", group="customers")
    assert names() == ["one", "three", "two"]


#: What no DAG file needs to be read: the sender, the console, the command line, other drivers, file formats.
NOT_AT_PARSE = (
    *("alembic.config", "openpyxl", "uvloop", "asyncpg", "babel", "rich", "charset_normalizer", "email_validator"),
    *("ses_ops.rendering", "ses_ops.console", "ses_ops.cli", "ses_ops.stack", "ses_ops.sending.send"),
    *("ses_ops.storage.migrate", "ses_ops.application.group_import", "ses_ops.transports.smtp.transport"),
)
IMPORTS = """
import sys
import airflow.dag_processing.processor, airflow.sdk
import airflow.providers.standard.operators.empty, airflow.providers.standard.operators.trigger_dagrun
before = set(sys.modules)
import importlib.util
for name in ("ses_maintenance", "ses_bounce_mailbox", "ses_test_send", "send_tasks"):
    spec = importlib.util.spec_from_file_location(name, f"{sys.argv[1]}/{name}.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
print("NEW", *(set(sys.modules) - before))
"""


def test_reading_our_dag_files_imports_nothing_that_only_sending_or_the_console_needs(world, tmp_path):
    import os

    places = {"PYTHONPATH": f"{STARTUP}:{REPOSITORY}/plugins", "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, str(REPOSITORY / "dags")],
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    new = done.stdout.rpartition("NEW ")[2].split()
    assert "ses_ops.orchestration.dag_rows" in new
    heavy = [one for one in new for name in NOT_AT_PARSE if one == name or one.startswith(name + ".")]
    assert heavy == []
    outside = (
        {one.partition(".")[0] for one in new} - {"ses_ops", "airflow", "send_tasks"} - set(sys.stdlib_module_names)
    )
    assert outside <= {"psycopg2"}, "the database's driver, and nothing else of other people"
