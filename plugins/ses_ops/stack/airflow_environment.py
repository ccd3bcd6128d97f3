"""The environment of Airflow's components: each setting that differs from Airflow's default."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ses_ops import settings
from ses_ops.stack.generated_secrets import WEB_USER, GeneratedSecrets
from ses_ops.stack.places import Places

#: The setting with the users of the web page, each "name:role"; their passwords are generated (generated_secrets).
USERS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The addresses of the components of one stack."""

    web_host: str
    web_port: int
    #: SQLAlchemy URI of Airflow's own database.
    airflow_database: str
    #: The two connections of ses-ops, as Airflow's URI or JSON.
    ses_db: str
    ses_smtp: str

    @property
    def web_url(self) -> str:
        """The URL of the web page for a person at this machine."""
        return f"http://{local_host(self.web_host)}:{self.web_port}"


def local_host(host: str) -> str:
    """The host of a URL by which programs of this machine reach a server that listens on `host`."""
    host = "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else host  # noqa: S104
    return f"[{host}]" if ":" in host else host


def parallelism() -> int:
    """Number of Airflow tasks at once. Sending is bound by CPU, but tasks that wait must not block the others."""
    return min(32, max(4, 2 * (os.cpu_count() or 2)))


def airflow_settings(places: Places, addresses: Addresses, secrets: GeneratedSecrets) -> dict[str, str]:
    """The settings that `airflow` needs to work on this stack."""
    repository = settings.repository()
    return {
        "AIRFLOW_HOME": str(places.airflow),
        "AIRFLOW_CONFIG": str(places.airflow / "airflow.cfg"),
        "AIRFLOW_CONN_SES_DB": addresses.ses_db,
        "AIRFLOW_CONN_SES_SMTP": addresses.ses_smtp,
        "AIRFLOW__CORE__DAGS_FOLDER": str(repository / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(repository / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(parallelism()),
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
        USERS: f"{WEB_USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(secrets.web_passwords_file),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{addresses.web_url}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": addresses.airflow_database,
        "AIRFLOW__API__HOST": addresses.web_host,
        "AIRFLOW__API__PORT": str(addresses.web_port),
        "AIRFLOW__API__BASE_URL": addresses.web_url,
        "AIRFLOW__API__SECRET_KEY": secrets.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret,
        # Measured: 0.06-0.34 s between dependent tasks in place of 0.9-1.0 s.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        # Measured: with the default of 5 s one slot of six was held 3-6 s after its task had ended.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # Seconds until the work of a killed process continues, as in deploy/airflow.cfg; the defaults are 300.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "15",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "5",
        # A task that a person makes or edits reaches Airflow at once (control.update_dags); these two are for the cases
        # that update_dags missed. With 1 000 send tasks each turn costs 2.6 s of CPU.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(places.airflow / "bundles"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(places.logs / "airflow"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(places.logs / "airflow" / "dag_processor"),
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        # Airflow must report nothing about this installation to anybody.
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "SCARF_ANALYTICS": "false",
    }


def further_users(given: Mapping[str, str]) -> list[str]:
    """The names of the users that the person added to the stack's own user."""
    names = [entry.split(":")[0] for entry in _with_admin(given.get(USERS, ""))]
    return [name for name in names if name != WEB_USER]


def _with_admin(users: str) -> list[str]:
    """The entries of users, with that of the stack's own user, as whom the stack itself logs in."""
    entries = [entry.strip() for entry in users.split(",") if entry.strip()]
    if not any(entry.split(":")[0] == WEB_USER for entry in entries):
        entries.insert(0, f"{WEB_USER}:admin")
    return entries


def component_environment(given: Mapping[str, str], airflow: Mapping[str, str], places: Places) -> dict[str, str]:
    """The whole environment of a component: the person's variables, those of the stack, the person's for Airflow.

    The later ones win.
    """
    own = {name: value for name, value in given.items() if name.startswith("AIRFLOW__") and value}
    if USERS in own:
        own[USERS] = ",".join(_with_admin(own[USERS]))
    bypass = [part for part in given.get("NO_PROXY", given.get("no_proxy", "")).split(",") if part]
    no_proxy = ",".join([*bypass, "127.0.0.1", "localhost"])
    return {
        **given,
        **airflow,
        **own,
        # Airflow starts its own program by name, so the program must be on the PATH.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), given.get("PATH", os.defpath)]),
        "SES_HOME": str(places.home),
        "PYTHONUNBUFFERED": "1",
        # The requests between components must not go through a proxy of the person's.
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }
