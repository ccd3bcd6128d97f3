"""The stack's own client of Airflow's REST API: health, and the quota Variable."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from ses_ops.errors import SesError

#: The parts of Airflow that report a heartbeat.
HEARTBEATS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
#: An opener without a proxy, whatever the environment says, because the server is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TIMEOUT = 15.0


class WebClient:
    """A client of Airflow's REST API at `url`."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url, self._user, self._password = url, user, password
        self._token = ""

    def unhealthy(self) -> list[str]:
        """The parts that do not report to be healthy; all parts while the server does not answer."""
        try:
            _, report = self._call("GET", "/api/v2/monitor/health")
        except (OSError, ValueError):
            return ["api-server", *HEARTBEATS]
        return [part for part in HEARTBEATS if (report.get(part) or {}).get("status") != "healthy"]

    def variable_exists(self, key: str) -> bool:
        """Whether Airflow's database has a Variable of this name."""
        return self._authorised("GET", f"/api/v2/variables/{key}")[0] == 200

    def create_variable(self, key: str, value: str, description: str) -> None:
        """Make a Variable. Raises SesError if Airflow refuses that."""
        body = {"key": key, "value": value, "description": description}
        status, answer = self._authorised("POST", "/api/v2/variables", body)
        if status not in (200, 201):
            raise SesError(f"Airflow refused the Variable {key}: {status} {answer}")

    def _authorised(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        if not self._token:
            login = {"username": self._user, "password": self._password}
            status, answer = self._call("POST", "/auth/token", login)
            if status not in (200, 201):
                raise SesError(f"Airflow refused the login of its own user: {status} {answer}")
            self._token = answer["access_token"]
        return self._call(method, path, body)

    def _call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data=data, headers=headers, method=method)  # noqa: S310
        try:
            with _OPENER.open(request, timeout=_TIMEOUT) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode(errors="replace")[:300]
