"""Places of a quota day for single messages: reserved in blocks, and set aside against bulk mail."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.sending.reserve import lock_quota_day
from ses_ops.sending.waiting_mail import why_blocked, why_it_waits
from ses_ops.storage.connection import database_now
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.single_messages import open_chunks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import WarmupPlan
    from ses_ops.errors import Explanation
    from ses_ops.sending.single.open_chunk import OpenChunk

#: Number of places left in the day from which on a block is reserved: one of PARTS parts, at most LARGEST_BLOCK places.
BLOCKS_FROM = 64
PARTS = 16
LARGEST_BLOCK = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class ReservedPlaces:
    """Places that a transaction has reserved."""

    quota_day_id: int
    count: int
    #: Why there are no more than these; None where all that were wanted are there.
    why: Explanation | None


def reserve_places(
    conn: Connection, plan: WarmupPlan, needed: int, *, chunk: OpenChunk | None = None
) -> ReservedPlaces:
    """Reserve places of the present day for as many messages, besides those that an open chunk of that day has.

    Some more are reserved while the day has plenty, and fewer when it has no more. The caller holds the transaction,
    and no row of a chunk. Raises WarmupNotBegun.
    """
    locked = lock_quota_day(conn, plan)
    has = chunk.places if chunk is not None and chunk.attempt.quota_day_id == locked.id else 0
    wanted = max(0, needed - has)
    block = min(LARGEST_BLOCK, locked.left // PARTS) if locked.left >= BLOCKS_FROM else 0
    count = min(locked.left, max(wanted, block))
    open_chunks.take_single(conn, quota_day_id=locked.id, count=count)
    why = why_it_waits(plan, locked.day, locked.allowance) if count < wanted else None
    return ReservedPlaces(quota_day_id=locked.id, count=count, why=why)


class Blocks:
    """Whether sender domains are blocked, which also stops what has its places already; each looked up now and then."""

    #: Seconds after which a domain is looked up again.
    SECONDS = 2.0

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, Explanation | None]] = {}

    def why(self, conn: Connection, plan: WarmupPlan) -> Explanation | None:
        """Why nothing may leave from a domain now; None where mail may. Raises WarmupNotBegun."""
        until, why = self._seen.get(plan.domain, (0.0, None))
        if time.monotonic() < until:
            return why
        began = sender_domains.rehearsal_began_at(conn, plan)
        _, allowance, _ = sender_domains.enforced_day(conn, plan, database_now(conn), rehearsal_began_at=began)
        why = why_blocked(plan, allowance)
        self._seen[plan.domain] = (time.monotonic() + self.SECONDS, why)
        return why
