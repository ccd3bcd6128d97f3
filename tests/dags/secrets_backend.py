"""Secrets backends as somebody writes them for a vault of their own: one that answers, and one that is away."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from airflow.secrets import BaseSecretsBackend


class FolderBackend(BaseSecretsBackend):
    """A file a secret. It counts how often it is asked, as a vault that is paid for by the request."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def get_conn_value(self, conn_id: str) -> str | None:  # as before Airflow 3.2: without a team
        return self._read(conn_id)

    def get_variable(self, key: str) -> str | None:
        return self._read(key)

    def _read(self, name: str) -> str | None:
        with (self.folder / "asked").open("a") as log:
            log.write(f"{name}\n")
        file = self.folder / name
        return file.read_text() if file.exists() else None


class AwayBackend(BaseSecretsBackend):
    """A vault that cannot be reached. Its words have a path and a password in them."""

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str | None:
        raise ConnectionError("login hunter2 refused, see /etc/vault/config.hcl")

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:
        raise ConnectionError("login hunter2 refused, see /etc/vault/config.hcl")


class VariablesOnly(BaseSecretsBackend):
    """A backend that has no connections: the base class raises for them."""

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:
        return None


class ReadsConnections(BaseSecretsBackend):
    """A backend whose client gives fields, so that it makes the connection itself."""

    def get_connection(self, conn_id: str, team_name: str | None = None) -> Any:
        fields = json.loads(os.environ.get("TEST_CONNECTIONS", "{}")).get(conn_id)
        return self._get_connection_class()(conn_id=conn_id, **fields) if fields else None
