"""Answers that a browser saves as a CSV file."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import quote

from ses_ops.audience.rejected_rows import unpacked
from ses_ops.console.download import Download

#: Bytes that leave at a time.
_BLOCK = 64 * 1024


def csv_headers(file_name: str) -> dict[str, str]:
    """The headers of a download; a name outside of ASCII as RFC 6266 writes it."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in file_name)
    names = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
    return {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": names}


def unpacked_csv(packed: bytes, file_name: str) -> Download:
    """The answer of a file that is kept as gzip."""
    return Download(_pieces(unpacked(packed)), headers=csv_headers(file_name))


def _pieces(content: bytes) -> Generator[bytes, None, None]:
    for at in range(0, len(content), _BLOCK):
        yield content[at : at + _BLOCK]
