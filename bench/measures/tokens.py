"""The measure of what tokens cost: the engine with bounce tokens and unsubscribe links, against the engine without.

All send the same template over the same connections to one sink, in interleaved rounds. With: every message has an
envelope sender of its own, the link in both bodies, and `List-Unsubscribe` with page and mailbox. Without: one sender,
and the link that the task itself names, as in all other measures. The third sends no link at all, in shorter messages.
Beside it the CPU of one message, made and thrown away in this process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench import messages
from bench.figure import Bar, Figure
from bench.mailing import mailing
from bench.measures.engine import CONNECTIONS
from bench.sent import SenderResult, best, median_rate
from bench.sink import smtp_sink
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.schedule import TaskType
from ses_ops.events.tokens import Purpose, TokenMaker, address_check
from ses_ops.sending.chunk.made_messages import message_maker
from ses_ops.sending.task_renderer import RendererExtras, task_renderer
from ses_ops.storage.ledger.batches import Marked
from ses_ops.storage.tasks.stored_task import TaskOfChunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.context import Bench

WITH, WITHOUT, BARE = "with bounce tokens and unsubscribe links", "without", "without any link"
_CHANGES: dict[str, dict[str, Any]] = {
    WITH: {"unsubscribe_url": None, "unsubscribe": "en"},
    WITHOUT: {},
    BARE: {"unsubscribe_url": None},
}
PUBLIC_URL = "https://mail.example.com"
BOUNCE_DOMAIN = "bounces.example.com"
#: Smallest ratio of messages/s, best round against best round.
BAR = 0.95
#: Largest CPU of the tokens of one message, in us: 5 % of the engine's 40 us.
CPU_BAR = 2.0
#: Number of messages that are made in this process, and of repetitions, of which the best counts.
MADE, REPEATS = 5_000, 5


def measure(bench: Bench) -> Iterator[Figure]:
    yield from _cpu()
    sent: dict[str, list[SenderResult]] = {name: [] for name in _CHANGES}
    with smtp_sink() as sink, public_url():
        for turn in range(bench.sizes.rounds):
            bench.progress(f"tokens: round {turn + 1} of {bench.sizes.rounds}")
            for name in reversed(_CHANGES) if turn % 2 else _CHANGES:
                sent[name].append(_send(bench, sink.port, name))
                bench.progress(f"  {name}: {sent[name][-1].rate:,.0f} messages/s")
    yield _against(sent, WITHOUT, Bar(limit=BAR, at_least=True, of_ratio=True))
    yield _against(sent, BARE, None)


def _send(bench: Bench, port: int, name: str) -> SenderResult:
    bounce_domain = BOUNCE_DOMAIN if name is WITH else None
    count = bench.sizes.engine // (2 if bench.sizes.quick else 1)
    with mailing(bench.server, count, chunk_size=count, bounce_domain=bounce_domain, **_CHANGES[name]) as ready:
        bench.server.checkpoint()
        return ready.send(port, connections=CONNECTIONS)[0]


@contextmanager
def public_url() -> Iterator[None]:
    before = os.environ.get("SES_PUBLIC_URL")
    os.environ["SES_PUBLIC_URL"] = PUBLIC_URL
    try:
        yield
    finally:
        if before is None:
            del os.environ["SES_PUBLIC_URL"]
        else:
            os.environ["SES_PUBLIC_URL"] = before


def _against(sent: dict[str, list[SenderResult]], other: str, bar: Bar | None) -> Figure:
    medians = median_rate(sent[WITH]) / median_rate(sent[other])
    cpu = [min(one.cpu_per_1000 for one in sent[name]) for name in (WITH, other)]
    return Figure(
        what=f"engine {WITH}, against the engine {other}",
        value=best(sent[WITH]).rate,
        unit="messages/s",
        peer=f"the engine {other}",
        peer_value=best(sent[other]).rate,
        bar=bar,
        note=f"best of {len(sent[WITH])}; medians {medians:.2f} x; CPU s per 1 000: {cpu[0]:.3f} and {cpu[1]:.3f}",
        data={name: [one.rate for one in results] for name, results in sent.items()},
    )


def _cpu() -> Iterator[Figure]:
    marked = [Marked(n, messages.address(n), messages.values(n), 0) for n in range(1, MADE + 1)]
    kinds = (_task(tokens=False), _task(tokens=True))
    makers = [_maker(task) for task in kinds]
    without, with_tokens = least_cpu(makers, marked)
    yield Figure(
        what="CPU of tokens, links and headers, a message",
        value=with_tokens - without,
        unit="us",
        bar=Bar(limit=CPU_BAR),
        note=f"a message is made in {with_tokens:.1f} us, without in {without:.1f}",
    )
    (token,) = least_cpu([_token_of(kinds[1])], marked)
    yield Figure(what="CPU of one token", value=token, unit="us", note="with the check of the address")


def least_cpu(makers: list[Callable[[Marked], object]], marked: list[Marked]) -> list[float]:
    """Least CPU microseconds a message of each maker, in turns."""
    least = [float("inf")] * len(makers)
    for _ in range(REPEATS):
        for number, make in enumerate(makers):
            began = time.process_time()
            for message in marked:
                make(message)
            least[number] = min(least[number], (time.process_time() - began) / len(marked) * 1e6)
    return least


def _task(*, tokens: bool) -> TaskOfChunk:
    return task_of_chunk(
        unsubscribe="en" if tokens else "none",
        bounce_domain=BOUNCE_DOMAIN if tokens else None,
    )


def task_of_chunk(*, unsubscribe: str = "none", bounce_domain: str | None = None, tracked: bool = False) -> TaskOfChunk:
    """The task of the benchmark, as a sender reads it."""
    return TaskOfChunk(
        name="bench",
        type=TaskType.TRIGGERED,
        template=messages.TEMPLATE,
        subject=None,
        sender=messages.SENDER,
        sender_domain=messages.DOMAIN,
        reply_to=None,
        unsubscribe_url=None,
        unsubscribe=unsubscribe,
        advertisement="none",
        track_opens=tracked,
        track_clicks=tracked,
        on_unknown=OnUnknown.HOLD,
        edition=1,
        installation_id="benchmark000",
        occurrence_id=1,
        task_id=1,
        token_secret=bytes(32),
        bounce_domain=bounce_domain,
        frozen_variables=list(messages.VARIABLES),
    )


def _maker(task: TaskOfChunk) -> Callable[[Marked], object]:
    content = replace(task.content, unsubscribe_page=f"{PUBLIC_URL}/u/")
    extras = RendererExtras(bounce_domain=task.bounce_domain)
    renderer = task_renderer(content, messages.TEMPLATES, installation_id=task.installation_id, extras=extras)
    return message_maker(renderer, task)


def _token_of(task: TaskOfChunk) -> Callable[[Marked], object]:
    make = TokenMaker(task.token_secret, Purpose.BOUNCE).maker_of(task.occurrence_id)
    return lambda message: make(message.seq, address_check(message.address))
