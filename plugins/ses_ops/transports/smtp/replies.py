"""SMTP replies (RFC 5321, 4.2): bytes of the socket in, whole replies out."""

from __future__ import annotations

from typing import NamedTuple

from ses_ops.errors import Explanation

#: Octets of the longest reply line. RFC 5321 4.5.3.1.5 allows 512; the session with a server that sends more is ended.
MAX_LINE_BYTES = 4096
#: Largest number of lines in one reply: more are an attack or an accident.
MAX_REPLY_LINES = 200
#: Number of different lines that are remembered.
_KNOWN_LINES = 32
#: Characters of the longest reply text that is kept.
MAX_TEXT = 500

_DIGITS = frozenset(b"0123456789")
_CLASSES = frozenset(b"2345")
_SPACE, _HYPHEN, _CR = b" -\r"


class Reply(NamedTuple):
    """One whole reply."""

    code: int
    #: The texts of the reply's lines, without codes, joined by LF.
    raw: bytes

    @property
    def text(self) -> str:
        """Printable text of at most 500 characters; the lines are joined by spaces."""
        return printable(self.raw)

    @property
    def lines(self) -> list[str]:
        """The text of each line."""
        return [printable(line) for line in self.raw.split(b"\n")]


class ReplyParser:
    """Cuts a stream into replies. After a malformed line `broken` says what was wrong and no more is read."""

    __slots__ = ("_code", "_known", "_lines", "_rest", "broken")

    def __init__(self) -> None:
        self._rest = b""
        self._code = 0
        self._lines: list[bytes] = []
        # A server sends the same few lines again and again: the first 32 different lines are kept, parsed.
        self._known: dict[bytes, Reply] = {}
        self.broken: Explanation | None = None

    @property
    def unread(self) -> bool:
        """Whether the stream ended within a line or a reply so far."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes, in order."""
        replies: list[Reply] = []
        if self.broken is not None:
            return replies
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            known = self._known.get(line)
            if known is not None and not self._lines:
                replies.append(known)
                continue
            # Nearly every line has 3 digits, then a space: that form is checked without a call.
            if len(line) < 4 or line[3] != _SPACE or self._lines or len(line) > MAX_LINE_BYTES:
                if not self._unusual(line, replies):
                    return replies
            elif line[0] in _CLASSES and line[1] in _DIGITS and line[2] in _DIGITS:
                reply = Reply(int(line[:3]), line[4:-1] if line[-1] == _CR else line[4:])
                replies.append(reply)
                if len(self._known) < _KNOWN_LINES:
                    self._known[line] = reply
            else:
                self.broken = Explanation("line_not_smtp", line=printable(line[:80]))
                return replies
        if len(self._rest) > MAX_LINE_BYTES:
            self.broken = Explanation("reply_line_too_long", most=MAX_LINE_BYTES)
        return replies

    def _unusual(self, line: bytes, replies: list[Reply]) -> bool:
        """Take a line that is part of a longer reply, or has no text; returns False when it is malformed."""
        if len(line) > MAX_LINE_BYTES:
            self.broken = Explanation("reply_line_too_long", most=MAX_LINE_BYTES)
            return False
        line = line.removesuffix(b"\r")
        well_formed = len(line) >= 3 and line[0] in _CLASSES and line[1] in _DIGITS and line[2] in _DIGITS
        if not well_formed or (len(line) > 3 and line[3] not in (_SPACE, _HYPHEN)):
            self.broken = Explanation("line_not_smtp", line=printable(line[:80]))
            return False
        code = int(line[:3])
        if self._lines and self._code == 220 and code >= 400:
            # The first line of a greeting that tests whether a client waits (postscreen), then a refusal in its place.
            self._lines = []
        if self._lines and code != self._code:
            self.broken = Explanation("reply_of_two_codes", first=self._code, second=code)
            return False
        self._code = code
        self._lines.append(line[4:])
        if len(self._lines) > MAX_REPLY_LINES:
            self.broken = Explanation("reply_too_long", most=MAX_REPLY_LINES)
            return False
        if len(line) == 3 or line[3] == _SPACE:
            replies.append(Reply(code, b"\n".join(self._lines)))
            self._lines = []
        return True


def printable(raw: bytes | str) -> str:
    """The text of a server, safe to store and show: one line of at most 500 printable characters."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    if not text.isprintable():
        text = "".join(one if one.isprintable() else " " if one.isspace() else "?" for one in text[: 4 * MAX_TEXT])
    return text.strip()[:MAX_TEXT]
