"""Patterns for LIKE."""

from __future__ import annotations

import re

#: What means something in a pattern.
_AS_IT_IS = re.compile(r"[\\%_]")


def containing(text: str) -> str:
    """The pattern of address keys that have a text in them, in whatever case it is written."""
    return "%" + _AS_IT_IS.sub(r"\\\g<0>", text.casefold()) + "%"
