"""How much each measure does: the sizes that the bars are meant for, and those of `make bench QUICK=1`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Counts of messages, recipients or tasks, if nothing else is said."""

    quick: bool
    rounds: int
    engine: int
    smtp_source: int
    nodemailer: int
    smtp_hook: int
    #: On the connection with latency.
    far: int
    audiences: tuple[int, ...]
    #: Repetitions for each of the audiences.
    repeats: tuple[int, ...]
    freeze: int
    csv_rows: int
    ledger: int
    whole_way: int
    tasks: int
    #: Seconds for which idle components are watched.
    idle_seconds: float
    #: New tasks whose first message is waited for.
    new_tasks: int
    #: Seconds that a quick run may take until a measure that needs a whole stack is not begun any more.
    stack_begins_within: float


FULL = Sizes(
    quick=False,
    rounds=3,
    engine=100_000,
    smtp_source=100_000,
    nodemailer=12_000,
    smtp_hook=5_000,
    far=100,
    audiences=(10_000, 100_000, 1_000_000),
    repeats=(3, 2, 1),
    freeze=1_000_000,
    csv_rows=1_000_000,
    ledger=10_000_000,
    whole_way=100_000,
    tasks=1_000,
    idle_seconds=60,
    new_tasks=5,
    stack_begins_within=float("inf"),
)
#: Bars are judged only where a measure has its full size also here.
QUICK = Sizes(
    quick=True,
    rounds=2,
    engine=40_000,
    smtp_source=40_000,
    nodemailer=3_000,
    smtp_hook=1_000,
    far=40,
    audiences=(10_000, 50_000),
    repeats=(1, 1),
    freeze=1_000_000,
    csv_rows=1_000_000,
    ledger=1_000_000,
    whole_way=20_000,
    tasks=1_000,
    idle_seconds=0,
    new_tasks=1,
    stack_begins_within=100,
)
