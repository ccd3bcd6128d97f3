"""Answers that a browser saves as a CSV file."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import StreamingResponse

from ses_ops.domain.rejected_rows import unpacked

#: Bytes that leave at a time.
_BLOCK = 64 * 1024


def csv_headers(file_name: str) -> dict[str, str]:
    """The headers of a download; a name outside of ASCII as RFC 6266 writes it."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in file_name)
    names = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
    return {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": names}


def unpacked_csv(packed: bytes, file_name: str) -> StreamingResponse:
    """The answer of a file that is kept as gzip."""
    content = unpacked(packed)
    blocks = (content[at : at + _BLOCK] for at in range(0, len(content), _BLOCK))
    return StreamingResponse(blocks, headers=csv_headers(file_name))
