"""One domain's entry in the text of the quota Variable: read, known again, and written without touching the others.

The Variable is edited by hand, too. What a person wrote beside the entry (their order, their spaces, an entry that is
still wrong) stays letter by letter.
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
#: Of a Variable that is not there yet.
EMPTY = "{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    """A name and its entry, by their places in the text."""

    name: str
    begin: int
    value_begin: int
    end: int


def entry_mark(text: str | None, domain: str) -> str:
    """What a domain's entry is known by: another mark, and somebody has changed it. Raises as `with_entry` does."""
    given = text or EMPTY
    parse_quota_variable(given)
    own = [given[pair.begin : pair.end] for pair in _pairs(given) if domain_key(pair.name) == domain]
    return hashlib.sha256("\n".join(own).encode()).hexdigest()[:16] if own else ""


def with_entry(text: str | None, domain: str, entry: Mapping[str, Any]) -> str:
    """The Variable with another entry for a domain, or a new one at its end; of several entries one is left.

    Raises InvalidInput for a text that is no JSON object: nobody knows what its writer meant.
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
        # With the comma before it: the first one stays, so there is one.
        written += given[at : given.rindex(",", 0, pair.begin)]
        at = pair.end
    return written + given[at:]


def _pairs(text: str) -> list[_Pair]:
    """The members of the object that the text is (it was parsed before)."""
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
