"""Changes of the suppression list that clients of the reference ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.application.changed import Changed, Counted
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import Conflict, NotFound
from ses_ops.storage.connection import KeyTaken, transaction
from ses_ops.storage.reference import black_lists

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.address import Address


#: Most addresses that an entry of the audit log names.
MOST_NAMED = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Added(Counted):
    """The result of adding addresses: `count` of them were new."""

    #: Addresses that were on the list already.
    repeated: int


def add(conn: Connection, actor: Actor, addresses: Sequence[Address], *, expires_at: datetime | None) -> Added:
    """Put addresses, each once, on the list. What is on it already stays as it is, unless it would end sooner."""
    facts: dict[str, Any] = {**_named(addresses), "reason": SuppressionReason.MANUAL.value}
    with actor.recorded("suppress", **facts) as recorded, transaction(conn):
        before = black_lists.on_the_list(conn, [one.key for one in addresses])
        black_lists.add_manual(conn, addresses, expires_at=expires_at, by=actor.name)
        new = recorded["changed"] = sum(one.key not in before for one in addresses)
    return Added(count=new, repeated=len(addresses) - new)


def change(conn: Connection, actor: Actor, number: int, address: Address, *, expires_at: datetime | None) -> Changed:
    """Give an entry of one's own another address or end. Raises NotFound, and Conflict for an address on the list."""
    with actor.recorded("change_suppression", address=address.address, number=number), transaction(conn):
        if black_lists.of_number(conn, number) is None:
            raise NotFound("suppressed address", str(number))
        try:
            black_lists.change_manual(conn, number, address, expires_at=expires_at, by=actor.name)
        except KeyTaken as cause:
            raise Conflict("address_is_suppressed", address=address.address) from cause
    return Changed()


def remove(conn: Connection, actor: Actor, addresses: Sequence[Address], *, reason: SuppressionReason) -> Counted:
    """Take addresses off the list that have this reason; others, such as a person's own wish, stay."""
    facts: dict[str, Any] = {**_named(addresses), "reason": reason.value}
    with actor.recorded("unsuppress", **facts) as recorded, transaction(conn):
        count = recorded["changed"] = black_lists.remove_of_reason(conn, [one.key for one in addresses], reason=reason)
    return Counted(changed=count > 0, count=count)


def _named(addresses: Sequence[Address]) -> dict[str, Any]:
    """The addresses for the audit log; of many the first, and their number."""
    return {"addresses": [one.address for one in addresses[:MOST_NAMED]], "count": len(addresses)}
