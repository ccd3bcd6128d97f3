"""Bodies in quoted-printable (RFC 2045 6.7), piece by piece.

Encoding was half of the cost of a message, and most of its text is the same in all messages of a task. Jinja2 renders a
part as pieces: the template's own texts and the values between. Here every piece is encoded by itself, and a soft line
break ends it where it does not end with a line break of its own: `Dear =`, `Anna=`, `, how are you?`. So a value moves
nothing else, and the template's texts are encoded once a task.
"""

from __future__ import annotations

from binascii import b2a_qp
from collections.abc import Sequence

from ses_ops.errors import InvalidInput

#: Characters of the pieces that are remembered at once: a template's texts, and values, which return in the other part.
MAX_REMEMBERED = 1_000_000
#: Characters of a piece that is worth remembering.
MAX_LENGTH = 100_000
#: What remembering a piece costs besides its characters, in characters.
_OVERHEAD = 200
#: Octets of a line, with the "=" of a soft line break.
_MAX_LINE = 76
SOFT_BREAK = b"=\r\n"
#: What some mail systems change at the beginning of a line (RFC 2049 3): mailboxes in files begin a mail with "From ".
_BEGINNINGS = (b".", b"From ")


class BodyEncoder:
    """Encodes the parts of a task's messages. Threads may share it: what it remembers depends on the piece alone."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}
        self._remembered = 0

    def encode(self, pieces: Sequence[str], part: str) -> bytes:
        """The body: every line break is CRLF, the last line has one, no line has more than 76 characters.

        All that is left as it is are printable ASCII characters other than "=", and no line begins with a dot or
        `From `: no boundary, no control character, nothing that SMTP would have to double. Raises InvalidInput, which
        names the `part`, for half a surrogate pair.
        """
        try:
            encoded = self._joined(pieces)
        except UnicodeEncodeError as error:
            char = error.object[error.start]
            raise InvalidInput("part_with_half_surrogate_pair", part=part, character=char) from error
        # After a soft line break, a line break ends the line that is still open.
        return encoded + b"\r\n" if encoded.endswith(SOFT_BREAK) else encoded

    def _joined(self, pieces: Sequence[str]) -> bytes:
        known = self._known
        try:
            return b"".join([known.get(piece) or self._piece(piece) for piece in pieces])
        except _CarriageReturn:
            # CR and LF may come from two pieces, so this is looked at as a whole.
            return self._piece("".join(pieces).replace("\r\n", "\n").replace("\r", "\n"))

    def _piece(self, piece: str) -> bytes:
        """A piece that begins a line of quoted-printable and ends one."""
        encoded = encode_piece(piece)
        if len(piece) <= MAX_LENGTH:
            self._remembered += len(piece) + len(encoded) + _OVERHEAD
            if self._remembered > MAX_REMEMBERED:
                # The template's texts are encoded anew then: once in a thousand messages.
                self._known.clear()
                self._remembered = 0
            self._known[piece] = encoded
        return encoded


def encode_piece(piece: str) -> bytes:
    """A piece that begins a line of quoted-printable and ends one, with a soft line break where it has no other.

    Raises what only a whole body can mend (a CR, which may be half of a line break), UnicodeEncodeError.
    """
    if "\r" in piece:
        raise _CarriageReturn
    if "\n" not in piece:
        # The form of nearly every value.
        encoded = b2a_qp(piece.encode())
        if len(encoded) < _MAX_LINE and not encoded.startswith(_BEGINNINGS):
            return encoded + SOFT_BREAK if encoded else b""
    # str: a value may be a Markup, whose methods escape their arguments.
    encoded = b"".join(map(_encode_line, str(piece).split("\n")))
    encoded = encoded.removesuffix(b"\r\n")
    last_line = encoded.rpartition(b"\n")[2]
    if last_line:
        if len(last_line) == _MAX_LINE:
            encoded = _broken_near_end(encoded)
        encoded += SOFT_BREAK
    if encoded.startswith(_BEGINNINGS) or b"\n." in encoded or b"\nFrom " in encoded:
        encoded = b"\r\n".join(map(_safely_begun, encoded.split(b"\r\n")))
    return encoded


class _CarriageReturn(Exception):
    """A piece has a CR in it."""


def _encode_line(line: str) -> bytes:
    # binascii writes its own line breaks as the first one that it finds: that is CRLF.
    return b2a_qp(f"{line}\r\n".encode())


def _broken_near_end(encoded: bytes) -> bytes:
    """The same with a soft line break a few octets before its end, not inside of an `=3D`."""
    cut = len(encoded) - 3
    while b"=" in encoded[cut - 2 : cut]:
        cut -= 1
    return encoded[:cut] + SOFT_BREAK + encoded[cut:]


def _safely_begun(line: bytes) -> bytes:
    """The line with `=2E` for a dot at its beginning, `=46rom ` for `From `; in two where it gets too long."""
    if not line.startswith(_BEGINNINGS):
        return line
    line = b"=%02X" % line[0] + line[1:]
    if len(line) <= _MAX_LINE:
        return line
    cut = _MAX_LINE - 1
    while b"=" in line[cut - 2 : cut]:
        cut -= 1
    return line[:cut] + SOFT_BREAK + _safely_begun(line[cut:])
