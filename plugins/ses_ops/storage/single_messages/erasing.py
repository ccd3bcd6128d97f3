"""The erasure of a person from single messages: what they say goes, that they were sent stays."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ses_ops.domain.single_message import SingleMessage, read_stored
from ses_ops.storage.named_sql import execute, fetch_all, statements
from ses_ops.storage.single_messages import finding

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


def erase_from_messages(conn: Connection, address_key: str, person: str) -> None:
    """Erase a person, before the ledger has the hash in place of the address, in the caller's transaction.

    A message that waits for its time goes to its other recipients, and is cancelled without any. The content of a mail
    that several people get stays while it may still leave to others; it goes after SES_API_CONTENT_DAYS like all.
    """
    ids = [str(one) for one in finding.keys_to(conn, [address_key, person])]
    held = fetch_all(conn, _SQL["hold_messages"], ids=ids, keys=[address_key, person]) if ids else []
    others = {row["id"]: _without(row["content"], address_key) for row in held if row["waits"]}
    cancelled = [message_id for message_id, rest in others.items() if rest is None]
    over = [row["id"] for row in held if not row["waits"] and not row["pending"]]
    execute(conn, _SQL["forget_content"], ids=[*cancelled, *over])
    execute(conn, _SQL["cancel"], ids=cancelled)
    for message_id, rest in others.items():
        if rest is not None:
            _leave_out(conn, message_id, rest)
    execute(conn, _SQL["forget_words"], ids=[row["id"] for row in held], address_key=address_key, person=person)
    pattern = re.sub(r"([^\w@])", r"\\\1", address_key)
    execute(conn, _SQL["clear_answers"], address_key=address_key, pattern=pattern, person=person)
    execute(conn, _SQL["forget_rate"], address_key=address_key)


def _leave_out(conn: Connection, message_id: str, rest: SingleMessage) -> None:
    keys = [address.key for _, address in rest.recipients]
    counts = {kind: len(getattr(rest, kind)) for kind in ("to", "cc", "bcc")}
    execute(conn, _SQL["leave_out"], id=message_id, address_keys=keys, **counts)
    execute(conn, _SQL["set_content"], id=message_id, content=rest.stored)


def _without(content: memoryview | None, address_key: str) -> SingleMessage | None:
    """What a message says to its other recipients; None: there are none, or nobody can read it."""
    try:
        message = read_stored(bytes(content or b""))
    except ValueError:
        return None
    kept: dict[str, Any] = {
        kind: tuple(one for one in getattr(message, kind) if one.key != address_key) for kind in ("to", "cc", "bcc")
    }
    if not any(kept.values()):
        return None
    names = {address: name for address, name in message.names.items() if address.lower() != address_key}
    return replace(message, **kept, names=names)
