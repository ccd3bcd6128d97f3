"""The measure of the engine beside smtp-source, nodemailer and Airflow's SmtpHook.

All send to one sink, in interleaved rounds. The engine, which writes its ledger, runs once as a single sending process
over 20 connections, and once as two processes side by side over 10 connections each: a run in production sends up to
SES_PARALLEL_CHUNKS chunks at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg2

from bench.figure import Bar, Figure
from bench.mailing import mailing
from bench.peers import nodemailer, smtp_hook, smtp_source
from bench.sent import SenderResult, best, median_rate
from bench.sink import Sink, smtp_sink

if TYPE_CHECKING:
    from bench.context import Bench

#: The engine in Mode.GROUP (MAIL, RCPT and DATA leave after the reply), because smtp-sink is no known server.
ENGINE = "ses-ops, ledger written"
#: The engine in Mode.ACROSS (the three leave behind the final dot), as for Postfix, Exim and Sendmail.
ACROSS = "ses-ops, next message behind the dot"
PAIR = "ses-ops, two senders side by side"
#: Number of connections of the single sender, and of the two together; smtp-source and nodemailer have the same.
CONNECTIONS = 20
#: Smallest ratio of messages/s to each peer, best round against best round.
BARS = {smtp_source.NAME: 0.9, nodemailer.NAME: 6.0, smtp_hook.NAME: 10.0}
CPU_BAR = 0.12


class Rounds:
    """The results of each sender in each round, and the CPU that the sink and PostgreSQL used meanwhile."""

    def __init__(self, bench: Bench, sink: Sink) -> None:
        self.sent: dict[str, list[SenderResult]] = {}
        #: CPU seconds of the sink for 1 000 messages, by sender.
        self.sink_cpu: dict[str, list[float]] = {}
        #: CPU seconds of PostgreSQL for 1 000 messages, while the engine sent.
        self.database_cpu: list[float] = []
        self.wal_bytes: list[float] = []
        self._bench, self._sink = bench, sink

    def add(self, name: str, send) -> None:  # type: ignore[no-untyped-def]
        """Run one sender once."""
        before = self._sink.cpu_seconds()
        result: SenderResult = send()
        used = self._sink.cpu_seconds() - before
        self.sent.setdefault(name, []).append(result)
        self.sink_cpu.setdefault(name, []).append(used / result.messages * 1000)
        self._bench.progress(f"  {name}: {result.rate:,.0f} messages/s, {result.cpu_per_1000:.3f} CPU s per 1 000")

    def add_across(self, messages: int) -> None:
        """Run the engine once in Mode.ACROSS, as for a server that is known to bear it."""
        with mailing(self._bench.server, messages, chunk_size=messages) as ready:
            self._bench.server.checkpoint()
            self.add(ACROSS, lambda: ready.send(self._sink.port, connections=CONNECTIONS, pipelining="across")[0])

    def add_engine(self, messages: int) -> None:
        """Run the engine once, over a fresh database; freezing and reserving are not measured here."""
        server = self._bench.server
        with mailing(server, messages, chunk_size=messages) as ready:
            server.checkpoint()
            cpu, wal = server.cpu_seconds(), _wal_position(ready.dsn)
            self.add(ENGINE, lambda: ready.send(self._sink.port, connections=CONNECTIONS)[0])
            self.database_cpu.append((server.cpu_seconds() - cpu) / messages * 1000)
            self.wal_bytes.append((_wal_position(ready.dsn) - wal) / messages)

    def add_pair(self, messages: int) -> None:
        """Run two senders at once, which send the same mailing in two chunks."""
        with mailing(self._bench.server, messages, chunk_size=-(-messages // 2)) as ready:
            self._bench.server.checkpoint()
            self.add(PAIR, lambda: ready.send_side_by_side(self._sink.port, connections=CONNECTIONS // 2))


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
            rounds.add_across(sizes.engine)
            rounds.add_pair(sizes.engine)
            rounds.add(nodemailer.NAME, lambda: pool.send(sink.port, sizes.nodemailer))
            rounds.add(smtp_hook.NAME, lambda: smtp_hook.send(sink.port, sizes.smtp_hook))
    return figures(rounds)


def figures(rounds: Rounds) -> list[Figure]:
    """The figures: rates beside each peer, then CPU; the first figure has the data of every round for the plot."""
    first, *others = (_against(rounds, name, bar) for name, bar in BARS.items())
    return [replace(first, data=_data(rounds)), *others, _across(rounds), _pair(rounds), *_cpu(rounds)]


def _data(rounds: Rounds) -> dict[str, Any]:
    return {
        name: {
            "rates": [one.rate for one in sent],
            "cpu_per_1000": [one.cpu_per_1000 for one in sent],
            "peak_mb": max((one.peak_mb for one in sent if one.peak_mb is not None), default=None),
            "sink_cpu_per_1000": rounds.sink_cpu[name],
        }
        for name, sent in rounds.sent.items()
    }


def _medians(rounds: Rounds, ours: str, peer: str) -> str:
    medians = median_rate(rounds.sent[ours]), median_rate(rounds.sent[peer])
    return (
        f"best of {len(rounds.sent[peer])}; medians {medians[0]:,.0f} / {medians[1]:,.0f} = "
        f"{medians[0] / medians[1]:.2f} x"
    )


def _least_cpu(rounds: Rounds, name: str) -> float:
    return min(one.cpu_per_1000 for one in rounds.sent[name])


def _against(rounds: Rounds, peer: str, bar: float) -> Figure:
    return Figure(
        what=f"engine against {peer}",
        value=best(rounds.sent[ENGINE]).rate,
        unit="messages/s",
        peer=peer,
        peer_value=best(rounds.sent[peer]).rate,
        bar=Bar(limit=bar, at_least=True, of_ratio=True),
        note=_medians(rounds, ENGINE, peer) + ("; aim 1.2 x" if peer == smtp_source.NAME else ""),
    )


def _across(rounds: Rounds) -> Figure:
    """The rate in Mode.ACROSS, without a bar: the bar is for the mode that most servers get."""
    return Figure(
        what=f"{ACROSS}, against {smtp_source.NAME}",
        value=best(rounds.sent[ACROSS]).rate,
        unit="messages/s",
        peer=smtp_source.NAME,
        peer_value=best(rounds.sent[smtp_source.NAME]).rate,
        note=f"{_medians(rounds, ACROSS, smtp_source.NAME)}; {_least_cpu(rounds, ACROSS):.3f} CPU s per 1 000",
    )


def _pair(rounds: Rounds) -> Figure:
    """The rate of two senders, without a bar: the bar is for the single sender."""
    pair = best(rounds.sent[PAIR]).rate
    return Figure(
        what=f"{PAIR}, against {smtp_source.NAME}",
        value=pair,
        unit="messages/s",
        peer=smtp_source.NAME,
        peer_value=best(rounds.sent[smtp_source.NAME]).rate,
        note=f"{_medians(rounds, PAIR, smtp_source.NAME)}; {pair / best(rounds.sent[ENGINE]).rate:.2f} x the single "
        f"sender; {CONNECTIONS // 2} connections each",
    )


def _a_day(database: float) -> str:
    """The messages a day for which one core is enough, at `database` CPU seconds for 1 000 messages."""
    # A few messages cost less than 10 ms, the unit in which a process's time is counted.
    return f"{86_400 / database * 1000 / 1e6:,.0f} million" if database else "more than can be measured of"


def _cpu(rounds: Rounds) -> list[Figure]:
    peers = (name for name in rounds.sent if name not in (ENGINE, ACROSS, PAIR))
    rate, sink, database = best(rounds.sent[ENGINE]).rate, min(rounds.sink_cpu[ENGINE]), min(rounds.database_cpu)
    return [
        Figure(
            what="CPU of the sending process, 1 000 messages",
            value=_least_cpu(rounds, ENGINE),
            unit="s",
            bar=Bar(limit=CPU_BAR),
            note=", ".join(f"{name} {_least_cpu(rounds, name):.3f}" for name in peers),
        ),
        Figure(
            what="CPU of two sending processes side by side, 1 000 messages",
            value=_least_cpu(rounds, PAIR),
            unit="s",
            peer="the single sender",
            peer_value=_least_cpu(rounds, ENGINE),
            note="both processes added up",
        ),
        Figure(
            what="CPU of smtp-sink meanwhile, 1 000 messages",
            value=sink,
            unit="s",
            note=f"it is busy {sink * rate / 10:.0f} % of the time at the single sender's best rate, "
            f"{min(rounds.sink_cpu[PAIR]) * best(rounds.sent[PAIR]).rate / 10:.0f} % at the two senders'",
        ),
        Figure(
            what="CPU of PostgreSQL meanwhile, 1 000 messages",
            value=database,
            unit="s",
            note=f"{min(rounds.wal_bytes):,.0f} bytes of WAL a message; one core of it is enough for "
            f"{_a_day(database)} messages a day",
        ),
    ]
