"""Airflow's API server as docker-compose.yaml starts it, with the plugin, at an address behind a proxy."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.fernet import Fernet

import tests.airflow_environment as environment
from tests.integration.sending_world import quota
from tests.own_airflow.component import AirflowComponent
from tests.proxy.front import CONSOLE, Front, ProxiedClient
from tests.servers.mail_server import free_port

PEOPLE = {"admin": "of-the-test"}
#: Seconds for a start on a busy machine.
READY_WITHIN = 240


@dataclass
class ApiServer:
    """An API server that knows an address, and that no proxy need stand before."""

    folder: Path
    #: `https://intern.example`, perhaps with a port.
    origin: str
    #: `/mail`
    prefix: str
    port: int = field(default_factory=free_port)
    component: AirflowComponent | None = None

    @property
    def base_url(self) -> str:
        return self.origin + self.prefix

    def start(self, *, metadata: str, ses: str, templates: Path, fernet_key: str) -> None:
        """Begin; `wait` for it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "passwords.json").write_text(json.dumps(PEOPLE))
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "SES_"))},
            **environment.SETTINGS,
            environment.DATABASE: metadata.replace("postgresql://", "postgresql+psycopg2://", 1),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW__API__BASE_URL": self.base_url,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__CORE__FERNET_KEY": fernet_key,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.folder / "passwords.json"),
            "AIRFLOW_CONN_SES_DB": ses,
            "AIRFLOW_CONN_SES_SMTP": "smtp://127.0.0.1:1/?tls=none",
            "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(quota(1_000_000)),
            "SES_TEMPLATES": str(templates),
            "SES_HOME": str(self.folder / "ses"),
            "FORWARDED_ALLOW_IPS": "127.0.0.1",
        }
        program = Path(sys.executable).with_name("airflow")
        self.component = AirflowComponent.start("api-server", program, variables, self.folder, "--proxy-headers")

    def wait(self) -> None:
        """Until the health check of docker-compose.yaml, which knows nothing of a prefix, is content."""
        assert self.component is not None
        end = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            assert self.component.alive, self.component.output
            assert time.monotonic() < end, self.component.output
            time.sleep(0.1)

    def stop(self) -> None:
        """End it."""
        if self.component is not None:
            # It would wait for connections that are kept open.
            self.component.end(patience=1)

    def direct(self, path: str) -> httpx.Response:
        """A request of the own machine or of another container, past the proxy."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False, timeout=30)

    def _is_ready(self) -> bool:
        try:
            return self.direct("/api/v2/monitor/health").status_code == 200
        except httpx.HTTPError:
            return False


@dataclass
class Behind:
    """An API server and a proxy before it."""

    airflow: ApiServer
    front: Front
    token: str | None = None

    @classmethod
    def keeping(cls, airflow: ApiServer, front: type[Front], folder: Path, address: str) -> Behind:
        """As the file has it: https://intern.example/mail/, HTTP/2."""
        return cls(airflow, front(folder, console=airflow.port, address=address))

    @classmethod
    def taking_off(cls, airflow: ApiServer, front: type[Front], folder: Path, address: str) -> Behind:
        """https://intern.example:PORT/a/b/ by HTTP/1.1; Airflow sees paths without /a/b."""
        port = int(airflow.origin.rpartition(":")[2])
        made = front(folder, console=airflow.port, address=address, port=port)
        made.changes = made.taken_off(airflow.prefix)
        return cls(airflow, made)

    @property
    def origin(self) -> str:
        return self.airflow.origin

    @property
    def prefix(self) -> str:
        return self.airflow.prefix

    @property
    def base_url(self) -> str:
        return self.airflow.base_url

    @property
    def console(self) -> str:
        """The path of the console."""
        return f"{self.prefix}/ses"

    def client(self, **more: object) -> ProxiedClient:
        """A person's browser, as far as HTTP is concerned: logged in, by the proxy."""
        client = self.anonymous(**more)
        client.headers["Cookie"] = f"_token={self._token()}"
        return client

    def anonymous(self, **more: object) -> ProxiedClient:
        """The same without a login."""
        return self.front.client(port=self.origin.count(":") > 1, **more)

    def _token(self) -> str:
        if self.token is None:
            with self.anonymous() as client:
                person = {"username": "admin", "password": PEOPLE["admin"]}
                answer = client.post(f"{self.prefix}/auth/token", json=person)
                assert answer.status_code == 201, answer.text
                self.token = answer.json()["access_token"]
        return self.token


def two_addresses(folder: Path) -> dict[str, ApiServer]:
    """One whose prefix a proxy keeps, and one with a port and two segments, which a proxy takes off."""
    return {
        "kept": ApiServer(folder / "kept", f"https://{CONSOLE}", "/mail"),
        "taken off": ApiServer(folder / "off", f"https://{CONSOLE}:{free_port()}", "/a/b"),
    }


def new_fernet_key() -> str:
    """A key for one run."""
    return Fernet.generate_key().decode()
