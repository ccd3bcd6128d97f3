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

REPOSITORY = Path(__file__).resolve().parents[1]
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
HOME = Path(tempfile.mkdtemp(prefix="ses-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

SETTINGS = {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests-and-long-enough-for-hmac-sha-512-" + "0" * 32,
    DATABASE: "postgresql+psycopg2:///no-database-yet?host=/nonexistent",
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


@contextmanager
def metadata_database(dsn: str) -> Iterator[None]:
    """Airflow, which is imported already, on another metadata database for the length of a `with`."""
    from airflow import settings

    uri = dsn.replace("postgresql://", "postgresql+psycopg2://", 1)
    with in_environment({**SETTINGS, DATABASE: uri}):
        settings.dispose_orm(do_log=False)
        settings.configure_vars()
        settings.configure_orm(disable_connection_pool=True)
        try:
            yield
        finally:
            settings.dispose_orm(do_log=False)


with in_environment(SETTINGS):
    import airflow.settings  # noqa: F401 - what it reads at import it must find
