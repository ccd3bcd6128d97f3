"""A new secret for the tokens of all mail from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.connection import transaction
from ses_ops.storage.events import token_secrets

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.storage.events.token_secrets import SecretInUse


def rotate_token_secret(conn: Connection, actor: Actor) -> SecretInUse:
    """Make a secret for the tokens of all mail from now on; tokens in mail that has left stay valid."""
    with actor.recorded("rotate_token_secret") as facts, transaction(conn):
        added = token_secrets.add_secret(conn)
        facts["secret_number"] = added.id
        return added
