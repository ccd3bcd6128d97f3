"""The check of `ses doctor` of the API: its keys, its copy of Airflow's settings, whether it answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from ses_ops import api_settings, settings
from ses_ops.cli.session import database

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Age from which a copy is too old: several turns of `ses_maintenance`.
OLD = timedelta(minutes=10)
#: Seconds for the answer of the API.
_WITHIN = 3
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def api_checks() -> Iterator[tuple[Literal["ok", "warn", "FAIL"], str]]:
    """What the API needs, if somebody has a key for it."""
    from ses_ops.application.api_keys import list_keys
    from ses_ops.application.secret_box import SecretBox

    with database() as conn:
        keys = list_keys(conn, revoked_too=False)
        if not keys:
            yield "ok", "no program has a key: `ses key create NAME --scope send` makes one"
            return
        SecretBox.of_airflow()
        age = _age(conn)
    yield "ok", f"{len(keys)} keys; Airflow's Fernet key is known here"
    if age is None:
        yield "warn", "Airflow's settings were not copied for it: start ses_maintenance, or run `ses airflow-sync`"
    elif age > OLD:
        minutes = age // timedelta(minutes=1)
        yield "warn", f"its copy of Airflow's settings is {minutes} minutes old: is the DAG ses_maintenance on?"
    yield _answer()


def _age(conn: Connection) -> timedelta | None:
    from ses_ops.storage.access.airflow_copy import read
    from ses_ops.storage.connection import database_now, transaction

    with transaction(conn):
        rows = read(conn)
        return None if not rows else database_now(conn) - min(row.copied_at for row in rows)


def _answer() -> tuple[Literal["ok", "warn"], str]:
    """What the API says of itself, at the address that is known here."""
    stack = settings.running_stack()
    url = api_settings.api_url() or (stack.api_url if stack else None)
    if url is None:
        return "ok", "SES_API_URL is not set here, so it was not asked for its health"
    try:
        with _OPENER.open(f"{url}/health", timeout=_WITHIN) as answer:
            said = answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            said = refused.read()
    except (OSError, ValueError) as problem:
        return "warn", f"{url} does not answer ({problem}): start `ses listen api`"
    try:
        health = json.loads(said)
        state = str(health["status"])
    except (ValueError, KeyError, TypeError):
        return "warn", f"{url} answers, and is not the API"
    facts = ", ".join(f"{name} {value}" for name, value in health.items() if name != "status")
    return ("ok" if state == "ok" else "warn"), f"{url} is {state}: {facts}"
