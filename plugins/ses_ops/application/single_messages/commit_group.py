"""One transaction that accepts a group of single messages: all that was asked for while the one before was written.

Locks are taken in this order by everybody: keys of requests (never waited for), the domain and its quota day, addresses
and chunks.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING

from ses_ops.application.single_messages.orders import Accepted, AcceptedRecipient, Refused, Replayed
from ses_ops.application.single_messages.rows import answer_row, message_row
from ses_ops.domain.message_state import MessageState
from ses_ops.errors import Conflict, InvalidInput, NotAccepted, QuotaError, QuotaExhausted, SesError
from ses_ops.storage.connection import transaction
from ses_ops.storage.single_messages import accepting, scheduled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.single_messages.orders import AcceptanceLimits, Answer, Order
    from ses_ops.application.single_messages.placing import Placing
    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.sending.single.open_chunk import Admitted, Lane
    from ses_ops.storage.single_messages.accepting import RecentMail, RefusalFacts

#: Pair of address key and sender domain.
Pair = tuple[str, str]
#: How often a transaction is made anew at most before its orders wait for the next group.
MOST_TRIES = 3


class _Again(Exception):
    """What the group was made for has changed meanwhile."""


class _AddressesFull(_Again):
    """Another transaction has filled the hour of an address since it was looked at."""


class _ChunkTakenOver(_Again):
    """A chunk is another process's now."""


class GroupCommit:
    """A group on its way through one transaction. `answers` has None for an order that has to come again."""

    def __init__(
        self,
        conn: Connection,
        orders: Sequence[Order],
        *,
        placing: Placing,
        plans: QuotaPlans,
        limits: AcceptanceLimits,
    ) -> None:
        self._conn = conn
        self._orders = orders
        self._plans = plans
        self._limits = limits
        self.answers: list[Answer | None] = [None] * len(orders)
        self.placing = placing
        #: Whether addresses have to be looked at before they are counted.
        self._look_at_addresses = False

    @property
    def admitted(self) -> list[Admitted]:
        """The recipients of accepted messages that leave at once, after the commit."""
        return self.placing.admitted

    @property
    def messages(self) -> list[tuple[str, tuple[int, int] | None]]:
        """The messages that the transaction writes: id, and occurrence and place of the first row if it has rows."""
        accepted = (order for order, answer in zip(self._orders, self.answers, strict=True) if _is_accepted(answer))
        return [(str(order.id), self.placing.first_row(order)) for order in accepted]

    def commit(self) -> None:
        """Accept what can be accepted, in one transaction. After an error the caller tells `placing` what is known."""
        for _ in range(MOST_TRIES):
            try:
                with transaction(self._conn):
                    self._accept()
            except _Again as why:
                self.placing.roll_back(seal=isinstance(why, _ChunkTakenOver))
                self._look_at_addresses = True
            else:
                self.placing.commit()
                return
        self.answers = [None] * len(self._orders)

    def _accept(self) -> None:
        self.answers = [None] * len(self._orders)
        accepting.take_process(self._conn, self.placing.process_id)
        wanted = self._without_replays()
        if not wanted:
            return
        orders = [self._orders[place] for place in wanted]
        seen = accepting.look(
            self._conn,
            key_ids={order.key.id for order in orders},
            domains={order.message.sender.domain for order in orders if order.message.is_marketing},
            address_keys={address.key for order in orders for _, address in order.message.recipients},
        )
        asked = [_Asked(place, self._orders[place], seen) for place in wanted]
        asked = self._still_due(asked)
        asked = self._not_refused(asked, lambda one: one.problem())
        asked = self._within_the_hour(asked)
        asked = self._with_places(asked)
        if asked or self.placing.growths:
            self._write(asked, seen)

    def _without_replays(self) -> list[int]:
        """The places of the orders that are new, of which the keys are held."""
        first: dict[tuple[str, str], int] = {}
        new = []
        for place, order in enumerate(self._orders):
            if order.idempotency is None:
                new.append(place)
            else:
                # An equal one of this group comes again, and finds the answer of the first.
                first.setdefault((order.key.id, order.idempotency.key), place)
        if not first:
            return new
        for place, held in zip(first.values(), accepting.hold(self._conn, list(first)), strict=True):
            order = self._orders[place]
            assert order.idempotency is not None
            if held.status is not None and held.answer is not None:
                same = held.fingerprint == order.idempotency.fingerprint
                reused = Refused(Conflict("idempotency_key_reused"))
                self.answers[place] = Replayed(held.status, held.answer) if same else reused
            elif held.held:
                new.append(place)
            elif time.monotonic() - order.since > self._limits.wait_for_equal:
                self.answers[place] = Refused(NotAccepted("idempotency_in_progress").after(1))
        return sorted(new)

    def _not_refused(self, asked: list[_Asked], problem: Callable[[_Asked], SesError | None]) -> list[_Asked]:
        kept = []
        for one in asked:
            if (found := problem(one)) is None:
                kept.append(one)
            else:
                self.answers[one.place] = Refused(found)
        return kept

    def _still_due(self, asked: list[_Asked]) -> list[_Asked]:
        """Without messages of an earlier acceptance that somebody else has sent, refused or cancelled meanwhile."""
        ids = [str(one.order.id) for one in asked if one.order.due]
        if not ids:
            return asked
        waiting = scheduled.lock_due(self._conn, ids)
        gone = NotAccepted("single_message_has_left")
        return self._not_refused(asked, lambda one: None if not one.order.due or str(one.order.id) in waiting else gone)

    def _refuse(self, asked: list[_Asked], problem: SesError) -> None:
        for one in asked:
            self.answers[one.place] = Refused(problem)

    def _within_the_hour(self, asked: list[_Asked]) -> list[_Asked]:
        """Those whose addresses have room within the hour, as far as that can be told before they are counted."""
        counts = Counter(pair for one in asked for pair in one.pairs)
        if not self._look_at_addresses and all(count <= self._limits.per_address for count in counts.values()):
            return asked
        pairs = sorted(counts)
        recent = accepting.recent_of_addresses(self._conn, pairs)
        so_far = Counter({pair: recent[pair].messages for pair in pairs if pair in recent})
        return self._not_refused(asked, lambda one: one.over_the_hour(so_far, recent, self._limits.per_address))

    def _with_places(self, asked: list[_Asked]) -> list[_Asked]:
        """Those that leave later, and those for which the day has places and their chunk has room."""
        by_lane: defaultdict[Lane, list[_Asked]] = defaultdict(list)
        placed = []
        for one in asked:
            if one.later:
                placed.append(one)
            else:
                by_lane[one.order.message.sender.domain, one.order.prepared.tracked].append(one)
        for lane, its in sorted(by_lane.items(), key=itemgetter(0)):
            try:
                plan = self._plans[lane[0]]
                self.placing.begin(lane, plan, [(one.order, one.leaving) for one in its])
            except (QuotaError, QuotaExhausted, InvalidInput) as problem:
                self._refuse(its, problem)
                continue
            for one in its:
                placed_or_why = self.placing.place(lane, one.order, one.reasons)
                if isinstance(placed_or_why, SesError):
                    self.answers[one.place] = Refused(placed_or_why)
                elif placed_or_why:
                    placed.append(one)
        return placed

    def _write(self, asked: list[_Asked], seen: RefusalFacts) -> None:
        messages, answers = [], []
        for one in asked:
            order = one.order
            accepted = Accepted(order.id, seen.now, one.recipients, one.later)
            self.answers[one.place] = accepted
            messages.append(message_row(order, self.placing.first_row(order), later=one.later))
            if order.idempotency is not None:
                answers.append(answer_row(order, order.idempotency, accepted, self._limits.idempotency_hours))
        rates = Counter(pair for one in asked for pair in one.pairs)
        rated, grown = accepting.write(
            self._conn,
            now=seen.now,
            most_per_hour=self._limits.per_address,
            rates=rates,
            ledger=self.placing.ledger,
            growths=self.placing.growths,
            messages=messages,
            answers=answers,
        )
        if not grown:
            raise _ChunkTakenOver
        if not rated:
            raise _AddressesFull


class _Asked:
    """An order with what the suppression list says of its recipients."""

    __slots__ = ("later", "leaving", "order", "pairs", "place", "reasons", "recipients", "revoked")

    def __init__(self, place: int, order: Order, seen: RefusalFacts) -> None:
        message = order.message
        domain = message.sender.domain
        self.place = place
        self.order = order
        self.later = message.send_at is not None and not order.due
        self.revoked = order.key.id in seen.revoked and not order.due
        recipients, reasons, pairs = [], [], []
        for kind, address in message.recipients:
            reason = None
            if seen.suppressed:
                reason = seen.suppressed.get(("", address.key))
                if reason is None and message.is_marketing:
                    reason = seen.suppressed.get((domain, address.key))
            state = MessageState.QUEUED if reason is None else MessageState.SUPPRESSED
            recipients.append(AcceptedRecipient(address.address, kind, state))
            reasons.append(reason)
            if reason is None and not self.later:
                pairs.append((address.key, domain))
        self.recipients = tuple(recipients)
        #: Why a recipient is suppressed, of each; None: it is not.
        self.reasons = reasons
        self.leaving = reasons.count(None)
        #: Addresses whose hour it counts for.
        self.pairs = pairs

    def problem(self) -> SesError | None:
        """Why it is refused whatever the others are."""
        if self.revoked:
            return NotAccepted("api_key_revoked")
        if not self.leaving:
            return NotAccepted("recipient_suppressed", reasons=sorted({reason for reason in self.reasons if reason}))
        return None

    def over_the_hour(self, so_far: Counter[Pair], recent: dict[Pair, RecentMail], most: int) -> SesError | None:
        """Why its addresses have no room; else they are counted in `so_far`."""
        for pair, count in Counter(self.pairs).items():
            if so_far[pair] + count > most:
                wait = recent[pair].seconds if pair in recent and recent[pair].seconds else 3600.0
                problem = NotAccepted("address_limit_reached", address=pair[0], most=most, domain=pair[1])
                return problem.after(wait)
        so_far.update(self.pairs)
        return None


def _is_accepted(answer: Answer | None) -> bool:
    return isinstance(answer, Accepted)
