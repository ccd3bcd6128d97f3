"""The parts of a mail (RFC 2045, 2046), read with limits.

The parser reads mails of strangers: bounces in any state of damage, and mails made to hurt. It never raises, its time
is linear in the octets read, and neither nested parts nor long headers take more than the limits below. What breaks a
rule (bare CR or LF, a missing boundary, a header without a colon, an unknown charset) is read as well as it can be.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from codecs import lookup
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from quopri import decodestring

#: Octets of a mail that are read. A report stands before the message it returns, which may be of any size.
MAX_OCTETS = 512 * 1024
#: Levels of nested parts, parts of one mail, headers of one part, octets of one header.
MAX_DEPTH, MAX_PARTS, MAX_HEADERS, MAX_HEADER = 8, 64, 400, 16 * 1024
#: Octets of a part's text that are decoded.
MAX_TEXT = 64 * 1024

#: Codecs of Python that no mail is written in. They make halves of surrogate pairs, or take quadratic time.
_NO_CHARSETS = frozenset({"unicode-escape", "raw-unicode-escape", "punycode", "idna", "undefined"})
#: What is no text, and is not stored: NUL, and halves of surrogate pairs (which UTF-7 can name, too).
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_HEADER = re.compile(rb"([!-9;-~]{1,100})[ \t]*:[ \t]*(.*)")
_PARAMETER = re.compile(r""";\s*([\w.*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]+)""")
_TAG = re.compile(r"<[a-zA-Z/!][^<>@]{0,2000}>")
#: Elements whose content is no text: the beginning, and the end that is looked for from there.
_UNSEEN = (("<style", "</style"), ("<script", "</script"), ("<head", "</head"), ("<!--", "-->"))
#: First two characters of the tags that begin a line.
_BREAKS = frozenset({"br", "p>", "p ", "/p", "/t", "/d", "di", "tr", "h1", "h2", "h3", "li"})
_ESCAPES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": " ", "&amp;": "&"}


@dataclass(slots=True)
class MimePart:
    """A part: its headers in order, with lower-case names, and either its body or the parts in it."""

    headers: list[tuple[str, str]]
    body: bytes
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    parts: list[MimePart] = field(default_factory=list)

    def header(self, name: str) -> str:
        """The first header of a lower-case name, "" for none."""
        return next((value for one, value in self.headers if one == name), "")

    def all_headers(self, *names: str) -> list[str]:
        """The values of the headers of these names, in the order of the names."""
        return [value for name in names for one, value in self.headers if one == name]

    def walk(self) -> list[MimePart]:
        """This part and all within it, but not what is within a returned message."""
        found = [self]
        for part in self.parts:
            found += [part] if part.is_message else part.walk()
        return found

    @property
    def is_message(self) -> bool:
        """Whether the part is a message, or the headers of one."""
        return self.content_type in _MESSAGES

    def text(self) -> str:
        """The text of a part without parts; HTML without its tags."""
        octets = decoded(self.body, self.header("content-transfer-encoding"))[:MAX_TEXT]
        text = _characters(octets, self.parameters.get("charset", ""))
        return plain(text) if self.content_type == "text/html" or text.lstrip()[:5].lower() == "<html" else text


_MESSAGES = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})


def plain(html: str) -> str:
    """The words of an HTML text; addresses in angle brackets stay."""
    for begin, end in _UNSEEN:
        html = _without(html, begin, end)
    text = _TAG.sub(lambda tag: "\n" if tag[0][1:3].lower() in _BREAKS else " ", html)
    for escape, character in _ESCAPES.items():
        text = text.replace(escape, character)
    return text


def _without(html: str, begin: str, end: str) -> str:
    lower, kept, at = html.lower(), [], 0
    while (start := lower.find(begin, at)) >= 0:
        stop = lower.find(end, start)
        if stop < 0:
            break
        kept.append(html[at:start])
        at = stop + len(end)
    return "".join([*kept, html[at:]]) if len(lower) == len(html) else html


def read_parts(raw: bytes) -> MimePart:
    """Read a mail; lines may end in CR LF, LF or CR."""
    octets = raw[:MAX_OCTETS].replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n \t")
    if octets.startswith((b"From ", b">From ")):
        octets = octets.partition(b"\n")[2]  # the separator of mbox files
    return _part(octets, 0, [MAX_PARTS])


def read_headers(octets: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Headers, unfolded and decoded, and what follows them."""
    headers: list[tuple[str, list[bytes]]] = []
    at = 0
    while at < len(octets):
        end = octets.find(b"\n", at)
        end = len(octets) if end < 0 else end
        line = octets[at : min(end, at + MAX_HEADER)]
        if not line.strip():
            return _read(headers), octets[end + 1 :]
        if line[:1] in (b" ", b"\t") and headers:
            if len(headers[-1][1]) < MAX_HEADERS:
                headers[-1][1].append(line.strip())
        elif found := _HEADER.match(line):
            if len(headers) < MAX_HEADERS:
                headers.append((found[1].decode("ascii").lower(), [found[2]]))
        elif not line.startswith((b"From ", b">From ")):
            return _read(headers), octets[at:]  # no header: the body, whose empty line is missing
        at = end + 1
    return _read(headers), b""


def _read(headers: list[tuple[str, list[bytes]]]) -> list[tuple[str, str]]:
    return [(name, _decoded_words(_characters(b" ".join(lines)[:MAX_HEADER], ""))) for name, lines in headers]


def _decoded_words(value: str) -> str:
    """A header with its encoded words (RFC 2047) decoded, as far as they can be."""
    if "=?" not in value or len(value) > 4_000:
        return value.strip()
    try:
        words = decode_header(value)
    except (HeaderParseError, ValueError):
        return value.strip()
    return "".join(one if isinstance(one, str) else _characters(one, charset or "") for one, charset in words).strip()


def _part(octets: bytes, depth: int, left: list[int]) -> MimePart:
    left[0] -= 1
    headers, body = read_headers(octets)
    part = MimePart(headers, body)
    value = part.header("content-type")
    if value:
        part.content_type = value.partition(";")[0].strip().lower()[:100] or "text/plain"
        part.parameters = {
            name.lower().partition("*")[0]: given.strip('"') for name, given in _PARAMETER.findall(value[:2_000])
        }
    if depth >= MAX_DEPTH:
        return part
    if part.content_type.startswith("multipart/"):
        part.parts = [_part(one, depth + 1, left) for one in _split(body, part.parameters.get("boundary", ""), left)]
    elif part.is_message and left[0] > 0:
        inner = decoded(body, part.header("content-transfer-encoding")) if "headers" not in part.content_type else body
        part.parts = [_part(inner.lstrip(b"\n"), depth + 1, left)]
    return part


def _split(body: bytes, boundary: str, left: list[int]) -> list[bytes]:
    if not boundary:
        # The boundary is not named, or is damaged: take the first line that looks like one.
        first = re.search(rb"(?m)^--(\S[^\n]{5,70}?)[ \t]*\n(?=[Cc]ontent-)", body)
        if first is None:
            return []
        mark = first[1]
    else:
        mark = boundary.encode("utf-8", "surrogateescape")
    lines = re.compile(rb"(?m)^--" + re.escape(mark) + rb"(--)?[ \t]*$")
    pieces: list[bytes] = []
    start = -1
    for found in lines.finditer(body):
        if start >= 0:
            pieces.append(body[start : found.start()])
        start = found.end() + 1
        if found[1] or len(pieces) >= left[0]:
            return pieces[: max(left[0], 0)]
    if 0 <= start < len(body):
        pieces.append(body[start:])
    return pieces[: max(left[0], 0)]


def decoded(body: bytes, encoding: str) -> bytes:
    """The octets of a body in a transfer encoding (RFC 2045 6); those of a damaged one as they are."""
    encoding = encoding.strip().lower()
    if encoding == "base64":
        try:
            clean = re.sub(rb"[^A-Za-z0-9+/=]", b"", body)
            return b64decode(clean + b"=" * (-len(clean) % 4))
        except (NotBase64, ValueError):
            return body
    if encoding == "quoted-printable":
        return decodestring(body)
    return body


def _characters(octets: bytes, charset: str) -> str:
    if b"\x1b$" in octets or b"\x1b(" in octets:
        charset = "iso-2022-jp"
    for name in (charset.strip(" '\""), "utf-8"):
        try:
            if lookup(name).name not in _NO_CHARSETS:
                return _NO_TEXT.sub("\ufffd", octets.decode(name))
        except (LookupError, UnicodeError, ValueError):
            continue
    return _NO_TEXT.sub("\ufffd", octets.decode("iso-2022-jp" if charset == "iso-2022-jp" else "latin-1", "replace"))
