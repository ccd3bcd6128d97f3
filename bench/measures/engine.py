"""The engine with its ledger beside smtp-source, nodemailer and Airflow's SmtpHook: interleaved rounds, one sink."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2

from bench.figure import Bar, Figure
from bench.mailing import mailing
from bench.peers import nodemailer, smtp_hook, smtp_source
from bench.sent import Sent, best, median_rate
from bench.sink import Sink, smtp_sink

if TYPE_CHECKING:
    from bench.context import Bench

ENGINE = "ses-ops, ledger written"
#: Ratio of messages/s that each peer must be beaten by, best round against best round.
BARS = {smtp_source.NAME: 0.9, nodemailer.NAME: 6.0, smtp_hook.NAME: 10.0}
CPU_BAR = 0.12


class Rounds:
    """What each sender achieved in each round, and what the sink and PostgreSQL used meanwhile."""

    def __init__(self, bench: Bench, sink: Sink) -> None:
        self.sent: dict[str, list[Sent]] = {}
        #: CPU seconds of the sink for 1 000 messages, by sender.
        self.sink_cpu: dict[str, list[float]] = {}
        #: The same of PostgreSQL, while the engine sent.
        self.database_cpu: list[float] = []
        self.wal_bytes: list[float] = []
        self._bench, self._sink = bench, sink

    def add(self, name: str, send) -> None:  # type: ignore[no-untyped-def]
        """Run one sender once."""
        before = self._sink.cpu_seconds()
        result: Sent = send()
        used = self._sink.cpu_seconds() - before
        self.sent.setdefault(name, []).append(result)
        self.sink_cpu.setdefault(name, []).append(used / result.messages * 1000)
        self._bench.progress(f"  {name}: {result.rate:,.0f} messages/s, {result.cpu_per_1000:.3f} CPU s per 1 000")

    def add_engine(self, messages: int) -> None:
        """Run the engine once, over a fresh database; freezing and reserving are not measured here."""
        server = self._bench.server
        with server.database() as dsn, mailing(dsn, messages, chunk_size=messages) as ready:
            server.checkpoint()
            cpu, wal = server.cpu_seconds(), _wal_position(dsn)
            self.add(ENGINE, lambda: ready.send(self._sink.port)[0])
            self.database_cpu.append((server.cpu_seconds() - cpu) / messages * 1000)
            self.wal_bytes.append((_wal_position(dsn) - wal) / messages)


def _wal_position(dsn: str) -> float:
    conn = psycopg2.connect(dsn)
    try:
        with conn.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
            row = cursor.fetchone()
            assert row is not None
            return float(row[0])
    finally:
        conn.close()


def measure(bench: Bench) -> list[Figure]:
    sizes = bench.sizes
    with smtp_sink() as sink, nodemailer.installed() as pool:
        rounds = Rounds(bench, sink)
        for turn in range(sizes.rounds):
            bench.progress(f"engine: round {turn + 1} of {sizes.rounds}")
            rounds.add(smtp_source.NAME, lambda: smtp_source.send(sink.port, sizes.smtp_source))
            rounds.add_engine(sizes.engine)
            rounds.add(nodemailer.NAME, lambda: pool.send(sink.port, sizes.nodemailer))
            rounds.add(smtp_hook.NAME, lambda: smtp_hook.send(sink.port, sizes.smtp_hook))
    return figures(rounds)


def figures(rounds: Rounds) -> list[Figure]:
    """Rates beside each peer, then CPU; the first carries every round for the plot."""
    engine = best(rounds.sent[ENGINE])
    data = {
        name: {
            "rates": [one.rate for one in sent],
            "cpu_per_1000": [one.cpu_per_1000 for one in sent],
            "peak_mb": max(one.peak_mb for one in sent),
            "sink_cpu_per_1000": rounds.sink_cpu[name],
        }
        for name, sent in rounds.sent.items()
    }
    found = []
    for name, bar in BARS.items():
        medians = median_rate(rounds.sent[ENGINE]), median_rate(rounds.sent[name])
        found.append(
            Figure(
                what=f"engine against {name}",
                value=engine.rate,
                unit="messages/s",
                peer=name,
                peer_value=best(rounds.sent[name]).rate,
                bar=Bar(limit=bar, at_least=True, of_ratio=True),
                note=f"best of {len(rounds.sent[name])}; medians {medians[0]:,.0f} / {medians[1]:,.0f} = "
                f"{medians[0] / medians[1]:.2f} x" + ("; aim 1.2 x" if name == smtp_source.NAME else ""),
                data=data if not found else {},
            )
        )
    cpu = min(one.cpu_per_1000 for one in rounds.sent[ENGINE])
    others = ", ".join(
        f"{name} {min(one.cpu_per_1000 for one in sent):.3f}" for name, sent in rounds.sent.items() if name != ENGINE
    )
    found.append(
        Figure(
            what="CPU of the sending process, 1 000 messages",
            value=cpu,
            unit="s",
            bar=Bar(limit=CPU_BAR),
            note=others,
        )
    )
    sink_cpu = min(rounds.sink_cpu[ENGINE])
    found.append(
        Figure(
            what="CPU of smtp-sink meanwhile, 1 000 messages",
            value=sink_cpu,
            unit="s",
            note=f"it is busy {sink_cpu * engine.rate / 10:.0f} % of the time at the engine's best rate",
        )
    )
    database_cpu = min(rounds.database_cpu)
    found.append(
        Figure(
            what="CPU of PostgreSQL meanwhile, 1 000 messages",
            value=database_cpu,
            unit="s",
            note=f"{min(rounds.wal_bytes):,.0f} bytes of WAL a message; one core of it is enough for "
            f"{86_400 / database_cpu * 1000 / 1e6:,.0f} million messages a day",
        )
    )
    return found
