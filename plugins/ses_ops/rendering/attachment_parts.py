"""The parts of a message that are files (RFC 2045, RFC 2183, RFC 2231, RFC 2387)."""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Sequence
from urllib.parse import quote

from ses_ops.domain.single_message import Attachment
from ses_ops.rendering.constant_part import BOUNDARY

#: As BOUNDARY: "=_" stands in no text of quoted-printable and in no base64.
MIXED, RELATED = "=_ses-ops_mixed_=", "=_ses-ops_related_="
#: Characters of one piece of a long parameter: its line has at most 78 with the parameter's name.
_PIECE = 54
_TEXT = b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
_HTML = b'Content-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
#: A file name that needs neither quotes within it nor another charset.
_is_plain = re.compile(r"[ !#-\[\]-~]*").fullmatch


class Frame:
    """What stands before the text, before the HTML and behind it. Concatenate in this order, bodies between."""

    def __init__(self, attachments: Sequence[Attachment], *, has_html: bool) -> None:
        shown = [one for one in attachments if one.content_id is not None and has_html]
        beside = [one for one in attachments if one not in shown]
        text, html, end = _TEXT, b"", b""
        if has_html:
            before_html = _HTML
            after_html = b""
            if shown:
                kind = f'Content-Type: multipart/related; boundary="{RELATED}"; type="text/html"\r\n\r\n'
                before_html = kind.encode() + _line(RELATED) + _HTML
                after_html = b"".join((*(_file(one, RELATED) for one in shown), _end(RELATED)))
            start = f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'
            text = start.encode() + _line(BOUNDARY) + _TEXT
            html = _line(BOUNDARY) + before_html
            end = after_html + _end(BOUNDARY)
        if beside:
            start = f'Content-Type: multipart/mixed; boundary="{MIXED}"\r\n\r\n'
            text = start.encode() + _line(MIXED) + text
            end += b"".join((*(_file(one, MIXED) for one in beside), _end(MIXED)))
        self.before_text, self.before_html, self.end = text, html, end

    def around(self, bodies: Sequence[bytes]) -> bytes:
        """The message from the header that describes its parts on."""
        if len(bodies) == 1:
            return b"".join((self.before_text, bodies[0], self.end))
        return b"".join((self.before_text, bodies[0], self.before_html, bodies[1], self.end))


def _line(boundary: str) -> bytes:
    return f"--{boundary}\r\n".encode()


def _end(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode()


def _file(one: Attachment, boundary: str) -> bytes:
    """A file with the boundary before it, to which the line break belongs that ends what stands before."""
    kind = "inline" if one.content_id else "attachment"
    lines = [
        f"--{boundary}",
        f"Content-Type: {one.media_type}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {kind}{file_name_parameter(one.name)}",
    ]
    if one.content_id:
        lines.append(f"Content-ID: <{one.content_id}>")
    head = "\r\n".join((*lines, "", "")).encode("ascii")
    return head + encodebytes(one.content).replace(b"\n", b"\r\n")


def file_name_parameter(name: str) -> str:
    """`; filename=...` in ASCII: in quotes, or in UTF-8 as RFC 2231 has it, and in pieces where it is long."""
    if _is_plain(name) and len(name) <= _PIECE and "=?" not in name:
        return f';\r\n filename="{name}"'
    written = quote(name, safe="")
    pieces = _pieces(written)
    if len(pieces) == 1:
        return f";\r\n filename*=utf-8''{written}"
    first, *others = pieces
    more = "".join(f";\r\n filename*{number}*={one}" for number, one in enumerate(others, start=1))
    return f";\r\n filename*0*=utf-8''{first}{more}"


def _pieces(written: str) -> list[str]:
    """Cut into pieces, none inside of `%E3`."""
    pieces = []
    at = 0
    while at < len(written):
        end = min(at + _PIECE, len(written))
        while end < len(written) and "%" in written[end - 2 : end]:
            end -= 1
        pieces.append(written[at:end])
        at = end
    return pieces
