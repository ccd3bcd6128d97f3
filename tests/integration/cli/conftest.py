"""The command line in this process, on a database of its own; Airflow only where a test puts a stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ses_ops.cli import session
from ses_ops.cli.main import run
from ses_ops.domain.occurrence import decision_run
from tests.integration.sending_world import World


@dataclass
class Answer:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def ses(world: World, monkeypatch, capsys, tmp_path: Path) -> Callable[..., Answer]:
    """Runs `ses` with the world's database, templates and mail server; no Airflow is to be found."""
    for name in ("", "_CMD", "_SECRET"):
        monkeypatch.delenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" + name, raising=False)
    monkeypatch.setenv("SES_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SES_TEMPLATES", str(world.templates))
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    monkeypatch.setenv("AIRFLOW_CONN_SES_SMTP", world.smtp_uri)
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(world.quota_variable))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Answer:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(code=code, out=captured.out, err=captured.err)

    return call


@pytest.fixture
def sale(tmp_path: Path) -> Callable[..., Path]:
    """Writes the YAML of a send task that fits the world's template `hello`; keys can be changed or left out (None)."""

    def write(name: str = "sale", *, file: str | None = None, **changes: object) -> Path:
        entry = {
            "name": name,
            "type": "immediate",
            "template": "hello",
            "sender": '"Example <news@mail.example.com>"',
            "group": "customers",
            **changes,
        }
        path = tmp_path / (file or f"{name}.yaml")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("".join(f"{key}: {value}\n" for key, value in entry.items() if value is not None))
        return path

    return write


@pytest.fixture
def airflow(monkeypatch):
    """A stand-in for operators.airflow_control that notes what it was asked to do."""

    class Control:
        def __init__(self):
            self.asked = []
            #: Entries of the audit log: who, what, facts.
            self.audited = []

        def __getattr__(self, name):
            def note(*arguments, **named):
                self.asked.append((name, *arguments, *named.items()))
                return True

            return note

        def start_run(self, task, kind=None):
            run_id, conf = decision_run(kind, datetime.now(UTC))
            self.trigger_run(task, run_id, conf)
            return run_id

    control = Control()
    monkeypatch.setattr("ses_ops.orchestration.audit.write_rows", control.audited.extend)
    monkeypatch.setattr(session, "airflow_is_configured", lambda: True)
    monkeypatch.setattr("ses_ops.cli.task_apply.airflow_is_configured", lambda: True)
    monkeypatch.setattr(session, "ask_airflow", lambda question: question(control))
    monkeypatch.setattr("ses_ops.cli.task_apply.ask_airflow", lambda question: question(control))
    return control
