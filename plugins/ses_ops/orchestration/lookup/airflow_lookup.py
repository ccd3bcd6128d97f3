"""Airflow's connections and Variables, looked up in Airflow's own order.

In every process the order is that of a worker: the secrets backend (of `[workers]`, else of `[secrets]`), the
environment, then the sources of Airflow's servers: their secrets backend, and the metadata database, which a task asks
through the api-server. One rule differs from Airflow's own `Connection.get`: a source that cannot be asked is an
error, and does not count as a source without the connection, because the next source might name another server.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops import airflow_configuration
from ses_ops.airflow_connection import FoundConnection, connection_of
from ses_ops.errors import LookUpFailed
from ses_ops.orchestration.lookup import airflow_cache, execution_api, metadata
from ses_ops.orchestration.lookup.answer_cache import AnswerCache
from ses_ops.orchestration.lookup.secrets_backends import SecretsBackend, of_servers, of_workers, settings_of_backends

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_CONNECTION, _VARIABLE = "AIRFLOW_CONN_", "AIRFLOW_VAR_"
#: Answers of secrets backends and of the metadata database, in processes that look up at every request of a page.
_KEPT = AnswerCache()


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundVariable:
    """A Variable of Airflow; `source` names the place where it was found."""

    value: str
    source: str
    #: The class of the secrets backend that has the Variable; "" when it comes from elsewhere.
    backend: str = ""


def connection(conn_id: str) -> FoundConnection | None:
    """A connection; None when no source has it.

    Raises ConnectionProblem, LookUpFailed, NotSetUp, DatabaseUnavailable.
    """
    found = airflow_cache.connection(conn_id)
    if found is None:
        found = _before_airflow(conn_id) or _from_airflow(conn_id)
        airflow_cache.keep(conn_id, found)
    return found


def variable(key: str) -> FoundVariable | None:
    """A Variable; None when no source has it. Raises LookUpFailed, DatabaseUnavailable.

    The metadata database is asked anew each time: a person who edits a Variable there must see the change at once.
    """
    found = fixed_variable(key)
    if found is not None:
        return found
    source = f"the Airflow Variable {key}"
    if execution_api.is_there():
        value = execution_api.variable(key)
    else:
        value = metadata.variable(key) if _has_metadata() else None
    return None if value is None else FoundVariable(value=value, source=source)


def fixed_variable(key: str) -> FoundVariable | None:
    """A Variable that is set elsewhere than in Airflow's database, which is asked last: an edit there has no effect.

    None when the database decides.
    """
    found = _variable_from(of_workers(), key)
    if found is None and (given := os.environ.get(_VARIABLE + key.upper())) is not None:
        found = FoundVariable(value=given, source=_VARIABLE + key.upper())
    if found is None and not execution_api.is_there():
        found = _variable_from(of_servers(), key)
    return found


def _before_airflow(conn_id: str) -> FoundConnection | None:
    """A connection from the sources that need no server of Airflow."""
    found = _from(of_workers(), conn_id)
    if found is None and (given := os.environ.get(_CONNECTION + conn_id.upper(), "").strip()):
        found = FoundConnection(source=_CONNECTION + conn_id.upper(), given=given)
    return found


def _from_airflow(conn_id: str) -> FoundConnection | None:
    if execution_api.is_there():
        fields = execution_api.connection(conn_id)
    elif (found := _from(of_servers(), conn_id)) is not None or not _has_metadata():
        return found
    else:
        fields = _kept(("metadata", conn_id), lambda: metadata.connection(conn_id))
    return None if fields is None else FoundConnection(source=fields.source, given=fields)


def _from(backend: SecretsBackend | None, conn_id: str) -> FoundConnection | None:
    if backend is None:
        return None
    return _kept((backend.section, "connection", conn_id), lambda: _read(backend, conn_id))


def _read(backend: SecretsBackend, conn_id: str) -> FoundConnection | None:
    source = f"{conn_id} of the secrets backend {backend.name}"
    found = _answer(backend, lambda: backend.connection(conn_id), conn_id)
    if found is None or found == "":
        return None
    given = found if isinstance(found, str) else connection_of(found, source)
    return FoundConnection(source=source, given=given)


def _variable_from(backend: SecretsBackend | None, key: str) -> FoundVariable | None:
    if backend is None:
        return None
    value = _kept((backend.section, "variable", key), lambda: _answer(backend, lambda: backend.variable(key), key))
    if value is None:
        return None
    source = f"{key} of the secrets backend {backend.name}"
    return FoundVariable(value=str(value), source=source, backend=backend.name)


def _answer(backend: SecretsBackend, ask: Callable[[], Any], what: str) -> Any:
    try:
        return ask()
    except NotImplementedError:
        return None  # a backend may have connections only, or Variables only
    except Exception as cause:
        # The cause's own text is not shown: it can have a password, or a path of the server.
        log.debug("the secrets backend %s failed", backend.name, exc_info=True)
        raise LookUpFailed(
            "secrets_backend_failed", backend=backend.name, what=what, cause=type(cause).__name__
        ) from cause


def _kept(key: tuple[str, ...], ask: Callable[[], Any]) -> Any:
    """The answer of `ask`: in a task always a new one, elsewhere perhaps of the last seconds (pages ask often)."""
    if execution_api.is_there():
        return ask()
    return _KEPT.get((settings_of_backends(), metadata.database_name(), *key), ask)


def _has_metadata() -> bool:
    """Whether there is a metadata database: without one Airflow would make an empty SQLite database.

    (A command line may have a secrets backend only.)
    """
    return airflow_configuration.is_configured()
