"""Where a group of messages stands: rows in the open chunks of its sender domains, and places of the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState
from ses_ops.errors import QuotaExhausted, SesError
from ses_ops.sending.single.open_chunk import Admitted
from ses_ops.sending.single.places import reserve_places
from ses_ops.storage.single_messages.accepting import Growth, LedgerRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.single_messages.orders import Order
    from ses_ops.domain.warmup import WarmupPlan
    from ses_ops.sending.single.open_chunk import Lane, OpenChunk, OpenChunks
    from ses_ops.sending.single.places import Blocks


@dataclass(kw_only=True, slots=True)
class _Place:
    """The chunk of a lane within the transaction."""

    chunk: OpenChunk
    #: Places of the day that this transaction adds.
    reserved: int
    #: Places that are free.
    free: int
    #: Room for rows.
    room: int
    #: Why there are no more places.
    why: SesError | None
    rows: int = 0
    suppressed: int = 0


class Placing:
    """The places of one group of messages; between `commit` and `roll_back` one has to be called."""

    def __init__(self, conn: Connection, chunks: OpenChunks, blocks: Blocks) -> None:
        self._conn = conn
        self._chunks = chunks
        self._blocks = blocks
        self.process_id = chunks.process.id
        self._places: dict[Lane, _Place] = {}
        self.ledger: list[LedgerRow] = []
        self.admitted: list[Admitted] = []
        self._first: dict[int, tuple[int, int]] = {}

    def begin(self, lane: Lane, plan: WarmupPlan, orders: Sequence[tuple[Order, int]]) -> None:
        """Take the chunk of a lane, and reserve places for all that leave. Raises QuotaExhausted, WarmupNotBegun."""
        if (blocked := self._blocks.why(self._conn, plan)) is not None:
            raise QuotaExhausted(blocked.code, **blocked.facts)
        needed = sum(leaving for _, leaving in orders)
        domain, tracked = lane
        chunk = self._chunks.take(domain, rows=len(orders[0][0].message.recipients), tracked=tracked)
        reserved = 0
        why: QuotaExhausted | None = None
        try:
            if chunk is None or chunk.places < needed:
                got = reserve_places(self._conn, plan, needed, chunk=chunk)
                reserved = got.count
                why = None if got.why is None else QuotaExhausted(got.why.code, **got.why.facts)
                if chunk is not None and chunk.attempt.quota_day_id != got.quota_day_id:
                    self._chunks.unchanged(chunk, seal=True)
                    chunk = None
                if chunk is None and not reserved and why is not None:
                    raise why
                chunk = chunk or self._chunks.open(self._conn, domain, quota_day_id=got.quota_day_id, tracked=tracked)
        except BaseException:
            if chunk is not None:
                self._chunks.unchanged(chunk)
            raise
        self._places[lane] = _Place(
            chunk=chunk, reserved=reserved, free=chunk.places + reserved, room=chunk.room, why=why
        )

    def place(self, lane: Lane, order: Order, reasons: Sequence[str | None]) -> SesError | bool:
        """Give the recipients of an order rows and places; False: the chunk has no room, and the order comes again."""
        of = self._places[lane]
        leaving = reasons.count(None)
        if leaving > of.free:
            return of.why or QuotaExhausted("quota_used_up", quota=0, domain=lane[0])
        if len(reasons) > of.room:
            return False
        chunk = of.chunk
        attempt = chunk.attempt
        first = chunk.last_seq + of.rows + 1
        self._first[id(order)] = (attempt.occurrence_id, first)
        for place, (_, address) in enumerate(order.message.recipients):
            reason = reasons[place]
            seq, is_named = first + place, (address.address, address.key)
            if reason is None:
                self.ledger.append(LedgerRow(attempt.occurrence_id, seq, MessageState.QUEUED, *is_named))
                self.admitted.append(Admitted(chunk, seq, address.address, place, order.prepared))
            else:
                state = MessageState.SUPPRESSED
                self.ledger.append(LedgerRow(attempt.occurrence_id, seq, state, *is_named, reason, attempt.id))
        of.rows += len(reasons)
        of.room -= len(reasons)
        of.free -= leaving
        of.suppressed += len(reasons) - leaving
        return True

    def first_row(self, order: Order) -> tuple[int, int] | None:
        """The occurrence and the place of an order's first row; None for one that leaves later."""
        return self._first.get(id(order))

    @property
    def growths(self) -> list[Growth]:
        """How the chunks grow."""
        return [
            Growth(
                chunk_id=of.chunk.attempt.chunk_id,
                attempt_id=of.chunk.attempt.id,
                last_seq=of.chunk.last_seq + of.rows,
                rows=of.rows,
                pending=of.rows - of.suppressed,
                suppressed=of.suppressed,
                reserved=of.reserved,
            )
            for of in self._places.values()
        ]

    def commit(self) -> None:
        """Note that the transaction was committed."""
        for of in self._places.values():
            self._chunks.grown(of.chunk, rows=of.rows, leaving=of.rows - of.suppressed, places=of.reserved)
        self._places = {}

    def roll_back(self, *, seal: bool = False) -> None:
        """Note that nothing was written; `seal`: and that the chunks are somebody else's now."""
        for of in self._places.values():
            self._chunks.unchanged(of.chunk, seal=seal)
        self._forget()

    def lose(self) -> None:
        """Note that nobody knows whether the transaction was committed."""
        for of in self._places.values():
            self._chunks.lost(of.chunk)
        self._forget()

    def _forget(self) -> None:
        self._places, self.ledger, self.admitted, self._first = {}, [], [], {}
