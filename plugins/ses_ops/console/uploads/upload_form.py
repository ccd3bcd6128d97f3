"""The texts of an upload's form, read before its file has come.

That takes no thread and no connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import HTTPException, Request

from ses_ops.console.forms import LARGEST, MOST_FIELDS, Form
from ses_ops.console.uploads.multipart_form import MULTIPART, MultipartForm
from ses_ops.errors import InvalidInput

#: Bytes of the largest file: some twenty million rows. `ses group import` takes larger files.
LARGEST_FILE = 2 * 1024**3
#: Seconds for the texts, which stand before the file.
_WITHIN = 30.0


@dataclass(frozen=True, kw_only=True)
class Posted:
    """The texts of the form; the file behind them has not come yet."""

    form: Form
    upload: MultipartForm | None

    @property
    def file_name(self) -> str | None:
        """The name of the file; None when no file was chosen."""
        return self.upload.file_name if self.upload else None

    def blocks(self) -> Iterator[bytes]:
        """The blocks of the file."""
        assert self.upload is not None
        return self.upload.blocks()


async def texts_of(request: Request, pieces: AsyncIterator[bytes], *, largest_file: int) -> Posted:
    """Read the form up to its file. Responds 400 to an invalid form, 408 to a slow one, 413 to a large one."""
    kind = request.headers.get("content-type", "")
    try:
        async with asyncio.timeout(_WITHIN):
            if kind.lower().startswith(MULTIPART):
                upload = MultipartForm(kind, iter(()), largest_file=largest_file)
                async for piece in pieces:
                    upload.feed(piece)
                    if upload.begun:
                        break
                return Posted(form=Form(upload.texts), upload=upload)
            body = bytearray()
            async for piece in pieces:
                body += piece
                if len(body) > LARGEST:
                    raise HTTPException(413)
        values = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        return Posted(form=Form(values), upload=None)
    except TimeoutError:
        raise HTTPException(408) from None
    except (InvalidInput, ValueError):
        raise HTTPException(400) from None
