"""Acceptance of single messages in a real database, in the test's own event loop and without a mail server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ses_ops.application.single_messages.accept import Acceptor
from ses_ops.application.single_messages.orders import AcceptanceLimits, Accepted, Answer, Idempotency, Order
from ses_ops.domain.address import parse_address, parse_sender
from ses_ops.domain.api_key import ApiKey
from ses_ops.domain.mail_tracking import UNTRACKED, Tracking
from ses_ops.domain.single_message import SingleMessage
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.sending.single.open_chunk import Admitted, OpenChunks
from ses_ops.storage.connection import connect, transaction
from ses_ops.storage.single_messages import processes
from tests.integration.sending_world import quota
from tests.single_mail import new_id

DOMAIN = "codes.example.com"
KEY = ApiKey(id="AKIDtest", name="shop", scopes=frozenset(), domains=frozenset({DOMAIN}))


class NoMail:
    """A mail that nobody makes."""

    def __init__(self, tracked: Tracking = UNTRACKED) -> None:
        self.tracked = tracked

    def made(self, *, occurrence_id: int, seq: int, place: int) -> tuple[str, bytes]:
        raise AssertionError("nothing is sent here")


@dataclass
class Copy:
    """One process that accepts."""

    dsn: str
    quota: Any = field(default_factory=lambda: quota(100_000, domain=DOMAIN))
    limits: AcceptanceLimits = field(default_factory=AcceptanceLimits)
    started: list[Admitted] = field(default_factory=list)

    @asynccontextmanager
    async def running(self):
        conn = connect(self.dsn)
        try:
            with transaction(conn):
                self.process = processes.begin(conn)
            with transaction(conn):
                processes.try_lock(conn, self.process.id)
            self.chunks = OpenChunks(self.process)
            self.acceptor = Acceptor(
                self.dsn,
                chunks=self.chunks,
                plans=lambda: QuotaPlans.parse(self.quota),
                started=self.started.extend,
                limits=self.limits,
            )
            self.acceptor.start()
            yield self
            await self.acceptor.stop()
        finally:
            conn.close()

    async def accept(self, *orders: Order) -> list[Answer]:
        return await asyncio.wait_for(self.acceptor.accept(orders), 60)


def message(*to: str, domain: str = DOMAIN, **changes: Any) -> SingleMessage:
    """A message to addresses."""
    given: dict[str, Any] = {"subject": "Your code", "text": "It is 4711.", **changes}
    return SingleMessage(
        sender=parse_sender(f"Shop <no-reply@{domain}>"), to=tuple(parse_address(one) for one in to), **given
    )


def order(
    *to: str, idempotency: str | None = None, key: ApiKey = KEY, fingerprint: bytes = b"body", **changes: Any
) -> Order:
    """An order for a message to addresses."""
    return Order(
        message=message(*to, **changes),
        key=key,
        source="rest",
        prepared=NoMail(),
        idempotency=None
        if idempotency is None
        else Idempotency(key=idempotency, fingerprint=fingerprint, answer=_answer),
        id=new_id(datetime.now(UTC)),
    )


def _answer(accepted: Accepted) -> dict[str, Any]:
    return {"id": str(accepted.id), "recipients": [one.address for one in accepted.recipients]}


def ids(answers: Sequence[Answer]) -> set[UUID]:
    """The ids that answers name, original or replayed."""
    return {one.id if isinstance(one, Accepted) else UUID(one.answer["id"]) for one in answers}


async def until(condition, *, seconds: float = 60) -> None:
    """Wait for a condition."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it never came"
        await asyncio.sleep(0.01)
