"""Other formats that are mistaken for CSV, recognised by their first bytes."""

from __future__ import annotations

import re

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.errors import BadCsv

#: Compressed formats: first bytes, name, and the command that unpacks.
_COMPRESSED: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\x00", "xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
    (b"\x04\x22\x4d\x18", "lz4", "unlz4"),
    (b"\x1f\x9d", "compress", "uncompress"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x"),
    (b"Rar!", "RAR", "unrar x"),
    (b"PK\x03\x04", "zip", "unzip"),
    (b"PK\x05\x06", "zip", "unzip"),
)
#: The first bytes of an OpenDocument file, behind the zip header; then those of .xlsx files and others of OPC.
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"
_PARTS_OF_A_WORKBOOK = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", _OPEN_DOCUMENT)
#: The compound file of older Excel versions.
_COMPOUND = b"\xd0\xcf\x11\xe0"
_OTHERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"%PDF-"), "PDF"),
    (re.compile(rb"\s*(?:<!doctype html|<html|<head|<body|<table|<meta)", re.IGNORECASE), "HTML"),
    (re.compile(rb"\s*<\?xml|\s*<!--|\s*<[A-Za-z][\w:.-]*[\s>]"), "XML"),
    (re.compile(rb"\{\\rtf"), "RTF"),
    (re.compile(rb"\s*(?:\[\s*)?\{\s*\""), "JSON"),
    (re.compile(rb"SQLite format 3\0"), "SQLite"),
    (re.compile(rb"PAR1"), "Parquet"),
    (re.compile(rb"BEGIN:VCARD", re.IGNORECASE), "vCard"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP", re.DOTALL), "picture"),
    (re.compile(rb"PGDMP|\x7fELF|MZ\x90\x00"), "binary"),
)


def is_workbook(head: bytes) -> bool:
    """Whether a file is a zip file of the kind that spreadsheets write (OPC); the content tells whether it is .xlsx."""
    found = head.startswith(b"PK\x03\x04") and head[30:].startswith(_PARTS_OF_A_WORKBOOK)
    return found and not head[30:].startswith(_OPEN_DOCUMENT)


def refuse_other_format(head: bytes, where: str) -> None:
    """Raise BadCsv that names the format of a file that is no text, or a text that is no CSV."""
    if head.startswith(_COMPOUND) or (head.startswith(b"PK\x03\x04") and head[30:].startswith(_PARTS_OF_A_WORKBOOK)):
        raise BadCsv(
            CsvFault.WORKBOOK,
            where=where,
        )
    for magic, name, command in _COMPRESSED:
        if head.startswith(magic):
            raise BadCsv(CsvFault.COMPRESSED, where=where, format=name, command=command)
    text = head.removeprefix(b"\xef\xbb\xbf")
    for pattern, name in _OTHERS:
        if pattern.match(text):
            raise BadCsv(CsvFault.OTHER_FORMAT, where=where, format=name)
