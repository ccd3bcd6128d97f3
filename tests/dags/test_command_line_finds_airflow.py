"""The program `ses` beside an Airflow of somebody's own: it finds what that Airflow's workers find, and says where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ses_ops import settings
from ses_ops.cli import session
from ses_ops.cli.hints import with_hint
from ses_ops.errors import NotSetUp
from tests.airflow_environment import REPOSITORY
from tests.sizes import STARTUP

DB, SMTP, QUOTA = "AIRFLOW_CONN_SES_DB", "AIRFLOW_CONN_SES_SMTP", "AIRFLOW_VAR_SES_WARMUP_QUOTA"
Ses = Callable[..., subprocess.CompletedProcess[str]]


def uri_of(dsn: str) -> str:
    return dsn.replace("postgresql://", "postgresql+psycopg2://", 1)


def configuration(home: Path, airflow_db: str, more: str = "") -> Path:
    """The `airflow.cfg` of an Airflow that nothing in the environment tells of."""
    from airflow.configuration import conf

    home.mkdir(exist_ok=True)
    text = f"""
    [core]
    load_examples = False
    fernet_key = {conf.get("core", "fernet_key")}
    [database]
    sql_alchemy_conn = {uri_of(airflow_db)}
    """
    (home / "airflow.cfg").write_text(textwrap.dedent(text) + textwrap.dedent(more))
    return home


@pytest.fixture
def ses(tmp_path: Path) -> Ses:
    """`ses` in a process of its own, with an environment that says nothing but where Airflow is at home."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "SES_"))}
        places = {"AIRFLOW_HOME": str(tmp_path / "airflow"), "SES_HOME": str(tmp_path / "no-stack"), "COLUMNS": "300"}
        program = Path(sys.executable).with_name("ses")
        return subprocess.run(
            [str(program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**clean, **places, "PYTHONPATH": f"{STARTUP}:{REPOSITORY}", **environment},
            cwd=tmp_path,
        )

    return call


def made_in_airflow(conn_id: str, **fields: Any) -> None:
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(Connection(conn_id=conn_id, **fields))


def fields_of(dsn: str) -> dict[str, Any]:
    """As a person types them into Airflow's form."""
    from psycopg2.extensions import parse_dsn

    parts = parse_dsn(dsn)
    names = {"user": "login", "password": "password", "host": "host", "dbname": "schema"}
    known = {ours: parts[theirs] for theirs, ours in names.items() if theirs in parts}
    return {"conn_type": "generic", "port": int(parts["port"]) if "port" in parts else None, **known}


def test_a_database_mail_server_and_quota_that_only_airflow_knows_are_found(
    ses: Ses, world, airflow_db, ses_dsn, mail_server, tmp_path, monkeypatch
) -> None:
    """Everything is in the metadata database, which only `airflow.cfg` names."""
    from airflow.models.variable import Variable

    for name in (DB, SMTP, QUOTA):
        monkeypatch.delenv(name, raising=False)
    configuration(tmp_path / "airflow", airflow_db)
    world.group("customers", 3)
    world.task("hello", group="customers")
    done = ses("task", "list")
    assert done.returncode == 1
    assert "Admin > Connections" in done.stderr
    assert "make run" not in done.stderr

    made_in_airflow("ses_db", **fields_of(ses_dsn))
    host, port = mail_server.uri.partition("//")[2].partition("/")[0].split(":")
    made_in_airflow("ses_smtp", conn_type="smtp", host=host, port=int(port), extra='{"tls": "none"}')
    Variable.set("ses_warmup_quota", json.dumps(world.quota_variable))
    done = ses("task", "list")
    assert done.returncode == 0, done.stderr
    assert "hello" in done.stdout
    assert done.stderr == "", "a program that reads stderr must not find Airflow's log there"
    report: dict[str, list[str]] = {}
    for line in json.loads(ses("doctor", "--json").stdout):
        report.setdefault(line["name"], []).append(f"{line['state']} {line['text']}")
    told = str(report)
    assert report["database"][0].endswith("from the Airflow connection ses_db"), told
    assert any(line.endswith("from the Airflow connection ses_smtp") for line in report["smtp"]), told
    assert "ok the plans are from the Airflow Variable ses_warmup_quota" in report["quota"], told
    assert str(tmp_path / "airflow" / "airflow.cfg") in report["settings"][0], told
    assert "airflow" in report, told
    assert "no Airflow" not in told


def test_a_secrets_backend_of_airflows_configuration_comes_before_the_environment(
    ses: Ses, airflow_db, ses_dsn, tmp_path
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "ses_db").write_text(ses_dsn)
    backend = f"""
    [secrets]
    backend = tests.dags.secrets_backend.FolderBackend
    backend_kwargs = {json.dumps({"folder": str(tmp_path / "secrets")})}
    """
    configuration(tmp_path / "airflow", airflow_db, backend)
    done = ses("doctor", AIRFLOW_CONN_SES_DB="postgresql://wrong@/none?host=/nonexistent")
    assert "from ses_db of the secrets backend FolderBackend" in done.stdout, done.stdout + done.stderr
    away = ses(
        "task",
        "list",
        AIRFLOW_CONN_SES_DB=ses_dsn,
        AIRFLOW__SECRETS__BACKEND="tests.dags.secrets_backend.AwayBackend",
        AIRFLOW__SECRETS__BACKEND_KWARGS="{}",
    )
    assert away.returncode == 1
    assert "the secrets backend AwayBackend failed when it was asked for ses_db" in away.stderr
    assert "hunter2" not in away.stderr


NEEDS_AIRFLOW = {
    "a backend in the environment": ({"AIRFLOW__SECRETS__BACKEND": "x.Y"}, ""),
    "a backend of workers in the environment": ({"AIRFLOW__WORKERS__SECRETS_BACKEND": "x.Y"}, ""),
    "a backend by a command": ({"AIRFLOW__SECRETS__BACKEND_CMD": "echo x.Y"}, ""),
    "a backend in airflow.cfg": ({}, "[secrets]\nbackend = x.Y\n"),
    "a backend of workers in airflow.cfg": ({}, "[workers]\nsecrets_backend = x.Y\n"),
    "a backend by a secret in airflow.cfg": ({}, "[secrets]\nbackend_secret = path\n"),
    "an airflow.cfg that cannot be read": ({}, "no section = here\n"),
}


@pytest.mark.parametrize(("environment", "text"), NEEDS_AIRFLOW.values(), ids=NEEDS_AIRFLOW)
def test_what_could_come_before_the_environment_is_seen_without_airflow(environment, text, monkeypatch, tmp_path):
    from ses_ops import airflow_configuration

    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("SES_HOME", str(tmp_path / "no-stack"))
    monkeypatch.delenv("AIRFLOW_CONFIG", raising=False)
    assert not airflow_configuration.has_secrets_backend()
    (tmp_path / "airflow.cfg").write_text(text)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert airflow_configuration.has_secrets_backend()
    if not environment:
        # A value in the environment is before that of the file, also an empty one.
        (tmp_path / "other.cfg").write_text("[secrets]\nbackend =\n")
        monkeypatch.setenv("AIRFLOW_CONFIG", "$AIRFLOW_HOME/other.cfg")
        assert not airflow_configuration.has_secrets_backend()


def test_an_airflow_is_seen_wherever_its_metadata_database_is_named(monkeypatch, tmp_path):
    from ses_ops.cli.session import airflow_is_configured

    for ending in ("", "_CMD", "_SECRET"):
        monkeypatch.delenv(f"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN{ending}", raising=False)
    monkeypatch.delenv("AIRFLOW_CONFIG", raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("SES_HOME", str(tmp_path / "no-stack"))
    assert not airflow_is_configured()
    for ending in ("", "_cmd", "_secret"):
        (tmp_path / "airflow.cfg").write_text(f"[database]\nsql_alchemy_conn{ending} = postgresql://h/airflow\n")
        assert airflow_is_configured()
    # What Airflow writes by itself names a database that is only there once it was migrated.
    (tmp_path / "airflow.cfg").write_text(f"[database]\nsql_alchemy_conn = sqlite:///{tmp_path}/airflow.db\n")
    assert not airflow_is_configured()
    (tmp_path / "airflow.db").touch()
    assert airflow_is_configured()
    (tmp_path / "airflow.cfg").unlink()
    assert airflow_is_configured()


def test_with_the_environment_alone_airflow_is_not_loaded(ses: Ses, world, airflow_db, ses_dsn, tmp_path) -> None:
    """It takes seconds. The program is asked itself what it loaded."""
    configuration(tmp_path / "airflow", airflow_db)
    code = "import sys; from ses_ops.cli.main import run; run(['task', 'list']); print('airflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path / "airflow"), DB: ses_dsn, "SES_HOME": str(tmp_path / "none")},
    )
    assert done.stdout.splitlines()[-1] == "False", done.stdout + done.stderr


def test_the_running_stack_is_found_from_any_terminal_but_not_where_another_airflow_is_named(
    monkeypatch, tmp_path, ses_dsn
):
    for name in (DB, SMTP, QUOTA, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SES_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "own"))
    env = {
        DB: ses_dsn,
        "AIRFLOW_HOME": "/of/stack",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://stack/airflow",
    }
    stack = {"db_dsn": ses_dsn, "airflow_db_dsn": "x", "smtp_uri": "smtp://mailbox", "web_url": "x", "env": env}
    (tmp_path / "stack.json").write_text(json.dumps(stack))
    assert session.ses_db().source == session.ses_smtp().source == "the running stack"
    assert session.db_dsn() == settings.libpq_uri(ses_dsn)
    assert session.smtp_settings().host == "mailbox"
    monkeypatch.setenv(DB, "postgres://mine/ses")
    assert session.ses_db().source == DB
    monkeypatch.delenv(DB)
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////nonexistent/airflow.db")
    with pytest.raises(NotSetUp):
        session.ses_db()


def test_a_person_at_a_terminal_is_told_what_takes_long_and_a_program_is_not(monkeypatch):
    told = threading.Event()
    monkeypatch.setattr(session, "note", lambda words: told.set())
    monkeypatch.setattr(session, "_LONG", 0.0)
    for at_terminal in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda at=at_terminal: at, raising=False)
        with session._patience_asked():
            assert told.wait(60 if at_terminal else 0.1) is at_terminal


@pytest.mark.parametrize("checkout", [True, False], ids=["in a checkout", "installed"])
def test_make_run_is_named_only_where_it_can_be_run(checkout, monkeypatch, tmp_path):
    for name in (DB, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("SES_HOME", str(tmp_path))
    if not checkout:
        monkeypatch.setattr(settings, "checkout", lambda: None)
    for ask in (session.ses_db, session.ses_smtp):
        with pytest.raises(NotSetUp) as raised:
            ask()
        assert ("make run" in with_hint(raised.value)) is checkout
        assert "AIRFLOW_CONN_SES_" in with_hint(raised.value)


def test_a_list_is_there_at_once_when_no_airflow_has_to_be_asked(ses: Ses, world, ses_dsn) -> None:
    """Generous: the machine of the tests is busy. Airflow alone takes two seconds of processor time."""
    ses("task", "list", **{DB: ses_dsn})  # fills the cache of compiled files
    before = os.times()
    begin = time.monotonic()
    done = ses("task", "list", **{DB: ses_dsn})
    spent = os.times()
    assert done.returncode == 0, done.stderr
    used = spent.children_user + spent.children_system - before.children_user - before.children_system
    assert used < 1.0, f"{used:.2f} s of processor time, {time.monotonic() - begin:.2f} s in all"


def test_what_a_command_changed_is_in_that_airflows_audit_log(ses: Ses, world, airflow_db, ses_dsn, tmp_path) -> None:
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    configuration(tmp_path / "airflow", airflow_db)
    world.group("customers", 3)
    world.task("hello", group="customers")
    done = ses("task", "cancel", "hello", AIRFLOW_CONN_SES_DB=ses_dsn)
    assert (done.returncode, done.stdout) == (0, "hello: cancelled\n"), done.stderr
    assert done.stderr == ""
    with create_session() as session:
        (row,) = session.scalars(select(Log).where(Log.event.startswith("ses_", autoescape=True)))
        assert (row.event, row.dag_id) == ("ses_cancel_task", "send_task__hello")
        assert row.owner.endswith("(command line)")
        assert json.loads(row.extra) == {"task": "hello"}
