"""Cells of CSV files, made safe for spreadsheets."""

from __future__ import annotations

#: Beginnings of cells that a spreadsheet would run as a formula (OWASP, "CSV injection"); Japanese spreadsheets also
#: take the full-width forms.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(text: str) -> str:
    """A cell that a spreadsheet shows and never runs: a formula gets a ' before it, which makes it text."""
    # A formula that has the mark already gets a second mark, so that `without_mark` always gives back the same text.
    return "'" + text if text.lstrip("'").startswith(FORMULA) else text


def without_mark(text: str) -> str:
    """The text that `safe_cell` made this cell of."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text
