"""Airflow's API server as docker-compose.yaml starts it, with the plugin, at an address behind nginx."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.fernet import Fernet

import tests.airflow_environment as environment
from tests.integration.sending_world import quota
from tests.own_airflow.component import AirflowComponent
from tests.proxy.nginx import CONSOLE, Nginx, ProxiedClient
from tests.servers.mail_server import free_port

PEOPLE = {"admin": "of-the-test"}
#: Seconds for a start on a busy machine.
READY_WITHIN = 240
#: `Host` with a port, two segments, HTTP/1.1 to the browser, and a proxy that takes the prefix off.
TAKES_PREFIX_OFF = {
    " ssl http2;": " ssl;",
    "location /mail/ {\n        proxy_pass http://ses_console;": "location /a/b/ {\n        proxy_pass http://ses_console/;",
    "location /mail/ses/ {\n        proxy_pass http://ses_console;": (
        "location /a/b/ses/ {\n        proxy_pass http://ses_console/ses/;"
    ),
    "location /mail/execution/": "location /a/b/execution/",
    "location = /mail {\n        return 301 /mail/;": "location = /a/b {\n        return 301 /a/b/;",
}


@dataclass
class Behind:
    """An API server and the nginx before it."""

    nginx: Nginx
    #: `https://intern.example`, perhaps with a port.
    origin: str
    #: `/mail`
    prefix: str
    component: AirflowComponent | None = None
    token: str | None = None

    @classmethod
    def keeping(cls, folder: Path) -> Behind:
        """As deploy/nginx.conf has it: https://intern.example/mail/, HTTP/2."""
        return cls(Nginx(folder, console=free_port()), f"https://{CONSOLE}", "/mail")

    @classmethod
    def taking_off(cls, folder: Path) -> Behind:
        """https://intern.example:PORT/a/b/ by HTTP/1.1; Airflow sees paths without /a/b."""
        nginx = Nginx(folder, console=free_port(), changes=TAKES_PREFIX_OFF)
        return cls(nginx, f"https://{CONSOLE}:{nginx.port}", "/a/b")

    @property
    def base_url(self) -> str:
        return self.origin + self.prefix

    @property
    def console(self) -> str:
        """The path of the console."""
        return f"{self.prefix}/ses"

    def start(self, *, metadata: str, ses: str, templates: Path, fernet_key: str) -> None:
        """Begin both; `wait` for them."""
        folder = self.nginx.folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "passwords.json").write_text(json.dumps(PEOPLE))
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "SES_"))},
            **environment.SETTINGS,
            environment.DATABASE: metadata.replace("postgresql://", "postgresql+psycopg2://", 1),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__API__BASE_URL": self.base_url,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.nginx.console),
            "AIRFLOW__CORE__FERNET_KEY": fernet_key,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
            "AIRFLOW_CONN_SES_DB": ses,
            "AIRFLOW_CONN_SES_SMTP": "smtp://127.0.0.1:1/?tls=none",
            "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(quota(1_000_000)),
            "SES_TEMPLATES": str(templates),
            "SES_HOME": str(folder / "ses"),
            "FORWARDED_ALLOW_IPS": "127.0.0.1",
        }
        program = Path(sys.executable).with_name("airflow")
        self.component = AirflowComponent.start("api-server", program, variables, folder, "--proxy-headers")
        self.nginx.start()

    def wait(self) -> None:
        """Until the health check of docker-compose.yaml, which knows nothing of a prefix, is content."""
        assert self.component is not None
        end = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            assert self.component.alive, self.component.output
            assert time.monotonic() < end, self.component.output
            time.sleep(0.1)

    def stop(self) -> None:
        """End both."""
        try:
            self.nginx.stop()
        finally:
            if self.component is not None:
                # It would wait for connections that are kept open.
                self.component.end(patience=1)

    def direct(self, path: str) -> httpx.Response:
        """A request of the own machine or of another container, past nginx."""
        return httpx.get(f"http://127.0.0.1:{self.nginx.console}{path}", trust_env=False, timeout=30)

    def client(self, **more: object) -> ProxiedClient:
        """A person's browser, as far as HTTP is concerned: logged in, by nginx."""
        client = self.anonymous(**more)
        client.headers["Cookie"] = f"_token={self._token()}"
        return client

    def anonymous(self, **more: object) -> ProxiedClient:
        """The same without a login."""
        return self.nginx.client(port=self.origin.count(":") > 1, **more)

    def _token(self) -> str:
        if self.token is None:
            with self.anonymous() as client:
                person = {"username": "admin", "password": PEOPLE["admin"]}
                answer = client.post(f"{self.prefix}/auth/token", json=person)
                assert answer.status_code == 201, answer.text
                self.token = answer.json()["access_token"]
        return self.token

    def _is_ready(self) -> bool:
        try:
            return self.direct("/api/v2/monitor/health").status_code == 200
        except httpx.HTTPError:
            return False


def new_fernet_key() -> str:
    """A key for one run."""
    return Fernet.generate_key().decode()
