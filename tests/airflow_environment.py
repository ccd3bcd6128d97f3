"""Airflow's settings for tests: a home of its own. Import this before anything of Airflow.

Airflow is imported here with these settings, and they are taken out of the environment again: a test that starts a
whole stack must not hand them on. The fixtures of tests/dags put them back for as long as they need them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
HOME = Path(tempfile.mkdtemp(prefix="ses-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
#: With SES_BEHIND_PROXY=1 the tests of console/browser ask nginx, for addresses with this prefix.
PREFIX = "/mail" if os.environ.get("SES_BEHIND_PROXY") == "1" else ""

SETTINGS = {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests-and-long-enough-for-hmac-sha-512-" + "0" * 32,
    DATABASE: "postgresql+psycopg2:///no-database-yet?host=/nonexistent",
    **({"AIRFLOW__API__BASE_URL": f"https://127.0.0.1{PREFIX}"} if PREFIX else {}),
}


@contextmanager
def in_environment(changes: dict[str, str]) -> Iterator[None]:
    """Set variables of this process's environment for the length of a `with`."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _MetadataDatabase:
    """Airflow's one engine, whose connections go to the database that the running test has.

    One engine a test would compile every statement of SQLAlchemy anew; one connection a session, without a pool, would
    have PostgreSQL read its catalog anew for each.
    """

    def __init__(self) -> None:
        self._uri = ""
        self._engine: Any = None

    def use(self, uri: str) -> str:
        """From now on connect to this one; returns the address of the one before. "" is none."""
        from airflow import settings

        if self._engine is None or settings.engine is not self._engine:
            self._configure()
        else:
            self._forget_connections()
        before, self._uri = self._uri, uri
        return before

    def _configure(self) -> None:
        """Make the engine: the first time, and again after Airflow has made itself another one (`initdb` does)."""
        from airflow import settings
        from sqlalchemy import event

        settings.dispose_orm(do_log=False)
        settings.configure_orm()
        self._engine = settings.engine
        for engine in (settings.engine, settings.async_engine.sync_engine):
            event.listen(engine, "do_connect", self._connect_elsewhere)

    def _connect_elsewhere(self, dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> None:
        from sqlalchemy import make_url

        parameters.update(dialect.create_connect_args(make_url(self._uri or SETTINGS[DATABASE]))[1])

    def _forget_connections(self) -> None:
        from airflow import settings
        from sqlalchemy.orm.session import close_all_sessions

        settings.Session.remove()
        close_all_sessions()
        settings.engine.dispose()
        settings.async_engine.sync_engine.dispose()


_METADATA_DATABASE = _MetadataDatabase()


@contextmanager
def metadata_database(dsn: str) -> Iterator[None]:
    """Airflow, which is imported already, on another metadata database for the length of a `with`."""
    from airflow import settings

    uri = dsn.replace("postgresql://", "postgresql+psycopg2://", 1)
    with in_environment({**SETTINGS, DATABASE: uri}):
        settings.configure_vars()
        before = _METADATA_DATABASE.use(uri)
        try:
            yield
        finally:
            _METADATA_DATABASE.use(before)


with in_environment(SETTINGS):
    import airflow.settings  # noqa: F401 - what it reads at import it must find
