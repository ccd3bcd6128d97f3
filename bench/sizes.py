"""The sizes of the measures: those of the bars, and those of `make bench QUICK=1`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes of one run: numbers of messages, recipients or tasks, unless a comment says otherwise."""

    quick: bool
    rounds: int
    engine: int
    smtp_source: int
    nodemailer: int
    smtp_hook: int
    #: Messages on the connection with latency.
    far: int
    audiences: tuple[int, ...]
    #: Number of repetitions for each of the audiences.
    repeats: tuple[int, ...]
    freeze: int
    csv_rows: int
    #: Events that are recorded.
    events: int
    ledger: int
    #: Number of reads of each page.
    looks: int
    #: One-click requests of each run.
    one_click: int
    #: Events that wait to be posted.
    callbacks: int
    #: Clicks and opens of each run.
    clicks: int
    #: Single messages of a run at full speed, and seconds of a run at a steady rate.
    single: int
    single_seconds: float
    #: Recipients of the bulk mail beside them.
    beside_single: int
    whole_way: int
    tasks: int
    #: Seconds for which idle components are watched.
    idle_seconds: float
    #: Number of new tasks whose first message is waited for.
    new_tasks: int
    #: Seconds of the run after which a whole stack is not started any more; the start takes 40 to 60.
    stack_begins_within: float
    #: Seconds after which a measure is ended.
    measure_within: float
    #: Seconds of the run after which every measure is ended; to stop the servers takes 10 to 28 more.
    over_within: float


FULL = Sizes(
    quick=False,
    rounds=3,
    engine=100_000,
    smtp_source=100_000,
    nodemailer=8_000,
    smtp_hook=3_000,
    far=100,
    audiences=(10_000, 100_000, 1_000_000),
    repeats=(3, 2, 1),
    freeze=1_000_000,
    csv_rows=1_000_000,
    events=120_000,
    ledger=10_000_000,
    looks=7,
    one_click=3_000,
    callbacks=1_000_000,
    clicks=10_000,
    single=30_000,
    single_seconds=20.0,
    beside_single=400_000,
    whole_way=100_000,
    tasks=1_000,
    idle_seconds=60,
    new_tasks=4,
    stack_begins_within=float("inf"),
    # The longest measure takes four minutes.
    measure_within=480,
    over_within=float("inf"),
)
#: The sizes of a quick run, at which no bar is judged. On a quiet machine of two cores all measures fit into the time;
#: elsewhere the last measures are skipped or ended.
QUICK = Sizes(
    quick=True,
    rounds=2,
    engine=20_000,
    smtp_source=20_000,
    nodemailer=1_500,
    smtp_hook=600,
    far=40,
    audiences=(10_000, 30_000),
    repeats=(1, 1),
    freeze=200_000,
    csv_rows=200_000,
    events=24_000,
    ledger=300_000,
    looks=5,
    one_click=600,
    callbacks=50_000,
    clicks=2_000,
    single=4_000,
    single_seconds=4.0,
    beside_single=60_000,
    whole_way=20_000,
    tasks=200,
    idle_seconds=0,
    new_tasks=1,
    stack_begins_within=90,
    measure_within=90,
    over_within=150,
)
