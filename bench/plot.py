"""The plot of a run (bench/results.svg), made from results.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_OURS, _PEER, _MISSED = "#1f6f54", "#9aa5a0", "#b3372f"


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw the panels for which the results have figures; without any, no file is written."""
    panels = [panel for panel in (_rates, _cpu, _far, _growth, _bars) if panel(None, results)]
    if not panels:
        return
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ses-ops", "font.size": 9}):
        rows = (len(panels) + 1) // 2
        figure = Figure(figsize=(10, 2.6 * rows + 0.6), layout="constrained")
        grid = figure.add_gridspec(rows, 2)
        for place, panel in enumerate(panels):
            # The last panel of an odd number has the whole width.
            alone = place == len(panels) - 1 and place % 2 == 0
            panel(figure.add_subplot(grid[place // 2, :] if alone else grid[place // 2, place % 2]), results)
        machine = results["machine"]
        quick = ", QUICK sizes" if results["quick"] else ""
        when = f"{results['measured_at'][:10]}, {machine['cpus']} CPUs"
        figure.suptitle(f"ses-ops, {when}, {results['message_bytes']:,} bytes a message{quick}")
        figure.savefig(path, metadata={"Date": None})


def _data(results: Mapping[str, Any], measure: str, start: str = "") -> dict[str, Any]:
    for figure in results["measures"].get(measure, []):
        if figure.get("data") and figure["what"].startswith(start):
            return dict(figure["data"])
    return {}


def _horizontal(axes: Axes, values: Mapping[str, float], title: str, form: str) -> None:
    names = list(values)
    bars = axes.barh(
        names, list(values.values()), color=[_OURS if name.startswith("ses-ops") else _PEER for name in names]
    )
    axes.bar_label(bars, fmt=form, padding=3)
    axes.margins(x=0.18)
    axes.invert_yaxis()
    _plain(axes, title)


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _rates(axes: Axes | None, results: Mapping[str, Any]) -> bool:
    data = _data(results, "engine")
    if axes is not None:
        _horizontal(axes, {name: max(one["rates"]) for name, one in data.items()}, "messages/s, best round", "{:,.0f}")
    return bool(data)


def _cpu(axes: Axes | None, results: Mapping[str, Any]) -> bool:
    data = _data(results, "engine")
    if axes is not None:
        values = {name: min(one["cpu_per_1000"]) for name, one in data.items()}
        _horizontal(axes, values, "CPU s of the sender, 1 000 messages", "{:.3f}")
    return bool(data)


def _far(axes: Axes | None, results: Mapping[str, Any]) -> bool:
    data = _data(results, "roundtrips")
    if axes is not None:
        values = {name: one["rate"] for name, one in data.items()}
        _horizontal(axes, values, "messages/s of one connection with 50 ms, PIPELINING offered", "{:.1f}")
    return bool(data)


def _growth(axes: Axes | None, results: Mapping[str, Any]) -> bool:
    points = [
        (one["data"]["recipients"], one["value"])
        for one in results["measures"].get("scaling", [])
        if "recipients" in one.get("data", {})
    ]
    if axes is not None:
        axes.plot(*zip(*points, strict=True), color=_OURS, marker="o")
        axes.set_xscale("log")
        axes.set_xticks([recipients for recipients, _ in points], [f"{recipients:,}" for recipients, _ in points])
        axes.minorticks_off()
        axes.set_ylim(0, max(time for _, time in points) * 1.3)
        axes.set_xlabel("recipients")
        _plain(axes, "µs a message")
    return len(points) > 1


def _bars(axes: Axes | None, results: Mapping[str, Any]) -> bool:
    """Draw every judged figure as a share of its bar: a share above 1 is missed, whatever the unit."""
    judged = [
        one for figures in results["measures"].values() for one in figures if one["verdict"] in ("reached", "MISSED")
    ]
    if axes is not None:
        shares = [_share(one) for one in judged]
        colours = [_MISSED if one["verdict"] == "MISSED" else _OURS for one in judged]
        axes.barh([_short(one["what"]) for one in judged], shares, color=colours)
        axes.axvline(1, color="black", linewidth=1)
        axes.invert_yaxis()
        axes.tick_params(axis="y", labelsize=7)
        _plain(axes, "share of the bar (over 1: missed)")
    return bool(judged)


def _share(one: Mapping[str, Any]) -> float:
    words = one["bar"].removesuffix(" x").split()
    limit = float(words[-1].replace(",", ""))
    value = one["ratio"] if one["bar"].endswith(" x") else one["value"]
    share = limit / value if words[1] == "least" else value / limit
    return max(0.0, min(share, 5.0))


def _short(what: str) -> str:
    return what if len(what) <= 70 else what[:69] + "…"
