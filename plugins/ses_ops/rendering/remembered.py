"""What was made of a text lately: a cache with a bound of the characters that it stands for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """The values of the keys that were asked for last. Threads may share it."""

    def __init__(self, *, characters: int, most: int) -> None:
        """`characters` of all keys together; a key with a quarter of them is not remembered. `most`: number of keys."""
        self._characters, self._most = characters, most
        self._known: OrderedDict[Hashable, tuple[int, T]] = OrderedDict()
        self._taken = 0
        self._lock = threading.Lock()

    def known(self, key: Hashable) -> T | None:
        """The value of a key, if it is remembered."""
        with self._lock:
            if (found := self._known.get(key)) is None:
                return None
            self._known.move_to_end(key)
            return found[1]

    def get(self, key: Hashable, size: int, make: Callable[[], T]) -> T:
        """The value of a key of this many characters, made now unless it is known."""
        found = self.known(key)
        if found is not None:
            return found
        made = make()
        if size * 4 <= self._characters:
            with self._lock:
                if key not in self._known:
                    self._known[key] = (size, made)
                    self._taken += size
                while self._taken > self._characters or len(self._known) > self._most:
                    _, (taken, _) = self._known.popitem(last=False)
                    self._taken -= taken
        return made
