"""What strangers write, as PostgreSQL stores it."""

from __future__ import annotations

import re

from ses_ops.domain.message_event import MAX_RAW
from ses_ops.errors import Explanation

#: NUL, and halves of surrogate pairs.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str, most: int) -> str:
    """A text that PostgreSQL stores: without NUL and lone surrogates, and not longer than `most` characters."""
    return _NOT_STORABLE.sub("\ufffd", text[:most])


def storable(why: Explanation) -> Explanation:
    """The same explanation with facts that PostgreSQL stores: they may be words of a mail."""
    facts = {name: clean(one, MAX_RAW) if isinstance(one, str) else one for name, one in why.facts.items()}
    return Explanation(why.code, **facts)
