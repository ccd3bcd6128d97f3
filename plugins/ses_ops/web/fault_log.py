"""Errors in a log by their kind and place, without their words: a database's name values, and so people's addresses."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType


def without_words(error: BaseException | None) -> str:
    """The kinds of an error and of its causes, each with the places that it went through."""
    found = []
    while error is not None:
        found.append(f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}")
        error = error.__cause__
    return "caused by ".join(found)


class FormatterWithoutWords(logging.Formatter):
    """A formatter whose tracebacks are those of `without_words`."""

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """The traceback of a record."""
        return without_words(ei[1])


def log_to_stderr() -> None:
    """Have this process log to stderr, each line with its time."""
    handler = logging.StreamHandler()
    handler.setFormatter(FormatterWithoutWords("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
