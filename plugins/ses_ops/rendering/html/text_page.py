"""Lines of plain text, as they come: white space, blank lines and lists, as a browser would set them."""

from __future__ import annotations

import re

_WHITE = re.compile(r"[\t\n\f\r ]+")
#: Columns of a list in a list, and the lists in lists that are set off from each other.
_STEP, _MAX_LISTS = 4, 8
_BULLETS = "*+o-"


class TextPage:
    """What is written in order. Breaks and spaces wait until something follows them."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._breaks = 0
        self._space = False
        self._lists: list[int | None] = []
        self._bullet = ""
        self._line_is_new = True
        #: Pieces that have been written; changes whenever something is shown.
        self.written = 0
        #: The last thing written is where a link leads.
        self.ends_with_link = False

    def text(self) -> str:
        """All that was written."""
        return "".join(self._pieces)

    @property
    def last(self) -> str:
        """The last piece."""
        return self._pieces[-1] if self._pieces else ""

    def flow(self, text: str) -> None:
        """Text in which any white space is one space."""
        text = _WHITE.sub(" ", text)
        if text.startswith(" "):
            self._space = True
        if words := text.strip(" "):
            self._put(words)
            self._space = text.endswith(" ")

    def as_it_is(self, text: str) -> None:
        """Text whose spaces and lines count (`<pre>`)."""
        for number, line in enumerate(text.split("\n")):
            if number:
                self.line_break()
            if line:
                self._put(line)

    def space(self) -> None:
        """The next word does not touch the last one."""
        self._space = True

    def behind(self, text: str) -> None:
        """Put where a link leads behind the last word, whatever has ended since."""
        self._pieces.append(text)
        self.ends_with_link = True

    def line_break(self) -> None:
        """`<br>`: one after the other make blank lines."""
        self._breaks = min(self._breaks + 1, 2)
        self._space = False

    def block(self, margin: int) -> None:
        """What follows begins on a line of its own, with a blank line before when `margin` is 1."""
        self._breaks = max(self._breaks, 1 + margin)
        self._space = False

    def list_begins(self, *, numbered: bool) -> None:
        """What follows is set in."""
        self._lists.append(0 if numbered else None)

    def list_ends(self) -> None:
        """The innermost list is over."""
        if self._lists:
            self._lists.pop()

    def item(self) -> None:
        """What follows has a bullet or the next number."""
        if not self._lists:
            return
        number = self._lists[-1]
        if number is not None:
            self._lists[-1] = number = number + 1
        sign = f"{number}. " if number is not None else f"{_BULLETS[(len(self._lists) - 1) % len(_BULLETS)]} "
        self._bullet = sign.rjust(_STEP)

    def _put(self, text: str) -> None:
        if self._breaks and self._pieces:
            self._pieces.append("\n" * self._breaks)
            self._line_is_new = True
        if self._line_is_new or self._bullet:
            indent = _STEP * min(len(self._lists), _MAX_LISTS)
            self._pieces.append((" " * max(indent - _STEP, 0) + self._bullet) if self._bullet else " " * indent)
        elif self._space:
            self._pieces.append(" ")
        self._pieces.append(text)
        self._breaks, self._space, self._line_is_new, self._bullet = 0, False, False, ""
        self.ends_with_link = False
        self.written += 1
