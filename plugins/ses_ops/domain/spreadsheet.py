"""Cells of a CSV file that people open in a spreadsheet: a recipient's or a server's text must not be carried out."""

from __future__ import annotations

#: How a cell begins that a spreadsheet would carry out (OWASP, "CSV injection"); Japanese ones take the wide forms too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def text_cell(text: str) -> str:
    """The text as a cell that stays text: a ' before what would be a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
