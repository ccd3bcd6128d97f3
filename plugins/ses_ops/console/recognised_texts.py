"""Errors and reasons in the person's language, found again by their English sentence.

The layers below write English: into logs, onto the command line, and into the database, where the sentence of an
earlier version may stand too. So the text itself is the key. A message id of `locale/*/sentences_*.po` is such a
sentence with a name in each place of a value (`send task %(name)s is cancelled`); here it is found in a text again with
the values, and put into the person's language. What nobody translated (a server's own words, what a person typed) is
shown as it is. `tests/console/test_sentences.py` reads every sentence out of the source and misses none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ses_ops.console.language import N_, catalog_files, read_catalog

if TYPE_CHECKING:
    from ses_ops.console.language import Language

#: What the names of the catalogs of sentences begin with.
FILES = "sentences_"
#: Places that hold a sentence themselves, or the name of a kind of thing.
NESTED = frozenset({"kind", "problem", "why"})
#: Places before a sentence, which end where it begins.
BEFORE = frozenset({"template", "part", "connection", "backend"})
#: Characters; a longer text is no sentence of ours.
LONGEST = 4_000
#: Sentences in sentences, and places before places.
DEEPEST = 6
_PLACE = re.compile(r"%\((\w+)\)s")
#: As repr() writes a text.
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")
_QUOTE = N_("'%(quoted)s'")


@dataclass(frozen=True, kw_only=True, slots=True)
class RecognisedText:
    """A message id, cut at its places: there is one text more than there are names."""

    id: str
    texts: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, id: str) -> RecognisedText:
        """The sentence of a message id."""
        parts = _PLACE.split(id)
        texts = (part.replace("%%", "%") for part in parts[0::2])
        return cls(id=id, texts=tuple(texts), names=tuple(parts[1::2]))

    @property
    def order(self) -> tuple[bool, int]:
        """First what goes on behind another sentence, which else could swallow that; then the longest."""
        goes_on = any(name in NESTED and text for name, text in zip(self.names, self.texts[1:], strict=True))
        return not goes_on, -sum(map(len, self.texts))

    def read(self, text: str) -> dict[str, str] | None:
        """The values that make this sentence of `text`, or None. It looks at each character once, whatever comes."""
        first, *between = self.texts
        last = between.pop() if between else ""
        end = len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last) or end < len(first):
            return None
        if not self.names:
            return {} if text == first else None
        facts, at = [], len(first)
        for fixed in between:
            found = text.find(fixed, at + 1, end)
            if found < 0:
                return None
            facts.append(text[at:found])
            at = found + len(fixed)
        facts.append(text[at:end])
        values = dict(zip(self.names, facts, strict=True))
        # Not "start_at: 'x'" before " is not a time": what the sentence begins with is behind the place of the mistake.
        ends = {*BEFORE, *(() if first or self.names[0] in NESTED else self.names[:1])} & values.keys()
        return values if all(facts) and all(_is_one(values[name]) for name in ends) else None


@cache
def sentences(code: str) -> tuple[RecognisedText, ...]:
    """The sentences of a language's catalogs, in the order in which they are tried."""
    ids = (
        message.id
        for file in catalog_files(code)
        if file.name.startswith(FILES)
        for message in read_catalog(file, code)
        if isinstance(message.id, str) and message.id
    )
    return tuple(sorted(map(RecognisedText.of, ids), key=lambda one: one.order))


def read(text: str, known: Iterable[RecognisedText]) -> tuple[RecognisedText, dict[str, str]] | None:
    """The sentence that a text is, and the values in its places."""
    for sentence in known:
        facts = sentence.read(text)
        if facts is not None:
            return sentence, facts
    return None


def recognised(words: Language, text: str) -> str:
    """A sentence in the person's language; as it is when nobody translated it."""
    return _said(words, text, DEEPEST) if len(text) <= LONGEST else text


def _is_one(fact: str) -> bool:
    """Whether a value is not a place and something else."""
    return ": " not in fact or _QUOTED.fullmatch(fact) is not None


def _fact(words: Language, fact: str) -> str:
    quoted = _QUOTED.fullmatch(fact)
    return fact if quoted is None else words.gettext(_QUOTE, quoted=quoted[1] if quoted[1] is not None else quoted[2])


def _said(words: Language, text: str, depth: int) -> str:
    found = read(text, sentences(words.code)) if depth else None
    if found is not None:
        sentence, facts = found
        nested = {name: _said(words, fact, depth - 1) for name, fact in facts.items() if name in NESTED}
        values = {name: _fact(words, fact) for name, fact in facts.items() if name not in NESTED}
        return words.gettext(sentence.id, **nested, **values)
    # "host:25: ...", "template 'x' (body.html): ...", "line 3: ...": a place, then what is wrong there.
    place, colon, problem = text.partition(": ")
    return f"{_said(words, place, depth - 1)}: {_said(words, problem, depth - 1)}" if colon and depth else text
