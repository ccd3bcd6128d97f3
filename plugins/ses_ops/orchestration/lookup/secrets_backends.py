"""The secrets backends of Airflow's configuration.

Each is made once a process, because it may hold a login to a vault.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import partial
from typing import Any

from ses_ops.errors import LookUpFailed

_LOCK = threading.Lock()
_MADE: dict[tuple[object, ...], SecretsBackend | None] = {}
#: Prefixes of the environment variables that configure the backends.
_SETTINGS = ("AIRFLOW__SECRETS__", "AIRFLOW__WORKERS__SECRETS_")
_ENVIRONMENT = "airflow.secrets.environment_variables.EnvironmentVariablesBackend"


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretsBackend:
    """One backend; `name` is the name of its class, for sentences; `section` is its section of the configuration."""

    name: str
    section: str
    backend: Any

    def connection(self, conn_id: str) -> Any:
        """A connection of the backend: a text, or an object of Airflow; None when the backend has none of that id."""
        from airflow.secrets import BaseSecretsBackend

        if type(self.backend).get_connection is BaseSecretsBackend.get_connection:
            return self.backend.get_conn_value(conn_id=conn_id)
        return self.backend.get_connection(conn_id=conn_id)

    def variable(self, key: str) -> Any:
        """A Variable; None when the backend has none of that key."""
        return self.backend.get_variable(key=key)


def of_workers() -> SecretsBackend | None:
    """The backend that a worker asks first: the one of `[workers]`, else the one of `[secrets]`."""
    return _made("workers")


def of_servers() -> SecretsBackend | None:
    """The backend of `[secrets]`, where workers have another; None where both are the same, or there is none."""
    from airflow.configuration import conf

    return _made("secrets") if conf.get("workers", "secrets_backend", fallback="") else None


def settings_of_backends() -> tuple[object, ...]:
    """The environment variables that configure the backends, as a key: answers of other backends do not count."""
    return tuple(sorted(item for item in os.environ.items() if item[0].startswith(_SETTINGS)))


def _made(section: str) -> SecretsBackend | None:
    key = (section, *settings_of_backends())
    with _LOCK:
        if key not in _MADE:
            _MADE[key] = _make(section)
        return _MADE[key]


def _make(section: str) -> SecretsBackend | None:
    from airflow.configuration import ensure_secrets_loaded, initialize_secrets_backends

    # In its worker mode Airflow has other default backends.
    load = partial(initialize_secrets_backends, default_backends=[_ENVIRONMENT])
    try:
        defaults, loaded = (1, load()) if section == "workers" else (2, ensure_secrets_loaded())
    except Exception as cause:  # the text of the cause is not shown, because it can have a login
        raise LookUpFailed("secrets_backend_not_usable", section=section, cause=type(cause).__name__) from cause
    if len(loaded) <= defaults:
        return None
    return SecretsBackend(name=type(loaded[0]).__name__, section=section, backend=loaded[0])
