"""Whether a request has changed something by now: what may be said of it when it fails.

Set where a change is written (`database.changing`), read where an error becomes a page. A route runs in a thread with a
copy of the request's context; the object in it is the same.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What is said of a request that failed, beside why.
HOLDS = N_("The change itself was made, and it holds: only what came after it failed. Look before you do it again.")
UNKNOWN = N_("It is not known whether the change was made. Look before you do it again.")
NOTHING = N_("Nothing was changed.")


@dataclass
class Changes:
    """Of one request."""

    made: bool = False


_OF_REQUEST: ContextVar[Changes | None] = ContextVar("changes of a request", default=None)


@contextmanager
def noting_changes() -> Iterator[None]:
    """For the length of a request, what `note_change` notes."""
    token = _OF_REQUEST.set(Changes())
    try:
        yield
    finally:
        _OF_REQUEST.reset(token)


def note_change() -> None:
    """Something is stored: from now on no answer may say that nothing happened."""
    if (changes := _OF_REQUEST.get()) is not None:
        changes.made = True


def change_made() -> bool:
    """Whether this request has stored something."""
    changes = _OF_REQUEST.get()
    return changes is not None and changes.made


def fate(*, only_looks: bool) -> str:
    """What is true of a request that failed and nobody knows where, as a text to translate."""
    if change_made():
        return HOLDS
    return NOTHING if only_looks else UNKNOWN
