"""Errors of questions for statistics."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "statistics_days": "ask for 1 to {most} days, not {days}",
}
