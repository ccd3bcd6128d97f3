"""The bounds of an .xlsx file (a zip file of XML), checked before it is read.

A few kilobytes can unpack to gigabytes. The memory of the reader counts, too: each element of XML takes some hundred
bytes until its row is read, so elements are counted and not only bytes.
"""

from __future__ import annotations

import re
import struct
import zipfile
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.errors import BadCsv

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes of the largest file, and of all its parts unpacked.
LARGEST_FILE = 64 * 1024**2
LARGEST_UNPACKED = 512 * 1024**2
#: Bytes below which a part can do no harm, whatever it holds.
_SMALL = 256 * 1024
#: Largest number of rows, which is Excel's own.
MOST_ROWS = 1_048_576
#: Largest number of opening and closing tags in one row, or in a part without rows; then in the table of texts.
_MOST_TAGS_AT_ONCE = 400_000
_MOST_TAGS_OF_TEXTS = 8_000_000
_MOST_PARTS = 5_000
#: Bytes of the largest list of parts.
_LARGEST_DIRECTORY = 2 * 1024**2
_TEXTS = "xl/sharedStrings.xml"
_END_OF_ROW, _EMPTY_ROW = re.compile(rb"</(?:\w+:)?row\s*>"), re.compile(rb"<(?:\w+:)?row\b[^<>]*/>")
#: The first byte of XML in any encoding that the library reads; the library refuses other parts (pictures) at once.
_XML = tuple(b"<\xef\xfe\xff\0 \t\r\n")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_END_OF_DIRECTORY = b"PK\x05\x06"
_BLOCK = 1024 * 1024


def check_package(file: BinaryIO, *, where: str, check: Callable[[], None]) -> bool:
    """Raise BadCsv for a file that is out of bounds; returns whether the file has formulas.

    `check` is called meanwhile, and may raise to stop the work.
    """
    _check_directory(file, where)
    formulas = False
    with zipfile.ZipFile(file) as package:
        parts = package.infolist()
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
            _too_large(where)
        # Every part is checked, whatever its name, because the file itself says which parts are sheets.
        for part in parts:
            formulas |= _check_tags(package, part, where, check)
    return formulas


def _check_directory(file: BinaryIO, where: str) -> None:
    """Raise BadCsv for a list of parts that is too large, because zipfile reads the list as a whole."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 66_000))
    end = file.read()
    place = end.rfind(_END_OF_DIRECTORY)
    if size > LARGEST_FILE or (
        place >= 0 and len(end) >= place + 16 and struct.unpack_from("<L", end, place + 12)[0] > _LARGEST_DIRECTORY
    ):
        _too_large(where)
    file.seek(0)


def _check_tags(package: zipfile.ZipFile, part: zipfile.ZipInfo, where: str, check: Callable[[], None]) -> bool:
    """Count the rows of a part, and the tags of each row; returns whether the part has formulas."""
    formulas, tags, rows, kept = False, 0, 0, b""
    most = _MOST_TAGS_OF_TEXTS if part.filename == _TEXTS else _MOST_TAGS_AT_ONCE
    with package.open(part) as content:
        while block := content.read(_BLOCK):
            check()
            block = kept + block
            # A tag may continue in the next block.
            cut = block.rfind(b"<")
            kept, block = (block[cut:], block[:cut]) if cut > 0 and len(block) - cut < 1000 else (b"", block)
            formulas = formulas or _FORMULA.search(block) is not None
            if part.file_size < _SMALL:
                continue
            if not rows and not tags and block and block[0] not in _XML:
                break
            # A comment could hold a false end of a row. No spreadsheet writes comments or entities: both are refused.
            if b"<!" in block:
                _too_large(where)
            block, empty = _EMPTY_ROW.subn(b"", block)
            pieces = _END_OF_ROW.split(block)
            rows += empty + len(pieces) - 1
            for place, piece in enumerate(pieces):
                tags = piece.count(b"<") + (tags if place == 0 else 0)
                if tags > most or rows > MOST_ROWS:
                    _too_large(where)
    return formulas


def _too_large(where: str) -> NoReturn:
    most = LARGEST_FILE // 1024**2
    raise BadCsv(CsvFault.LARGE_WORKBOOK, where=where, most=most)
