"""The files of a single message, as a request has them."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Any

from ses_ops.domain.media_types import media_type_of
from ses_ops.domain.single_message import Attachment
from ses_ops.errors import InvalidInput

#: Files of a message, and octets of all of them together before base64, as in the reference.
MAX_FILES, MAX_OCTETS = 10, 4 * 1024 * 1024
MAX_NAME = 255
_FIELDS = ("name", "content", "type", "content_id")
#: Control characters, what separates folders, what some readers take for quotes around a name, and what turns the
#: direction of a text around: `annexe\u202efdp.exe`.
_NOT_IN_NAMES = re.compile(
    '[\x00-\x1f\x7f-\x9f<>"/\\\\\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]'
).search
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}").fullmatch
#: The left side and the right side of a Content-ID (RFC 2392), without `%`, which a link would have to write otherwise.
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~.-]+(?:@[A-Za-z0-9.-]+)?").fullmatch
#: What the reference allows no name to have.
_NOT_IN_REFERENCE = re.compile(r'[ ?\\*|"<>:/]').search
#: The endings that the reference takes.
_OF_REFERENCE = frozenset(
    {
        *("xlsx", "xls", "ods", "docx", "docm", "doc", "csv", "pdf", "txt", "gif", "jpg", "jpeg", "png", "tif", "tiff"),
        *("rtf", "bmp", "cgm", "css", "shtml", "html", "htm", "zip", "xml", "ppt", "pptx", "tar", "ez", "ics", "mobi"),
        *("msg", "pub", "eps", "odt", "mp3", "m4a"),
    }
)


def attachments_of(value: object, *, as_reference: bool = False) -> tuple[Attachment, ...]:
    """The files of a request: objects with `name`, `content` (base64), perhaps `type` and `content_id`.

    Raises InvalidInput, which names the file's place. `as_reference`: with the names that the reference allows.
    """
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise InvalidInput("not_files", known=list(_FIELDS), field="attachments")
    if len(value) > MAX_FILES:
        raise InvalidInput("too_many_attachments", count=len(value), most=MAX_FILES, field="attachments")
    found: list[Attachment] = []
    total = 0
    for place, one in enumerate(value):
        attachment = _attachment(one, f"attachments[{place}]", as_reference=as_reference)
        total += len(attachment.content)
        if total > MAX_OCTETS:
            raise InvalidInput("attachments_too_large", most=MAX_OCTETS, field="attachments")
        if attachment.content_id and attachment.content_id in [other.content_id for other in found]:
            raise InvalidInput("content_id_twice", name=attachment.content_id, field=f"attachments[{place}].content_id")
        found.append(attachment)
    return tuple(found)


def _attachment(one: object, field: str, *, as_reference: bool) -> Attachment:
    if not isinstance(one, Mapping):
        raise InvalidInput("not_files", known=list(_FIELDS), field=field)
    for name in one:
        if name not in _FIELDS:
            raise InvalidInput("unknown_key", known=list(_FIELDS), field=f"{field}.{str(name)[:80]}")
    file_name = _name(one.get("name"), f"{field}.name", as_reference=as_reference)
    return Attachment(
        name=file_name,
        media_type=_media_type(one.get("type"), file_name, f"{field}.type"),
        content=_content(one.get("content"), f"{field}.content"),
        content_id=_content_id(one.get("content_id"), f"{field}.content_id"),
    )


def _name(value: object, field: str, *, as_reference: bool) -> str:
    if value is None:
        raise InvalidInput("field_missing", field=field)
    if not isinstance(value, str) or not value.strip(" ."):
        raise InvalidInput("not_a_text", value=str(value)[:80], field=field)
    if len(value) > MAX_NAME:
        raise InvalidInput("text_too_long", count=len(value), most=MAX_NAME, field=field)
    if found := _NOT_IN_NAMES(value) or (as_reference and _NOT_IN_REFERENCE(value)):
        raise InvalidInput("character_not_allowed", character=f"U+{ord(found[0]):04X}", field=field)
    name = value.strip()
    if as_reference and ("." not in name or name.rpartition(".")[2].lower() not in _OF_REFERENCE):
        raise InvalidInput("kind_of_file_not_allowed", name=name, field=field)
    return name


def _content(value: object, field: str) -> bytes:
    """The octets of a base64 text (RFC 4648 4); line breaks are allowed in it, and nothing else that is not base64."""
    if value is None:
        raise InvalidInput("field_missing", field=field)
    if not isinstance(value, str):
        raise InvalidInput("not_base64", field=field)
    try:
        octets = value.encode("ascii")
        if b"\n" in octets:
            octets = octets.replace(b"\r\n", b"").replace(b"\n", b"")
        return binascii.a2b_base64(octets, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("not_base64", field=field) from error


def _media_type(value: Any, file_name: str, field: str) -> str:
    if value is None:
        return media_type_of(file_name)
    kind = value.strip().lower() if isinstance(value, str) else ""
    # Parts of parts, which base64 may not encode (RFC 2045 6.4).
    if not _TYPE(kind) or kind.startswith(("multipart/", "message/")):
        raise InvalidInput("not_a_media_type", value=str(value)[:80], field=field)
    return kind


def _content_id(value: object, field: str) -> str | None:
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else ""
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    if len(text) > MAX_NAME or not _CONTENT_ID(text):
        raise InvalidInput("not_a_content_id", value=str(value)[:80], field=field)
    return text
