"""The API as it is started on a machine: `ses listen api` in a process of its own."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import psycopg2
from cryptography.fernet import Fernet

from ses_ops.application.api_keys import KeyMade, create_key
from ses_ops.application.secret_box import VARIABLE
from ses_ops.storage.connection import connected
from tests.actors import ANYBODY
from tests.integration.public.listener_process import ListenerProcess

#: For tests that make keys in their own process and in those of the API.
FERNET_KEY = Fernet.generate_key().decode()


@dataclass
class ApiProcess(ListenerProcess):
    """One copy of the API, which may be killed and started again."""

    kind: str = "api"
    settings: dict[str, str] = field(default_factory=lambda: {VARIABLE: FERNET_KEY})

    def wait(self) -> None:
        """Until it answers, healthy or not."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                httpx.get(f"{self.url}/health", timeout=5, trust_env=False)
                return
            assert self.process is not None
            assert self.process.poll() is None, self.log
            time.sleep(0.02)
        raise AssertionError(f"the API does not answer\n{self.log}")

    def client(self, made: KeyMade | None = None) -> httpx.Client:
        """A client, with a key."""
        headers = {} if made is None else {"Authorization": bearer(made)}
        return httpx.Client(base_url=self.url, trust_env=False, timeout=30, headers=headers)


def bearer(made: KeyMade) -> str:
    """The header's value by which a program shows its key."""
    return f"Bearer {made.key.id}:{made.secret}"


def new_key(dsn: str, name: str = "shop", scopes=("manage",), domains=("*",), per_second=None) -> KeyMade:
    """A key in the database; the Fernet key has to be in the environment."""
    with connected(dsn) as conn:
        return create_key(conn, ANYBODY, name, scopes, domains, per_second)


def rows(dsn: str, sql: str, *values: object) -> list[tuple]:
    """The rows of a query of a test."""
    conn = psycopg2.connect(dsn)
    try:
        with conn, conn.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()
    finally:
        conn.close()
