"""The note of a request that it has changed something, for its error page.

The note is set where a change is written (`database.changing`) and read where an error becomes a page. A route runs in
a thread with a copy of the request's context, in which the object is the same.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Sentences about the change of a request that failed, shown beside the error.
HOLDS = N_("The change itself was made, and it holds: only what came after it failed. Look before you do it again.")
UNKNOWN = N_("It is not known whether the change was made. Look before you do it again.")
NOTHING = N_("Nothing was changed.")


@dataclass
class Changes:
    """The note of one request."""

    made: bool = False


_OF_REQUEST: ContextVar[Changes | None] = ContextVar("changes of a request", default=None)


@contextmanager
def noting_changes() -> Iterator[None]:
    """Keep a note for the length of a request."""
    token = _OF_REQUEST.set(Changes())
    try:
        yield
    finally:
        _OF_REQUEST.reset(token)


def note_change() -> None:
    """Note that a change is stored: from now on no error page of the request may say that nothing was changed."""
    if (changes := _OF_REQUEST.get()) is not None:
        changes.made = True


def change_made() -> bool:
    """Whether this request has stored a change."""
    changes = _OF_REQUEST.get()
    return changes is not None and changes.made


def sentence_of_change(*, only_reads: bool) -> str:
    """The sentence about the change of a request that failed with an unexpected error, as a text to translate."""
    if change_made():
        return HOLDS
    return NOTHING if only_reads else UNKNOWN
