"""Endpoints that the deliverer stops: one entry in the audit log, one line in the log, one line on the overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.errors import Explanation
from ses_ops.storage.callbacks import endpoints
from ses_ops.storage.connection import transaction

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.storage.callbacks.endpoints import ActiveEndpoint


def stop_unwanted(conn: Connection, actor: Actor, endpoint: ActiveEndpoint, *, status: int) -> bool:
    """Stop an endpoint that said that it wants no more posts; False when it is stopped already."""
    return _stop(conn, actor, endpoint, Explanation("callback_endpoint_unwanted", status=status))


def stop_failing(conn: Connection, actor: Actor, endpoint: ActiveEndpoint, *, days: int) -> bool:
    """Stop an endpoint that has failed for `days` days; False when it is stopped already."""
    return _stop(conn, actor, endpoint, Explanation("callback_endpoint_failing", days=days))


def _stop(conn: Connection, actor: Actor, endpoint: ActiveEndpoint, why: Explanation) -> bool:
    named = {"endpoint": endpoint.name, "reason": str(why.sentence)}
    with actor.recorded("stop_callback_endpoint", **named) as facts, transaction(conn):
        facts["stopped"] = stopped = endpoints.stop(conn, endpoint.id, why=why.sentence)
    return stopped
