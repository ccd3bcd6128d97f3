"""One domain's entry in the text of the quota Variable, read and replaced in place.

People edit the Variable by hand, too. All other text (the order of the entries, spaces, an entry that is still wrong)
stays letter by letter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from json.decoder import WHITESPACE, scanstring  # type: ignore[attr-defined]
from typing import Any

from ses_ops.domain.address import domain_key
from ses_ops.domain.quota_entries import quota_object
from ses_ops.domain.warmup import parse_quota_variable

_DECODER = json.JSONDecoder(object_pairs_hook=quota_object)
#: The text of a Variable that does not exist yet.
EMPTY = "{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    """A name, and the positions of the name and its entry in the text."""

    name: str
    begin: int
    value_begin: int
    end: int


def entry_mark(text: str | None, domain: str) -> str:
    """A hash of a domain's entry, by which a change of the entry is noticed; "" without one. Raises as `with_entry`."""
    given = text or EMPTY
    parse_quota_variable(given)
    own = [given[pair.begin : pair.end] for pair in _pairs(given) if domain_key(pair.name) == domain]
    return hashlib.sha256("\n".join(own).encode()).hexdigest()[:16] if own else ""


def with_entry(text: str | None, domain: str, entry: Mapping[str, Any]) -> str:
    """The text of the Variable with this entry for a domain: in place of the old entry, else at the end.

    Of several entries for the domain one is left. Raises InvalidInput for a text that is no JSON object, because such a
    text cannot be corrected without its writer.
    """
    given = text or EMPTY
    parse_quota_variable(given)
    pairs = _pairs(given)
    own = [pair for pair in pairs if domain_key(pair.name) == domain]
    value = json.dumps(entry, ensure_ascii=False)
    if not own:
        before = given[: pairs[-1].end] + "," if pairs else "{"
        return f"{before}\n  {json.dumps(domain)}: {value}\n}}\n"
    written = given[: own[0].value_begin] + value
    at = own[0].end
    for pair in own[1:]:
        # The entry is removed with the comma before it, which exists because the first entry stays.
        written += given[at : given.rindex(",", 0, pair.begin)]
        at = pair.end
    return written + given[at:]


def _pairs(text: str) -> list[_Pair]:
    """The members of the JSON object in `text`, which was parsed before and so is valid."""
    found: list[_Pair] = []
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        name, end = scanstring(text, at + 1, True)
        value_begin = _skip(text, _skip(text, end) + 1)
        _, value_end = _DECODER.raw_decode(text, value_begin)
        found.append(_Pair(name=name, begin=at, value_begin=value_begin, end=value_end))
        at = _skip(text, value_end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _skip(text: str, at: int) -> int:
    found = WHITESPACE.match(text, at)
    return found.end() if found else at
