"""Bodies in quoted-printable (RFC 2045 6.7), piece by piece.

Encoding is half of the cost of a message, and most of its text is the same in all messages of a task. Jinja2 renders a
part as pieces: the template's own text and the values between. As a line of text always begins a line of
quoted-printable, whole lines inside a piece are encoded once and remembered; only the lines around values are new.
"""

from __future__ import annotations

from binascii import b2a_qp
from collections.abc import Sequence
from typing import NamedTuple

from ses_ops.errors import InvalidInput

#: Messages to learn from: enough to see the branches of a template, few enough that the values with line breaks in them
#: (which look like the template's own text) do not add up.
LEARNING_MESSAGES = 20
MAX_PIECES = 1_000
#: Characters of a piece that is worth remembering.
MAX_LENGTH = 100_000


class _Piece(NamedTuple):
    """A text with a line break in it."""

    #: Up to the first line break: the end of a line that began before.
    head: str
    #: The whole lines, encoded.
    lines: bytes
    #: After the last line break: the beginning of a line that goes on in the next piece.
    tail: str


class BodyEncoder:
    """Encodes one part of a task's messages. Threads may share it: what it remembers depends on the piece alone."""

    def __init__(self, part: str) -> None:
        """`part` is what errors call it."""
        self._part = part
        self._known: dict[str, _Piece] = {}
        self._to_learn = LEARNING_MESSAGES

    def encode(self, pieces: Sequence[str]) -> bytes:
        """The body: every line break is CRLF, the last line has one, no line has more than 76 characters.

        All that is left as it is are printable ASCII characters other than "=": no boundary, no control character.
        Raises InvalidInput for half a surrogate pair.
        """
        self._to_learn = max(self._to_learn - 1, 0)
        try:
            return self._encode(pieces)
        except UnicodeEncodeError as error:
            char = error.object[error.start]
            raise InvalidInput(f"the {self._part} has half a surrogate pair in it ({char!r})") from error

    def _encode(self, pieces: Sequence[str]) -> bytes:
        known = self._known
        encoded: list[bytes] = []
        # Joined, never added: a value may be a Markup, and adding to that would escape the other text.
        line: list[str] = []
        for piece in pieces:
            split = known.get(piece)
            if split is None:
                if "\r" in piece:
                    # CR and LF may come from two pieces, so this is looked at as a whole.
                    return self._encode(["".join(pieces).replace("\r\n", "\n").replace("\r", "\n")])
                if "\n" not in piece:
                    line.append(piece)
                    continue
                split = self._split(piece)
            line.append(split.head)
            encoded += (_encode_line("".join(line)), split.lines)
            line = [split.tail]
        last_line = "".join(line)
        if last_line:
            encoded.append(_encode_line(last_line))
        return b"".join(encoded)

    def _split(self, piece: str) -> _Piece:
        head, _, rest = str(piece).partition("\n")
        lines, line_break, tail = rest.rpartition("\n")
        split = _Piece(head, b"".join(map(_encode_line, lines.split("\n"))) if line_break else b"", tail)
        if self._to_learn and len(piece) <= MAX_LENGTH and len(self._known) < MAX_PIECES:
            self._known[piece] = split
        return split


def _encode_line(line: str) -> bytes:
    # binascii writes its own line breaks as the first one that it finds: that is CRLF.
    return b2a_qp(f"{line}\r\n".encode())
