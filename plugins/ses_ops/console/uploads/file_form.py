"""Posted forms with a file of moderate size, kept until the response is sent.

The size is counted while the bytes come, whatever the request's headers say. Bytes beyond the limit are read and
dropped, up to a bound, so that the browser shows the response and not a broken connection.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated, BinaryIO

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from ses_ops.console.forms import Form, posted
from ses_ops.console.uploads.body import Pace, TooSlow

#: Bytes of the largest form; a suppression list of a million addresses has some 30 MB.
LARGEST_FILE = 50 * 1024 * 1024
#: Bytes up to which a form beyond the limit is read and dropped.
LISTENED_TO = 4 * LARGEST_FILE
#: Bytes of one block.
BLOCK = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class FileForm:
    """The texts of a form, and its file."""

    form: Form
    #: None when no file was chosen, or when the file is too large.
    file: BinaryIO | None = None
    name: str = ""
    too_large: bool = False

    def blocks(self) -> Iterator[bytes]:
        """The file from its beginning."""
        assert self.file is not None
        file = self.file
        file.seek(0)
        return iter(lambda: file.read(BLOCK), b"")


async def posted_with_file(request: Request) -> AsyncIterator[FileForm]:
    """Reads a form of `enctype="multipart/form-data"` with one file, its field named `file`. 400 when it is broken."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        yield FileForm(form=await posted(request))
        return
    counted = _Counted(request)
    parser = MultiPartParser(request.headers, counted.stream(), max_files=1, max_fields=20)
    try:
        content = await parser.parse()
    except MultiPartException:
        if not counted.too_large:
            raise HTTPException(400) from None
        # The page has the file field behind all other fields, so that these have come by now.
        yield FileForm(form=Form(_texts(parser.items)), too_large=True)
        return
    try:
        texts = _texts(content.multi_items())
        given = content.get("file")
        file = given if isinstance(given, UploadFile) and given.filename else None
        yield FileForm(form=Form(texts), file=file.file if file else None, name=(file.filename or "") if file else "")
    finally:
        await content.close()


def _texts(items: list[tuple[str, str | UploadFile]]) -> dict[str, list[str]]:
    return {name: [value] for name, value in items if isinstance(value, str)}


FileFormDep = Annotated[FileForm, Depends(posted_with_file)]


class _Counted:
    """The bytes of a request up to LARGEST_FILE, and whether the request had more."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.too_large = False

    async def stream(self) -> AsyncGenerator[bytes, None]:
        size, pace, pieces = 0, Pace(), self._request.stream()
        while (block := await self._next(pace, pieces)) is not None:
            size += len(block)
            if size > LISTENED_TO:
                raise HTTPException(413)
            room = LARGEST_FILE - (size - len(block))
            self.too_large = size > LARGEST_FILE
            if room > 0:
                yield block[:room]
        if self.too_large:
            raise MultiPartException("too large")

    async def _next(self, pace: Pace, pieces: AsyncIterator[bytes]) -> bytes | None:
        try:
            return await pace.next_of(pieces)
        except (TooSlow, TimeoutError):
            raise HTTPException(408) from None
