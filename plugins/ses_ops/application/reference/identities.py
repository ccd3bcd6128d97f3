"""Sender domains, sender addresses and their unsubscribe links, as clients of the reference make them.

Which domains may send is said by the quota Variable; what a client makes is noted beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed
from ses_ops.errors import Conflict, NotFound
from ses_ops.storage.connection import transaction
from ses_ops.storage.reference import identities, senders, unsubscribe_configs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor

#: Most sender addresses of a domain, as in the reference.
MOST_SENDERS = 10


def create_identity(
    conn: Connection, actor: Actor, domain: str, *, dkim_option: int, tags: Sequence[dict[str, str]]
) -> Changed:
    """Note a domain. Raises Conflict when it is noted already."""
    with actor.recorded("create_identity", domain=domain), transaction(conn):
        if not identities.add(conn, domain, dkim_option=dkim_option, tags=tags, by=actor.name):
            raise Conflict("identity_exists", domain=domain)
    return Changed()


def set_dkim_option(conn: Connection, actor: Actor, domain: str, *, dkim_option: int) -> Changed:
    """Note the length of the DKIM key that a client wants of a domain's mail."""
    with actor.recorded("change_identity", domain=domain, dkim_option=dkim_option), transaction(conn):
        identities.set_dkim_option(conn, domain, dkim_option=dkim_option, by=actor.name)
    return Changed()


def delete_identity(conn: Connection, actor: Actor, domain: str) -> Changed:
    """Forget a domain. Raises NotFound, and Conflict while it has sender addresses."""
    with actor.recorded("delete_identity", domain=domain), transaction(conn):
        if any(one.domain == domain for one in senders.senders(conn)):
            raise Conflict("identity_has_senders", domain=domain)
        if not identities.remove(conn, domain):
            raise NotFound("sender domain", domain, code="identity_not_found")
    return Changed()


def create_sender(conn: Connection, actor: Actor, address: str, *, sender_name: str) -> Changed:
    """Note a sender address. Raises Conflict when it is noted already, or its domain has MOST_SENDERS."""
    with actor.recorded("create_sender", address=address), transaction(conn):
        senders.lock(conn)
        known = senders.senders(conn)
        domain = address.rpartition("@")[2]
        if sum(one.domain == domain for one in known) >= MOST_SENDERS and address not in {one.address for one in known}:
            raise Conflict("too_many_senders", domain=domain, most=MOST_SENDERS)
        if not senders.add(conn, address, sender_name=sender_name):
            raise Conflict("sender_exists", address=address)
    return Changed()


def delete_sender(conn: Connection, actor: Actor, address: str) -> Changed:
    """Forget a sender address. Raises NotFound."""
    with actor.recorded("delete_sender", address=address), transaction(conn):
        if not senders.remove(conn, address):
            raise NotFound("sender address", address, code="sender_not_found")
    return Changed()


def create_unsubscribe_config(conn: Connection, actor: Actor, address: str, *, config: str, status: int) -> Changed:
    """Set the unsubscribe link of a sender address. Raises Conflict when it has one already."""
    with actor.recorded("create_unsubscribe_config", address=address, config=config), transaction(conn):
        if not unsubscribe_configs.add(conn, address, config=config, status=status):
            raise Conflict("unsubscribe_config_exists", address=address)
    return Changed()


def change_unsubscribe_config(conn: Connection, actor: Actor, address: str, *, config: str, status: int) -> Changed:
    """Change the unsubscribe link of a sender address. Raises NotFound."""
    with actor.recorded("change_unsubscribe_config", address=address, config=config), transaction(conn):
        if not unsubscribe_configs.change(conn, address, config=config, status=status):
            raise NotFound("unsubscribe link", address, code="unsubscribe_config_not_found")
    return Changed()


def delete_unsubscribe_config(conn: Connection, actor: Actor, address: str) -> Changed:
    """Have mail of a sender address have an unsubscribe link only where it says so. Raises NotFound."""
    with actor.recorded("delete_unsubscribe_config", address=address), transaction(conn):
        if not unsubscribe_configs.remove(conn, address):
            raise NotFound("unsubscribe link", address, code="unsubscribe_config_not_found")
    return Changed()
