"""The API of `make run`: its process, the copy of the sample's quota, a first key that is shown once."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.application.airflow_copy import keep_quota
from ses_ops.application.api_keys import create_key, list_keys
from ses_ops.application.ports import Actor
from ses_ops.application.secret_box import VARIABLE, SecretBox
from ses_ops.domain.api_key import ANY_DOMAIN, Scope
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The sender domain of the sample's trigger mail, which takes nothing from the days of the others.
SENDER_DOMAIN = "codes.example.com"
#: Messages a day.
PLAN = 1_000_000
#: Name of the first key.
FIRST_KEY = "first"
#: Seconds that the API may take to be ready before its address is shown.
READY_WITHIN = 20.0
_WHERE = "make run"


def warmup_entry(today: str) -> dict[str, object]:
    """The entry of the quota Variable: real days, more than a person can use up by hand."""
    return {"plan": [PLAN], "started_on": today, "time_zone": "UTC"}


def copy_quota(db_dsn: str, env: Mapping[str, str], text: str) -> None:
    """Copy the Variable that was made just now, so that the API need not ask Airflow for it."""
    with connected(db_dsn, application=_WHERE) as conn:
        keep_quota(conn, text, SecretBox(env[VARIABLE]))


def first_key(db_dsn: str, env: Mapping[str, str]) -> list[str]:
    """The notes about keys: a first one with its secret if there never was one, else how to make one."""
    with connected(db_dsn, application=_WHERE) as conn:
        there = list_keys(conn)
        if not there and settings.sample_wanted():
            box = SecretBox(env[VARIABLE])
            made = create_key(conn, Actor(name=_WHERE), FIRST_KEY, [Scope.MANAGE], [ANY_DOMAIN], box=box)
            return [f"API key   {made.key.id}:{made.secret}  (shown this once; it may do everything)"]
    return [] if there else [f"API key   none yet: ses key create NAME --scope {Scope.SEND}"]


def wait_until_ready(host: str, port: int, pause: Callable[[float], object]) -> str | None:
    """Wait for the API; None when it is ready, else what it says of itself."""
    end, said = time.monotonic() + READY_WITHIN, "it does not answer"
    while time.monotonic() < end:
        try:
            connection = http.client.HTTPConnection(host.strip("[]"), port, timeout=2)
            connection.request("GET", "/health")
            answer = connection.getresponse()
            said = answer.read().decode("utf-8", "replace")[:300]
            connection.close()
            if answer.status == 200:
                return None
        except (OSError, http.client.HTTPException, ValueError) as problem:
            said = str(problem)
        pause(0.2)
    return said
