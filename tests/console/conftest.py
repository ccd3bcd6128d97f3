"""Fixtures of the console's tests: Airflow's real API server with real logins, on fresh databases a test."""

from __future__ import annotations

import tests.airflow_environment as environment  # isort: skip - before anything of Airflow

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.console.console_world import USERS, Client, ConsoleWorld
from tests.console.console_world import client as make_client
from tests.integration.sending_world import quota


@pytest.fixture(scope="session")
def console_app(airflow_template: str) -> Any:
    """The API server with SimpleAuthManager, in which not everybody is an administrator (making it takes seconds)."""
    from airflow.api_fastapi.app import create_app

    users = ",".join(f"{name}:{role}" for name, role in USERS.items())
    simple = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": users,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(environment.HOME / "console-passwords.json"),
    }
    with environment.in_environment({**environment.SETTINGS, **simple}):
        return create_app("core")


@pytest.fixture
def world(console_app, airflow_db, ses_dsn, tmp_path, monkeypatch) -> Iterator[ConsoleWorld]:
    """An empty installation, to which a test adds groups, tasks and outcomes."""
    from ses_ops.console.database import close_idle

    world = ConsoleWorld(dsn=ses_dsn, templates=tmp_path / "templates", app=console_app)
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", ses_dsn)
    monkeypatch.setenv("AIRFLOW_CONN_SES_SMTP", "smtp://127.0.0.1:1/?tls=none")
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(1_000_000)))
    monkeypatch.setenv("SES_TEMPLATES", str(world.templates))
    monkeypatch.setenv("SES_HOME", str(tmp_path / "ses-home"))
    close_idle()
    yield world
    close_idle()
    world.close()
    (environment.HOME / "ses_send_tasks.json").unlink(missing_ok=True)


@pytest.fixture
def anonymous(world: ConsoleWorld) -> Iterator[Client]:
    """Nobody: no login."""
    yield from make_client(world.app, None)


@pytest.fixture
def viewer(world: ConsoleWorld) -> Iterator[Client]:
    """May look."""
    yield from make_client(world.app, "viewer")


@pytest.fixture
def user(world: ConsoleWorld) -> Iterator[Client]:
    """May run and edit DAGs."""
    yield from make_client(world.app, "user")


@pytest.fixture
def admin(world: ConsoleWorld) -> Iterator[Client]:
    """May do everything."""
    yield from make_client(world.app, "admin")
