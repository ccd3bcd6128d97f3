"""A form field with several addresses, separated by line ends, commas or semicolons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ses_ops.console.errors import worded
from ses_ops.domain.address import Address, parse_address
from ses_ops.errors import InvalidInput

if TYPE_CHECKING:
    from ses_ops.console.language import Language

_BETWEEN = re.compile(r"[\n,;]+")
#: Number of mistakes that an error names; a person mends the first ones first.
_NAMED = 3


def read_addresses(text: str, words: Language, *, most: int) -> tuple[list[Address], str | None]:
    """Each address once, in order; then the error of the text, None for a good one."""
    found: dict[str, Address] = {}
    problems: list[str] = []
    for part in (part.strip() for part in _BETWEEN.split(text)):
        if not part:
            continue
        try:
            address = parse_address(part)
        except InvalidInput as problem:
            problems.append(worded(words, problem))
        else:
            found.setdefault(address.key, address)
    if problems:
        shown = "; ".join(problems[:_NAMED])
        if len(problems) <= _NAMED:
            return [], shown
        more = words.gettext("%(count)s more", count=words.number(len(problems) - _NAMED))
        return [], f"{shown}; {more}"
    if not found:
        return [], words.gettext("Write at least one address, for example ann@example.com.")
    if len(found) > most:
        return [], words.gettext(
            "These are %(count)s addresses; at most %(most)s are possible at a time. Take some out.",
            count=words.number(len(found)),
            most=words.number(most),
        )
    return list(found.values()), None
