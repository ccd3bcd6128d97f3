"""Airflow's settings for tests: a home of its own. Import this before anything of Airflow.

The metadata database is set by the fixture `airflow_db` of tests/dags; without it Airflow has none.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
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
    DATABASE: "postgresql+psycopg2:///no-database-yet?host=/nonexistent",
}
os.environ.update(SETTINGS)
