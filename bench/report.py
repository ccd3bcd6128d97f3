"""The report of a run: a table, and the file of results."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from bench.figure import Figure, Verdict

_COLOURS = {
    Verdict.REACHED: "green",
    Verdict.MISSED: "bold red",
    Verdict.FAILED: "bold red",
    Verdict.NOT_JUDGED: "dim",
    Verdict.SKIPPED: "dim",
    Verdict.SHOWN: "",
}


def number(value: float | None, unit: str = "") -> str:
    """A number with three or four significant digits, and its unit."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 3 if abs(value) < 1 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def table(measured: Mapping[str, Sequence[Figure]], *, title: str) -> Table:
    """The table, one line a figure: description, value, the peer's value, ratio, bar, verdict."""
    shown = Table(title=title, title_justify="left", caption_justify="left")
    for name in ("what", "measured", "beside", "ratio", "bar", "", "note"):
        right = name in ("measured", "ratio")
        shown.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=name == "")
    for figures in measured.values():
        for figure in figures:
            shown.add_row(*_cells(figure))
        shown.add_section()
    return shown


def _cells(figure: Figure) -> tuple[str, ...]:
    verdict, colour = figure.verdict, _COLOURS[figure.verdict]
    return (
        escape(figure.what),
        number(figure.value, figure.unit),
        f"{figure.peer}: {number(figure.peer_value, figure.unit)}" if figure.peer else "",
        "" if figure.ratio is None else f"{figure.ratio:,.2f} x",
        str(figure.bar or ""),
        f"[{colour}]{verdict.value}[/]" if colour else verdict.value,
        # The text is escaped, because an error may have brackets, which are markup here.
        escape(figure.failed or figure.skipped or figure.note),
    )


def summary(figures: Sequence[Figure]) -> str:
    """The number of bars that were reached, and the names of the missed ones."""
    count = {verdict: sum(one.verdict is verdict for one in figures) for verdict in Verdict}
    words = [f"{count[Verdict.REACHED]} bars reached, {count[Verdict.MISSED]} missed"]
    words += [
        f"{count[kind]} {kind.value.lower()}"
        for kind in (Verdict.NOT_JUDGED, Verdict.SKIPPED, Verdict.FAILED)
        if count[kind]
    ]
    missed = [one.what for one in figures if one.verdict in (Verdict.MISSED, Verdict.FAILED)]
    return ", ".join(words) + (f"; not reached: {'; '.join(missed)}" if missed else "")


def as_json(
    measured: Mapping[str, Sequence[Figure]], *, quick: bool, message_bytes: int, seconds: float
) -> dict[str, Any]:
    """All facts and figures of a run, for results.json."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds),
        "quick": quick,
        "machine": {
            "cpus": os.cpu_count(),
            "cpu": _cpu_name(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            "system": platform.platform(),
            "python": platform.python_version(),
            "load_average": [round(one, 1) for one in os.getloadavg()],
        },
        "message_bytes": message_bytes,
        "measures": {name: [one.as_json() for one in figures] for name, figures in measured.items()},
    }


def write(path: Path, results: Mapping[str, Any]) -> None:
    """Replace the file of results."""
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
