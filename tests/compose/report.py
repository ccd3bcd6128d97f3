"""What was done, how long it took, and what was measured: printed at once, and as a table and JSON at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """The steps of all parts."""

    #: part, step, seconds, and what went wrong (empty: nothing).
    steps: list[tuple[str, str, float, str]] = field(default_factory=list)
    #: part, name, value with its unit in words.
    figures: list[tuple[str, str, str]] = field(default_factory=list)
    part: str = ""

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """One thing that is done and looked at. What it raises is noted and raised."""
        began = time.monotonic()
        print(f"  {time.strftime('%H:%M:%S')} {words} ...", flush=True)
        try:
            yield
        except BaseException as error:
            self.steps.append((self.part, words, time.monotonic() - began, str(error) or type(error).__name__))
            raise
        seconds = time.monotonic() - began
        self.steps.append((self.part, words, seconds, ""))
        print(f"           done in {seconds:.1f} s", flush=True)

    def figure(self, name: str, value: str) -> None:
        """Something that was measured, such as ("size of the image", "729 MB")."""
        self.figures.append((self.part, name, value))
        print(f"           {name}: {value}", flush=True)

    def table(self) -> str:
        """All of it, for people."""
        lines = [
            f"{'ok' if not wrong else 'NO':>3} {seconds:7.1f} s  {part}: {words}"
            for part, words, seconds, wrong in self.steps
        ]
        lines += [f"              {part}: {name}: {value}" for part, name, value in self.figures]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """All of it, for a program."""
        return {
            "steps": [
                {"part": part, "step": words, "seconds": round(seconds, 1), "fault": wrong or None}
                for part, words, seconds, wrong in self.steps
            ],
            "figures": [{"part": part, "name": name, "value": value} for part, name, value in self.figures],
        }
