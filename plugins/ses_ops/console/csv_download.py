"""Answers that a browser saves as a CSV file."""

from __future__ import annotations

from urllib.parse import quote


def csv_headers(file_name: str) -> dict[str, str]:
    """The headers of a download; a name outside of ASCII as RFC 6266 writes it."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in file_name)
    names = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
    return {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": names}
