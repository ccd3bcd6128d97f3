"""A parser of forms with a file: first the texts, then the blocks of the file.

The file is not kept, so a form must have its file behind all other fields, as the page has it. A form ends with its
closing boundary; a form without one was cut off, which is an error for the reader of the blocks.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.errors import BadCsv, ImportStopped, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of the longest texts of a form with a file.
LARGEST_TEXTS = 64 * 1024
MOST_TEXTS = 50
MULTIPART = "multipart/form-data"


class MultipartForm:
    """Parses a body of `multipart/form-data`; `texts` and `file_name` are set from construction on.

    Raises InvalidInput for a body that is no such form.
    """

    def __init__(self, content_type: str, chunks: Iterator[bytes], *, largest_file: int) -> None:
        #: Texts by the names of their fields.
        self.texts: dict[str, list[str]] = {}
        #: The file's name by the browser; None when the form has no file, or none was chosen.
        self.file_name: str | None = None
        self._chunks = chunks
        self._largest = largest_file
        self._file: deque[bytes] = deque()
        self._in_file = self._file_ended = self._ended = False
        self._text_bytes = 0
        self._header = self._header_value = b""
        self._disposition: dict[bytes, bytes] = {}
        self._text = bytearray()
        self._parser = self._make_parser(content_type)
        while not self.begun and self._read_chunk():
            pass

    @property
    def begun(self) -> bool:
        """Whether all texts have been read: the file has begun, or the form has none."""
        return self._in_file or self._file_ended or self._ended

    def feed(self, chunk: bytes) -> None:
        """Parse one more chunk, for a body whose chunks are awaited elsewhere. Raises InvalidInput."""
        try:
            self._parser.write(chunk)
        except FormParserError as cause:
            raise InvalidInput("not_a_form") from cause

    def go_on(self, chunks: Iterator[bytes]) -> None:
        """Set the source of the rest of the body."""
        self._chunks = chunks

    @property
    def ended(self) -> bool:
        """Whether the form's closing boundary has come."""
        return self._ended

    def taken(self) -> Iterator[bytes]:
        """The blocks of the file that have come since the last call."""
        while self._file:
            yield self._file.popleft()

    def blocks(self) -> Iterator[bytes]:
        """The blocks of the file. Raises BadCsv when it is too large, ImportStopped when it was cut off."""
        size = 0
        while True:
            for block in self.taken():
                size += len(block)
                if size > self._largest:
                    raise BadCsv(CsvFault.TOO_MANY_BYTES, most=self._largest)
                yield block
            if self.ended:
                return
            if not self._read_chunk():
                raise ImportStopped("upload_cut_off")

    def _read_chunk(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self.feed(chunk)
        return True

    def _make_parser(self, content_type: str) -> MultipartParser:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind.decode("latin-1") != MULTIPART or not boundary:
            raise InvalidInput("form_without_file")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_name_comes,
                    "on_header_value": self._header_value_comes,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._data_comes,
                    "on_part_end": self._part_ends,
                    "on_end": self._form_ends,
                },
            )
        except FormParserError as cause:
            raise InvalidInput("not_a_form") from cause

    def _part_begins(self) -> None:
        self._disposition = {}
        self._text = bytearray()

    def _header_name_comes(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value_comes(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, self._disposition = parse_options_header(self._header_value.decode("latin-1"))
        self._header = self._header_value = b""

    def _headers_end(self) -> None:
        if b"filename" in self._disposition and not self._file_ended:
            self._in_file = True
            self.file_name = self._disposition[b"filename"].decode("utf-8", "replace") or None

    def _data_comes(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._file.append(data[start:end])
        elif not self._file_ended:
            self._text_bytes += end - start
            if self._text_bytes > LARGEST_TEXTS:
                raise InvalidInput("form_too_long", most=LARGEST_TEXTS)
            self._text += data[start:end]

    def _part_ends(self) -> None:
        if self._in_file:
            self._in_file, self._file_ended = False, True
            return
        name = self._disposition.get(b"name", b"").decode("utf-8", "replace")
        if self._file_ended or not name:
            return
        if len(self.texts) >= MOST_TEXTS:
            raise InvalidInput("form_with_too_many_fields", most=MOST_TEXTS)
        self.texts.setdefault(name, []).append(self._text.decode("utf-8", "replace"))

    def _form_ends(self) -> None:
        self._ended = True
