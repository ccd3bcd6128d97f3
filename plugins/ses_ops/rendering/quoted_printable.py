"""Bodies in quoted-printable (RFC 2045 6.7), line by line.

Most lines of a task's messages are the same in all of them, and encoding is half of the cost of a message. As a line of
text always begins a line of quoted-printable, the encoder remembers the lines of its first messages.
"""

from __future__ import annotations

from binascii import b2a_qp

from ses_ops.errors import InvalidInput

#: Messages to learn from: enough to see the branches of a template, few enough that the lines with a customer's name in
#: them do not add up.
LEARNING_MESSAGES = 20
#: Lines, and characters of one, that are worth remembering.
MAX_LINES = 2_000
MAX_LINE_LENGTH = 2_000


class _Lines(dict[str, bytes]):
    """Lines and their encodings; encodes what it does not know. A dict, so that a known line costs no Python call."""

    learning = True

    def __missing__(self, line: str) -> bytes:
        # binascii writes its own line breaks as the first one that it finds: that is CRLF.
        encoded = b2a_qp(f"{line}\r\n".encode())
        if self.learning and len(line) <= MAX_LINE_LENGTH and len(self) < MAX_LINES:
            self[line] = encoded
        return encoded


class BodyEncoder:
    """Encodes one part of a task's messages. Threads may share it: what it remembers depends on the line alone."""

    def __init__(self, part: str) -> None:
        """`part` is what errors call it."""
        self._part = part
        self._lines = _Lines()
        self._to_learn = LEARNING_MESSAGES

    def encode(self, text: str) -> bytes:
        """The body: every line break is CRLF, the last line has one, no line has more than 76 characters.

        All that is left as it is are printable ASCII characters other than "=": no boundary, no control character.
        Raises InvalidInput for half a surrogate pair.
        """
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        if not lines[-1]:
            del lines[-1]
        if self._to_learn:
            self._to_learn -= 1
            self._lines.learning = self._to_learn > 0
        try:
            return b"".join(map(self._lines.__getitem__, lines))
        except UnicodeEncodeError as error:
            char = error.object[error.start]
            raise InvalidInput(f"the {self._part} has half a surrogate pair in it ({char!r})") from error
