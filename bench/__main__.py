"""`make bench`: all measures in one run on one machine. `--help` lists the options."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench import messages, report
from bench.context import Bench, NotMeasured
from bench.figure import Figure, Verdict
from bench.measures import MEASURES
from bench.sizes import FULL, QUICK
from bench.time_limit import OutOfTime, time_limit
from tests.run_guard import guarded

RESULTS = Path(__file__).with_name("results.json")
#: The results of a quick run, beside those of a full run; git ignores this file.
QUICK_RESULTS = RESULTS.with_name("results-quick.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write. Returns 1 when a measure failed; a missed bar is no failure of the benchmark."""
    given = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    sizes = QUICK if given.quick else FULL
    message_bytes = messages.wire_bytes()
    measured: dict[str, list[Figure]] = {}
    with Bench(sizes) as bench:
        for name in given.only or MEASURES:
            bench.progress(f"{name}: {MEASURES[name]}")
            measured[name] = _measure(name, bench)
            bench.progress(f"{name}: {report.summary(measured[name])}")
        bench.progress("stopping what was started …")
    seconds = bench.seconds
    results = report.as_json(measured, quick=given.quick, message_bytes=message_bytes, seconds=seconds)
    figures = [figure for group in measured.values() for figure in group]
    if given.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        size = "QUICK sizes, " if given.quick else ""
        console.print(report.table(measured, title=f"ses-ops ({size}messages of {message_bytes:,} bytes)"))
    print(report.summary(figures), file=sys.stderr)
    # A run of some measures is not written by default: results.json is always one full run on one machine.
    output = given.output or (None if given.only else QUICK_RESULTS if given.quick else RESULTS)
    if output is not None:
        from bench.plot import draw

        report.write(output, results)
        draw(results, output.with_suffix(".svg"))
        print(f"written to {output} and {output.with_suffix('.svg').name}", file=sys.stderr)
    return int(any(figure.verdict is Verdict.FAILED for figure in figures))


def _measure(name: str, bench: Bench) -> list[Figure]:
    """Run one measure. An error ends that measure only, and the figures that it had by then are kept."""
    found: list[Figure] = []
    try:
        with time_limit(bench.seconds_left):
            for figure in importlib.import_module(f"bench.measures.{name}").measure(bench):
                found.append(replace(figure, full_size=not bench.sizes.quick))
        return found
    except NotMeasured as why:
        ended = {"skipped": str(why)}
    except OutOfTime as why:
        # A quick run promises to end in time, not to have all figures.
        ended = {"skipped": f"{why}: a quick run"} if bench.sizes.quick else {"failed": str(why)}
    except (Exception, SystemExit) as problem:
        traceback.print_exc()
        ended = {"failed": f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"}
    return [*found, Figure(what=f"{MEASURES[name]}{', the rest' if found else ''}", **ended)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures what docs/benchmark.md describes, on this machine, and prints it beside its bars.",
        epilog="measures: " + "; ".join(f"{name} ({what})" for name, what in MEASURES.items()),
    )
    parser.add_argument("--only", nargs="+", choices=MEASURES, metavar="MEASURE", help="only these measures")
    parser.add_argument(
        "--quick",
        action="store_true",
        default=os.environ.get("QUICK", "") not in ("", "0"),
        help="smaller sizes, under three minutes (also by QUICK=1)",
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON in place of tables")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE.json",
        help=f"where results go (default: {RESULTS.name}, of a quick run {QUICK_RESULTS.name}; with --only nowhere)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(guarded(main))
