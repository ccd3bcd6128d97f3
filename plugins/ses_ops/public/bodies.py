"""Bodies of requests from strangers: bounded in size and in time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

if TYPE_CHECKING:
    from starlette.requests import Request

#: Octets of a form; RFC 8058's has 26, in multipart some 200.
MOST_OF_A_FORM = 16 << 10
#: Fields of a form.
MOST_FIELDS = 20
#: RFC 8058's field in a multipart body that is not well formed: bare LF, no end, a file in place of a field.
_ONE_CLICK = re.compile(
    rb"""name="?List-Unsubscribe"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n){0,10}\r?\n[ \t]*One-Click[ \t]*(?=[\r\n]|--|$)""",
    re.IGNORECASE,
)
_ONE_CLICK_FORM = {"List-Unsubscribe": "One-Click"}
#: Seconds in which a body has to arrive.
BODY_WITHIN = 10.0


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request. Raises HTTPException 413 for more than `most` octets, 408 for one that does not come."""
    if (length := request.headers.get("content-length", "")).isdecimal() and int(length[:20]) > most:
        raise HTTPException(413, headers={"Connection": "close"})
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for block in request.stream():
                body += block
                if len(body) > most:
                    raise HTTPException(413, headers={"Connection": "close"})
    except TimeoutError as cause:
        raise HTTPException(408, headers={"Connection": "close"}) from cause
    return bytes(body)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form as urlencoded or multipart/form-data; the first of each name. Raises HTTPException."""
    body = await read_body(request, MOST_OF_A_FORM)
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _multipart(request, body)
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as cause:
        raise HTTPException(400) from cause
    return dict(reversed(pairs))


async def _multipart(request: Request, body: bytes) -> dict[str, str]:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=MOST_FIELDS)  # type: ignore[arg-type]
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as cause:
        if not _ONE_CLICK.search(body):
            raise HTTPException(400) from cause
        return _ONE_CLICK_FORM
    fields = {name: value for name, value in reversed(form.multi_items()) if isinstance(value, str)}
    return fields or (_ONE_CLICK_FORM if _ONE_CLICK.search(body) else {})
