"""The measure of what tracking costs: the engine with pixel and tracked links, against the engine without.

Both send the same template, with three links that can be tracked in each of its two bodies, over the same connections
to one sink, in interleaved rounds. Beside it the CPU of one message, made and thrown away in this process, and the time
in which a template of 300 links is loaded.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import messages
from bench.figure import Bar, Figure
from bench.mailing import mailing
from bench.measures.engine import CONNECTIONS
from bench.measures.tokens import MADE, PUBLIC_URL, least_cpu, public_url, task_of_chunk
from bench.sent import SenderResult, best, median_rate
from bench.sink import smtp_sink
from ses_ops.events.link_tokens import LinkMaker
from ses_ops.rendering.template import load_template
from ses_ops.rendering.tracked_links import Links
from ses_ops.rendering.tracking import TrackedParts, tracked_template
from ses_ops.sending.chunk.made_messages import message_maker
from ses_ops.sending.task_renderer import task_renderer
from ses_ops.storage.ledger.batches import Marked

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.context import Bench

WITH, WITHOUT = "with opens and clicks tracked", "without tracking"
_CHANGES: dict[str, dict[str, Any]] = {WITH: {"track": "opens: true, clicks: true"}, WITHOUT: {}}
#: Smallest ratio of messages/s, best round against best round.
BAR = 0.85
#: Number of links of the template whose loading is timed.
LINKS = 300


def measure(bench: Bench) -> Iterator[Figure]:
    yield from _cpu()
    yield _loading()
    sent: dict[str, list[SenderResult]] = {name: [] for name in _CHANGES}
    with smtp_sink() as sink, public_url():
        for turn in range(bench.sizes.rounds):
            bench.progress(f"tracking: round {turn + 1} of {bench.sizes.rounds}")
            for name in reversed(_CHANGES) if turn % 2 else _CHANGES:
                sent[name].append(_send(bench, sink.port, name))
                bench.progress(f"  {name}: {sent[name][-1].rate:,.0f} messages/s")
    medians = median_rate(sent[WITH]) / median_rate(sent[WITHOUT])
    cpu = [min(one.cpu_per_1000 for one in sent[name]) for name in (WITH, WITHOUT)]
    yield Figure(
        what=f"engine {WITH}, against the engine {WITHOUT}",
        value=best(sent[WITH]).rate,
        unit="messages/s",
        peer=f"the engine {WITHOUT}",
        peer_value=best(sent[WITHOUT]).rate,
        bar=Bar(limit=BAR, at_least=True, of_ratio=True),
        note=f"best of {len(sent[WITH])}; medians {medians:.2f} x; CPU s per 1 000: {cpu[0]:.3f} and {cpu[1]:.3f}",
        data={name: [one.rate for one in results] for name, results in sent.items()},
    )


def _send(bench: Bench, port: int, name: str) -> SenderResult:
    count = bench.sizes.engine // (2 if bench.sizes.quick else 1)
    with mailing(bench.server, count, chunk_size=count, **_CHANGES[name]) as ready:
        bench.server.checkpoint()
        return ready.send(port, connections=CONNECTIONS)[0]


def _cpu() -> Iterator[Figure]:
    marked = [Marked(n, messages.address(n), messages.values(n), 0) for n in range(1, MADE + 1)]
    without, tracked = least_cpu([_maker(tracked=False), _maker(tracked=True)], marked)
    yield Figure(
        what="CPU of pixel, tracked links and their tokens, a message",
        value=tracked - without,
        unit="us",
        note=f"a message is made in {tracked:.1f} us, without in {without:.1f}",
    )


def _maker(*, tracked: bool) -> Callable[[Marked], object]:
    task = task_of_chunk(tracked=tracked)
    content = replace(task.content, unsubscribe_url=messages.UNSUBSCRIBE_URL, public_url=PUBLIC_URL)
    renderer = task_renderer(content, messages.TEMPLATES, installation_id=task.installation_id)
    return message_maker(renderer, task)


def _loading() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "links").mkdir()
        (Path(folder) / "links" / "subject.txt").write_text("x")
        page = "".join(f'<a href="https://shop.example.com/{n}?a&amp;b">{{{{ name }}}}</a>\n' for n in range(LINKS))
        (Path(folder) / "links" / "body.html").write_text(page)
        began = time.process_time()
        template = load_template(Path(folder), "links")
        plain = time.process_time() - began
        links = Links(LinkMaker(bytes(32)), public_url=PUBLIC_URL)
        tracked_template(template, TrackedParts(public_url=PUBLIC_URL, opens=True, links=links))
        whole = time.process_time() - began
    return Figure(
        what=f"a template of {LINKS} links is loaded for tracked mail, once a chunk",
        value=whole * 1000,
        unit="ms of CPU",
        note=f"{plain * 1000:.0f} ms for mail that is not tracked",
    )
