"""Posted forms with a file of moderate size, kept until the response is sent.

The size is counted while the bytes come, whatever the request's headers say. Bytes beyond the limit are read and
dropped, up to a bound, so that the browser shows the response and not a broken connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated

from anyio import to_thread
from fastapi import Depends, HTTPException, Request

from ses_ops.console.forms import Form
from ses_ops.console.uploads.body import TooSlow, UploadRate
from ses_ops.console.uploads.multipart_form import MultipartForm
from ses_ops.console.uploads.upload_form import texts_of
from ses_ops.errors import InvalidInput

#: Bytes of the largest file; a suppression list of a million addresses has some 30 MB.
LARGEST_FILE = 50 * 1024 * 1024
#: Bytes up to which a file beyond the limit is read and dropped.
LISTENED_TO = 4 * LARGEST_FILE
#: Bytes of a file that stay in memory, and bytes of one block.
IN_MEMORY, BLOCK = 1024 * 1024, 256 * 1024


@dataclass(frozen=True, kw_only=True)
class FileForm:
    """The texts of a form, and its file."""

    form: Form
    #: None when no file was chosen, or when the file is too large.
    file: IO[bytes] | None = None
    name: str = ""
    too_large: bool = False

    def blocks(self) -> Iterator[bytes]:
        """The file from its beginning."""
        assert self.file is not None
        file = self.file
        file.seek(0)
        return iter(lambda: file.read(BLOCK), b"")


async def posted_with_file(request: Request) -> AsyncIterator[FileForm]:
    """Reads a form of `enctype="multipart/form-data"` with one file, behind all texts. 400 when it is broken."""
    pieces = request.stream()
    posted = await texts_of(request, pieces, largest_file=LARGEST_FILE)
    if posted.upload is None or posted.file_name is None:
        yield FileForm(form=posted.form)
        return
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        if await _kept(posted.upload, pieces, file):
            yield FileForm(form=posted.form, file=file, name=posted.file_name)
        else:
            yield FileForm(form=posted.form, too_large=True)


FileFormDep = Annotated[FileForm, Depends(posted_with_file)]


async def _kept(upload: MultipartForm, pieces: AsyncIterator[bytes], file: IO[bytes]) -> bool:
    """Write a form's file as it comes; False when it is too large. 400, 408, 413."""
    rate, size = UploadRate(), 0
    while True:
        for block in upload.taken():
            size += len(block)
            if size <= LARGEST_FILE:
                await to_thread.run_sync(file.write, block)
        if size > LISTENED_TO:
            raise HTTPException(413)
        if upload.ended:
            return size <= LARGEST_FILE
        try:
            piece = await rate.next_of(pieces)
            upload.feed(piece or b"")
        except (TooSlow, TimeoutError):
            raise HTTPException(408) from None
        except InvalidInput:
            raise HTTPException(400) from None
        if piece is None:
            raise HTTPException(400)  # the form was cut off
