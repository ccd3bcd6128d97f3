"""English sentences of all error codes, one table a noun.

A sentence has its facts in braces, as `str.format` reads them: `send task {name!r} is cancelled`. The same sentence
with `%(name)s` for the placeholder is the message id of its translations. The package is imported when a sentence is
made, not with the errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

NOUNS = (
    "addresses",
    "api",
    "api_keys",
    "callbacks",
    "connections",
    "database",
    "domain_decisions",
    "hooks",
    "imports",
    "listeners",
    "mail_server",
    "mail_settings",
    "mail_statistics",
    "message_fields",
    "messages",
    "native_api",
    "orchestration",
    "quota",
    "reference",
    "reports",
    "reputation",
    "restores",
    "schedules",
    "sending",
    "single_messages",
    "task_fields",
    "tasks",
    "templates",
    "unmatched_events",
)
_PLACE = re.compile(r"\{(\w+)(?:!(\w))?(?::([^}]*))?\}")


class Place(NamedTuple):
    """A placeholder of a sentence: its fact's name and its format."""

    name: str
    quoted: bool
    format: str


@cache
def sentences() -> dict[str, str]:
    """All sentences by code."""
    tables = (import_module(f"{__name__}.{noun}").SENTENCES for noun in NOUNS)
    return {code: sentence for table in tables for code, sentence in table.items()}


@cache
def places(sentence: str) -> tuple[Place, ...]:
    """The placeholders of a sentence, in their order."""
    bare = sentence.replace("{{", "").replace("}}", "")
    return tuple(Place(name, conversion == "r", form) for name, conversion, form in _PLACE.findall(bare))


def english(code: str, facts: Mapping[str, Any]) -> str:
    """The sentence of a code with its facts, behind its location. An unknown code is its own sentence."""
    sentence = sentences().get(code)
    if sentence is None:
        return with_places(code, "", facts)
    return with_places(filled(sentence, facts), sentence, facts)


def filled(sentence: str, facts: Mapping[str, Any]) -> str:
    """A sentence with its facts; unchanged when facts are missing, as another version may have stored them."""
    quoted = {place.name for place in places(sentence) if place.quoted}
    try:
        return sentence.format_map({name: one if name in quoted else _english(one) for name, one in facts.items()})
    except (KeyError, TypeError, ValueError):
        return sentence


def with_places(text: str, sentence: str, facts: Mapping[str, Any]) -> str:
    """A sentence behind the locations among its facts that it does not have itself."""
    own = {place.name for place in places(sentence)}
    line, file = facts.get("in_line"), facts.get("in_file")
    before = [f"{one}: " for one in _named({name: one for name, one in facts.items() if name not in own})]
    return "".join(before) + text + ("" if line is None else f" (line {line} of {file})" if file else f" (line {line})")


def _named(facts: Mapping[str, Any]) -> list[str]:
    found = []
    if template := facts.get("template"):
        found.append(f"template {template!r}" + (f" ({facts['part']})" if facts.get("part") else ""))
    if domain := facts.get("domain"):
        found.append(f"nothing can be sent from {domain!r}")
    return found + [str(facts[name]) for name in ("server", "during", "where", "field") if facts.get(name)]


def _english(one: Any) -> Any:
    if hasattr(one, "facts"):  # an explanation; this package may not import `errors`
        return str(one)
    if isinstance(one, dict):
        return ", ".join(f"{name} {count:,}" for name, count in one.items())
    return (", ".join(map(str, one)) or "none") if isinstance(one, list) else one
