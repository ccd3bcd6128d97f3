"""Cells of CSV files that people open in a spreadsheet."""

from __future__ import annotations

#: How a cell begins that a spreadsheet would carry out (OWASP, "CSV injection"; Japanese ones take the wide forms too).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(text: str) -> str:
    """A cell that a spreadsheet shows and never carries out: a formula gets a ' before it, which makes it text."""
    # One that begins with the mark itself gets another one, so that `without_mark` always gives back what was there.
    return "'" + text if text.lstrip("'").startswith(FORMULA) else text


def without_mark(text: str) -> str:
    """What `safe_cell` made its text of."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text
