"""Rules of `<style>` that decide whether an element is seen: a class for the *preheader*, mostly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_COMMENT = re.compile(r"/\*.*?(?:\*/|$)|<!--|-->", re.DOTALL)
_BRACE = re.compile(r"[{};]")
#: `td`, `.preheader`, `span.preheader`, `#preheader`: no states, no relations, no attributes.
_SIMPLE = re.compile(r"(?P<name>[a-z][a-z0-9]*|\*)?(?P<marks>(?:[.#][\w-]+)*)", re.IGNORECASE)
_MARK = re.compile(r"[.#][\w-]+")
#: The declarations that can make something unseen; no meaningful value of theirs is longer.
_DECLARATION = re.compile(
    r"(?:^|;)\s*((?:display|visibility|opacity|overflow(?:-y)?|(?:max-)?(?:height|width)|font(?:-size)?|mso-hide)"
    r"\s*:[^;]{1,80})",
    re.IGNORECASE,
)
#: Rules kept for one class, id or name, so that many of them for many elements stay a bounded amount of work.
_MAX_RULES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    name: str
    #: Classes with their dot and ids with their number sign, all of which an element must have.
    marks: frozenset[str]
    #: Ids, then classes, then names (Selectors 4, 17), then the place in the style sheets.
    weight: tuple[int, int, int, int]
    style: str


@dataclass(slots=True)
class StyleSheet:
    """All rules so far that have simple selectors. Those in `@media` are for some readers only and do not count."""

    _by_mark: dict[str, list[_Rule]] = field(default_factory=dict)
    _rules: int = 0

    def add(self, css: str) -> None:
        """The rules of one more `<style>`."""
        for selectors, style in _rules_of(_COMMENT.sub(" ", css)):
            if declarations := _DECLARATION.findall(style):
                for selector in selectors.split(","):
                    self._add(selector.strip().lower(), "".join(f"{one};" for one in declarations))

    def style_of(self, name: str, attributes: Mapping[str, str]) -> str:
        """The declarations for an element, the weakest first, as they could stand before those of its own."""
        if not self._by_mark:
            return ""
        marks = {f".{word}" for word in attributes.get("class", "").lower().split()}
        if "id" in attributes:
            marks.add(f"#{attributes['id'].strip().lower()}")
        rules = [
            rule
            for key in (name, "*", *marks)
            for rule in self._by_mark.get(key, ())
            if rule.name in ("", "*", name) and rule.marks <= marks
        ]
        return "".join(rule.style for rule in sorted(rules, key=lambda rule: rule.weight))

    def _add(self, selector: str, style: str) -> None:
        found = _SIMPLE.fullmatch(selector)
        if not found or not selector:
            return
        name, marks = found["name"] or "", frozenset(_MARK.findall(found["marks"]))
        ids = sum(mark.startswith("#") for mark in marks)
        self._rules += 1
        weight = (ids, len(marks) - ids, int(name not in ("", "*")), self._rules)
        # An element is asked for the rules of one of its marks, so that a thousand classes cost it nothing.
        key = min(marks, default=name)
        rules = self._by_mark.setdefault(key, [])
        rules.append(_Rule(name=name, marks=marks, weight=weight, style=style))
        del rules[:-_MAX_RULES]


def _rules_of(css: str) -> Iterator[tuple[str, str]]:
    """The selectors and declarations of all rules that stand in no other (CSS Syntax 3), without those of `@` rules."""
    begin = depth = 0
    selectors = ""
    for found in _BRACE.finditer(css):
        if found[0] == "{":
            if not depth:
                selectors, begin = css[begin : found.start()].strip(), found.end()
            depth += 1
        elif found[0] == "}":
            if depth == 1 and not selectors.startswith("@"):
                yield selectors, css[begin : found.start()]
            depth = max(depth - 1, 0)
            if not depth:
                begin = found.end()
        elif not depth:
            begin = found.end()
