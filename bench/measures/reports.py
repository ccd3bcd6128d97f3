"""The measure of mails that come back: read to the verdict, on one core, and the memory that many of them take."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench.figure import Bar, Figure

if TYPE_CHECKING:
    from bench.context import Bench

#: Mails a second of CPU.
BAR = 400
#: Largest growth of memory, in MB, between the first tenth and the end.
MEMORY_BAR = 16.0
#: Mails that are read; each is of another recipient and has other words of its server.
MAILS = 12_000
_QUICK = 3_000


def measure(bench: Bench) -> Iterator[Figure]:
    count = _QUICK if bench.sizes.quick else MAILS
    bench.progress(f"  {count:,} mails …")
    done = subprocess.run(
        [sys.executable, "-m", "bench.report_process", str(count)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    yield Figure(
        what="mails that came back, read to the verdict, a second of one core",
        value=found["mails"] / found["cpu"],
        unit="mails/s",
        bar=Bar(limit=BAR, at_least=True),
        note=f"{found['mails']:,} mails of {found['octets']:,} octets on average: reports by Postfix, Exim, qmail and"
        f" Gmail, complaints, and mails that only the fallback is asked about; {found['bounces']:,} bounces",
    )
    yield Figure(
        what="memory that this takes more at the end than after the first tenth",
        value=found["grown"],
        unit="MB",
        bar=Bar(limit=MEMORY_BAR, at_least=False),
        note=f"{found['memory']:.0f} MB at the end",
    )
