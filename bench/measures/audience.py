"""The measure of freezing an audience, and of importing a CSV file."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench import mailing, messages
from bench.figure import Bar, Figure
from ses_ops.domain.occurrence import Run, RunKind
from ses_ops.sending.freeze import freeze_audience
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from bench.context import Bench

#: Seconds for 1 000 000 recipients: to freeze, and to import.
FREEZE_BAR, IMPORT_BAR = 15.0, 20.0


def measure(bench: Bench) -> Iterator[Figure]:
    yield _freeze(bench, bench.sizes.freeze)
    yield _import(bench, bench.sizes.csv_rows)


def _freeze(bench: Bench, recipients: int) -> Figure:
    bench.progress(f"  freezing {recipients:,} recipients …")
    run = Run(task_name="everybody", run_id="bench freeze", kind=RunKind.TRIGGERED)
    with bench.server.database() as dsn, connected(dsn) as conn:
        mailing.add_group(conn, "everybody", recipients)
        mailing.add_task(conn, "everybody", group="everybody")
        bench.server.checkpoint()
        began = time.perf_counter()
        frozen = freeze_audience(conn, run, templates_root=messages.TEMPLATES)
        seconds = time.perf_counter() - began
    if frozen.request_count != recipients:
        raise RuntimeError(f"{frozen.request_count:,} of {recipients:,} recipients were frozen")
    return Figure(
        what=f"freeze an audience of {recipients:,}",
        value=seconds,
        unit="s",
        bar=Bar(limit=FREEZE_BAR),
        note=f"{recipients / seconds:,.0f} recipients/s, in one transaction, committed to disk",
    )


def _import(bench: Bench, rows: int) -> Figure:
    with tempfile.TemporaryDirectory(prefix="ses-bench-") as folder, bench.server.database() as dsn:
        file = Path(folder, "customers.csv")
        _write_csv(file, rows)
        bench.server.checkpoint()
        bench.progress(f"  ses group import of {rows:,} rows, {file.stat().st_size / 1e6:.0f} MB …")
        program = Path(sys.executable).with_name("ses")
        environment = {**os.environ, "AIRFLOW_CONN_SES_DB": dsn, "SES_HOME": folder}
        began = time.perf_counter()
        done = subprocess.run(
            [str(program), "group", "import", "customers", str(file)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
    if done.returncode or f"{rows:,} recipients" not in done.stdout:
        raise RuntimeError(f"ses group import: {(done.stderr or done.stdout).strip()[-500:]}")
    return Figure(
        what=f"import a CSV file of {rows:,}",
        value=seconds,
        unit="s",
        bar=Bar(limit=IMPORT_BAR),
        note=f"{rows / seconds:,.0f} rows/s; the whole command `ses group import`",
    )


def _write_csv(file: Path, rows: int) -> None:
    with file.open("w", newline="", encoding="utf-8") as output:
        writer = csv.writer(output)
        writer.writerow(["email", *messages.VARIABLES])
        for number in range(1, rows + 1):
            writer.writerow([messages.address(number), *messages.values(number).values()])
