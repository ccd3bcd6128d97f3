"""A feed from a list, a run of the transport over it, and the law that every run must obey."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.port import Delivery, Envelope, Outcome
from ses_ops.transports.smtp.settings import SmtpSettings, Tls
from ses_ops.transports.smtp.transport import SmtpTransport
from tests.integration.smtp_servers.script import Script
from tests.integration.smtp_servers.scripted import ScriptedServer

CONTENT = b"Subject: hello\r\n\r\n.first dot\r\n..two dots\r\nbody\r\n"


def envelopes(count: int, content: bytes = CONTENT) -> list[Envelope]:
    return [Envelope(n, "news@mail.example.com", f"user{n}@example.com", content) for n in range(1, count + 1)]


class ListFeed:
    """Gives the envelopes of a list; keeps every outcome, and what went wrong with them."""

    def __init__(self, given: Iterable[Envelope]) -> None:
        self.waiting = deque(given)
        self.taken: dict[int, Envelope] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.repeated: list[int] = []
        self.on_outcome: Callable[[Envelope, Outcome], None] = lambda envelope, outcome: None

    def next_envelope(self) -> Envelope | None:
        if not self.waiting:
            return None
        envelope = self.waiting.popleft()
        self.taken[envelope.seq] = envelope
        return envelope

    def content_begins(self, envelope: Envelope) -> None:
        pass

    def outcome(self, envelope: Envelope, outcome: Outcome) -> None:
        if envelope.seq in self.outcomes:
            self.repeated.append(envelope.seq)
        self.outcomes[envelope.seq] = outcome
        self.on_outcome(envelope, outcome)

    def count(self) -> Counter[Delivery]:
        return Counter(outcome.delivery for outcome in self.outcomes.values())

    def of(self, delivery: Delivery) -> list[tuple[int, Outcome]]:
        return sorted((seq, outcome) for seq, outcome in self.outcomes.items() if outcome.delivery is delivery)


@dataclass
class Run:
    feed: ListFeed
    error: TransportUnavailable | None
    seconds: float
    transport: SmtpTransport = field(repr=False)


def may_fall_silent(script: Script) -> bool:
    """Whether the server may leave a client without a reply, who then waits until the timeout is over."""
    acts = {fault.act.then for fault in script.faults}
    lost = {script.behind, script.group} & {"discarded", "halved", "thrown away"}
    return bool(lost or acts & {"hang", "drip", "freeze"})


def settings_for(server: ScriptedServer, **options: Any) -> SmtpSettings:
    """With a short timeout where it is waited for; elsewhere a busy machine may take its time to open a session."""
    defaults: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "connections": 3,
        "timeout": 0.4 if may_fall_silent(server.script) else 10,
        "unavailable_after": 1.0,
        "tls": Tls.STARTTLS_IF_OFFERED,
    }
    given = {**defaults, **options}
    return SmtpSettings(**{"data_timeout": given["timeout"], "greeting_timeout": given["timeout"], **given})


def send(
    server: ScriptedServer,
    given: int | Iterable[Envelope],
    *,
    loop: Callable[[Any], Any] = run_in_loop,
    on_outcome: Callable[[SmtpTransport, Envelope, Outcome], None] | None = None,
    **options: Any,
) -> Run:
    """Send everything through a fresh transport; 60 s are the most that any run of these tests may take."""
    feed = ListFeed(envelopes(given) if isinstance(given, int) else given)
    transport = SmtpTransport(settings_for(server, **options))
    if on_outcome is not None:
        feed.on_outcome = lambda envelope, outcome: on_outcome(transport, envelope, outcome)
    transport.drain()

    async def main() -> None:
        async with asyncio.timeout(60):
            await transport.run(feed)

    error = None
    started = time.monotonic()
    try:
        loop(main())
    except TransportUnavailable as raised:
        error = raised
    return Run(feed, error, time.monotonic() - started, transport)


def assert_lawful(server: ScriptedServer, feed: ListFeed) -> None:
    """One outcome each; accepted by the server if and only if SENT, or in doubt and said to be UNKNOWN."""
    assert not feed.repeated, f"more than one outcome for {feed.repeated}"
    assert set(feed.outcomes) == set(feed.taken), "an envelope was taken and never settled"
    for seq, envelope in feed.taken.items():
        times = server.accepted[envelope.recipient]
        outcome = feed.outcomes[seq]
        allowed = {Delivery.SENT: {1}, Delivery.UNKNOWN: {0, 1}}.get(outcome.delivery, {0})
        assert times in allowed, f"{envelope.recipient} was accepted {times} times, its outcome is {outcome}"
    for outcome in feed.outcomes.values():
        assert outcome.text.isprintable()
        assert len(outcome.text) <= 500
