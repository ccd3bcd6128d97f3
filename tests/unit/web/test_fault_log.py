"""A log that has no values of people in its tracebacks."""

from __future__ import annotations

import io
import logging

from ses_ops.web.fault_log import FormatterWithoutWords

WORDS = "Key (address)=(ann@people.example) already exists"


def test_a_traceback_has_kinds_and_places_and_no_words():
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(FormatterWithoutWords("%(levelname)s %(message)s"))
    log = logging.Logger("test")
    log.addHandler(handler)
    try:
        try:
            raise ValueError(WORDS)
        except ValueError as cause:
            raise KeyError(WORDS) from cause
    except KeyError:
        log.exception("a message cannot be accepted")
    assert told.getvalue().startswith("ERROR a message cannot be accepted\nKeyError\n")
    assert "caused by ValueError" in told.getvalue()
    assert "test_fault_log.py" in told.getvalue()
    assert "ann@" not in told.getvalue()
