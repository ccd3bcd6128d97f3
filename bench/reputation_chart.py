"""The chart of the simulated reputation: levels and accepted messages of sixty days, for light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 860, 484, 64, 14, 68, 50
PANEL = (HEIGHT - TOP - GAP - 34) // 2
#: Colour on a light and on a dark page, and the dashes that tell the lines apart without colours.
STYLES = (
    ("#0f766e", "#5eead4", ""),
    ("#1d4ed8", "#93c5fd", ""),
    ("#6b7280", "#9ca3af", "5 3"),
    ("#b91c1c", "#fca5a5", ""),
)


def chart(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The SVG, the same for the same results."""
    days = max(map(len, results.values()))
    parts = [_head(), *_legend(list(results))]
    parts += _panel(
        "level", [[row["level"] for row in rows] for rows in results.values()], TOP, 20, (1, 5, 10, 15, 20), days
    )
    accepted = [[row["accepted"] for row in rows] for rows in results.values()]
    most = 1_000_000
    parts += _panel("accepted a day", accepted, TOP + PANEL + GAP, most, (0, 250_000, 500_000, 750_000, most), days)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _head() -> str:
    light = "".join(f".l{n}{{stroke:{one[0]}}}.t{n}{{fill:{one[0]}}}" for n, one in enumerate(STYLES))
    dark = "".join(f".l{n}{{stroke:{one[1]}}}.t{n}{{fill:{one[1]}}}" for n, one in enumerate(STYLES))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' aria-label="Sixty simulated days: level and accepted messages of four sender domains">\n'
        "<style>text{font:12px system-ui,sans-serif;fill:#374151}.grid{stroke:#d1d5db;stroke-width:1}"
        "path{fill:none;stroke-width:2;stroke-linejoin:round}.m{stroke:none}"
        f"{light}"
        "@media (prefers-color-scheme:dark){text{fill:#d1d5db}.grid{stroke:#4b5563}"
        f"{dark}}}</style>"
    )


def _legend(names: list[str]) -> list[str]:
    found = []
    for number, name in enumerate(names):
        x, y = LEFT + (number % 2) * 400, 16 + 20 * (number // 2)
        dashes = STYLES[number % len(STYLES)][2]
        found.append(f'<path class="l{number}" stroke-dasharray="{dashes}" d="M{x} {y - 4}h26"/>')
        found.append(f'<text x="{x + 34}" y="{y}">{name}</text>')
    return found


def _panel(
    title: str, lines: Sequence[Sequence[int]], top: int, most: int, marks: Sequence[int], days: int
) -> list[str]:
    def y(value: int) -> str:
        return f"{top + PANEL - PANEL * value / most:.1f}"

    def x(day: int) -> str:
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * day / days:.1f}"

    found = [f'<text x="{LEFT}" y="{top - 8}">{title}</text>']
    for mark in marks:
        found.append(f'<path class="grid" d="M{LEFT} {y(mark)}H{WIDTH - RIGHT}"/>')
        found.append(f'<text x="{LEFT - 6}" y="{float(y(mark)) + 4:.1f}" text-anchor="end">{mark:,}</text>')
    for day in range(0, days + 1, 10):
        found.append(f'<text x="{x(day)}" y="{top + PANEL + 18}" text-anchor="middle">{day}</text>')
    for number, line in enumerate(lines):
        steps = f"M{x(0)} {y(line[0])}" + "".join(f"V{y(value)}H{x(day + 1)}" for day, value in enumerate(line))
        dashes = STYLES[number % len(STYLES)][2]
        found.append(f'<path class="l{number}" stroke-dasharray="{dashes}" d="{steps}"/>')
    return found
