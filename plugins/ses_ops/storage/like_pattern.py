"""Patterns for LIKE."""

from __future__ import annotations

import re

from ses_ops.domain.search_key import address_keys

#: The characters with a meaning in a pattern.
_AS_IT_IS = re.compile(r"[\\%_]")


def containing(text: str) -> list[str]:
    """The patterns of address keys that have a text in them, in any spelling of the text; for `LIKE ANY`."""
    return ["%" + _AS_IT_IS.sub(r"\\\g<0>", key) + "%" for key in address_keys(text)]
