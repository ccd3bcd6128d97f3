"""Addresses that the server says do not exist: no mail goes there again (domain.md: a hard bounce suppresses)."""

from __future__ import annotations

#: So many of a chunk are believed in any case; more of them only if no more were refused than accepted. A server that
#: knows nobody is itself wrong, and an entry of the list lasts for ever.
FEW = 20


class HardBounces:
    """One chunk's, from the server's answer until they are on the suppression list."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        #: What the server said, by the message's number.
        self._waiting: dict[int, str] = {}
        self._count = 0

    def add(self, seq: int, words: str) -> None:
        """The server answered RCPT so."""
        if self._wanted:
            self._waiting[seq] = words
            self._count += 1

    def __bool__(self) -> bool:
        """Whether any waits to be put on the list."""
        return bool(self._waiting)

    def believed(self, sent: int) -> dict[int, str]:
        """Those to be put on the list now, after so many were accepted."""
        return dict(self._waiting) if self._count <= max(FEW, sent) else {}

    def landed(self, written: dict[int, str]) -> None:
        """These are on the list."""
        for seq in written:
            self._waiting.pop(seq, None)
