"""Responses that a browser saves as a CSV file."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import quote

from ses_ops.audience.rejected_rows import unpacked
from ses_ops.console.download import Download

#: Bytes of one block of a response.
_BLOCK = 64 * 1024


def csv_headers(file_name: str) -> dict[str, str]:
    """The headers of a download; a file name beyond ASCII is written as in RFC 6266."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in file_name)
    names = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
    return {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": names}


def unpacked_csv(packed: bytes, file_name: str) -> Download:
    """The response with the content of a gzip file."""
    return Download(_pieces(unpacked(packed)), headers=csv_headers(file_name))


def _pieces(content: bytes) -> Generator[bytes, None, None]:
    for at in range(0, len(content), _BLOCK):
        yield content[at : at + _BLOCK]
