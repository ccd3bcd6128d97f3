"""Fixtures that every kind of test may use: a real PostgreSQL and a fresh, migrated `ses` database in it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import hypothesis
import psycopg2.extensions
import pytest

from ses_ops.storage.connection import connect
from ses_ops.storage.migrate import upgrade
from tests.lost_run import LostRun
from tests.postgres_server import PostgresServer
from tests.run_guard import RunGuard, end_as_by_ctrl_c
from tests.sizes import FULL

# No deadline an example: a busy machine is no bug. A CI run tries the same examples as the one before it.
hypothesis.settings.register_profile("ses", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("ses")


_GUARD = pytest.StashKey[RunGuard]()


def pytest_configure(config: pytest.Config) -> None:
    """Whatever ends this run, nothing that it started stays (run_guard.py), and it ends (lost_run.py)."""
    # As in startup/sitecustomize.py: also where this process was started without it.
    gc.set_threshold(50_000, 20, 20)
    end_as_by_ctrl_c()
    config.stash[_GUARD] = RunGuard()
    config.pluginmanager.register(LostRun(config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """At the end, or after an interruption."""
    if guard := config.stash.get(_GUARD, None):
        guard.finish()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked `full` only runs in `make test-full`."""
    if not FULL:
        left_out = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole test session."""
    server = PostgresServer.create()
    server.start()
    yield server
    server.finish_background()
    server.stop("immediate")
    server.remove()


@pytest.fixture(scope="session")
def ses_template(postgres: PostgresServer) -> str:
    """The name of a migrated database that others are cloned from."""
    postgres.execute("CREATE DATABASE ses_template")
    upgrade(postgres.dsn("ses_template"))
    return "ses_template"


@pytest.fixture
def ses_dsn(postgres: PostgresServer, ses_template: str) -> Iterator[str]:
    """The DSN of a fresh `ses` database with the newest schema."""
    name = postgres.next_database(ses_template)
    yield postgres.dsn(name)
    postgres.drop_database_soon(name)


@pytest.fixture
def ses_conn(ses_dsn: str) -> Iterator[psycopg2.extensions.connection]:
    """A connection to `ses_dsn`."""
    conn = connect(ses_dsn)
    yield conn
    conn.close()


@pytest.fixture(scope="session")
def airflow_template(postgres: PostgresServer) -> str:
    """The name of a migrated metadata database that others are cloned from (making it takes seconds).

    For folders whose conftest imports tests.airflow_environment, which must come before anything of Airflow.
    """
    import tests.airflow_environment as environment

    postgres.execute("CREATE DATABASE airflow_template")
    with environment.metadata_database(postgres.dsn("airflow_template")):
        from airflow.utils.db import initdb

        initdb()
    return "airflow_template"


@pytest.fixture
def airflow_db(postgres: PostgresServer, airflow_template: str) -> Iterator[str]:
    """A fresh metadata database, which Airflow uses as long as the test runs."""
    import tests.airflow_environment as environment

    name = postgres.next_database(airflow_template)
    with environment.metadata_database(postgres.dsn(name)):
        yield postgres.dsn(name)
    postgres.drop_database_soon(name)
