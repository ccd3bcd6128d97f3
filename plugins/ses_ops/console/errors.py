"""Errors and explanations in the reader's language, by code.

`error_sentences/` has the English sentence of every code. The same sentence, with `%(name)s` for a placeholder, is the
message id of its translations (`locale/*/sentences_*.po`). A text without a code, such as a library's message or the
outcome of a message, is looked up by its words (`recognised_texts`), and else shown unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from ses_ops.console.language import N_
from ses_ops.console.recognised_texts import recognised
from ses_ops.error_sentences import Place, places, sentences
from ses_ops.errors import PLACES, Explanation, Sentence, SesError

if TYPE_CHECKING:
    from ses_ops.console.language import Language

#: Facts that a sentence beside its field omits, since the page shows the file and the field already.
BESIDE_FIELD = ("where", "field", "in_line")
_QUOTE = N_("'%(quoted)s'")
_NONE = N_("none")
_TEMPLATE = N_("template %(template)s")
_PART = N_("template %(template)s (%(part)s)")
_DOMAIN = N_("nothing can be sent from %(domain)s: %(problem)s")
_LINE = N_("%(problem)s (line %(line)s)")
_LINE_OF = N_("%(problem)s (line %(line)s of %(file)s)")


def worded(words: Language, said: SesError | Explanation | str, *, without: Collection[str] = ()) -> str:
    """An error, an explanation or a text in the reader's language; `without` are the facts to omit."""
    if isinstance(said, Sentence):
        said = said.explanation
    if isinstance(said, str):
        return recognised(words, said)
    explanation = (said.explanation if isinstance(said, SesError) else said).without(*without)
    sentence = sentences().get(explanation.code)
    if sentence is None or words.code == "en":
        return recognised(words, str(explanation))
    facts, own = explanation.facts, places(sentence)
    text = words.gettext(message_id(sentence), **{one.name: _value(words, one, facts.get(one.name)) for one in own})
    named = {name: one for name, one in facts.items() if name not in {place.name for place in own}}
    if (line := named.get("in_line")) is not None:
        file = named.get("in_file")
        text = (
            words.gettext(_LINE_OF, problem=text, line=line, file=file)
            if file
            else words.gettext(_LINE, problem=text, line=line)
        )
    return _behind_places(words, named, text)


def worded_beside(words: Language, problem: SesError) -> str:
    """The sentence of an error beside its field: without the names of field and file, and with a capital letter."""
    text = worded(words, problem, without=BESIDE_FIELD)
    return text[:1].upper() + text[1:] if words.code == "en" else text


def marked(words: Language, said: SesError | Explanation | str) -> Markup:
    """The sentence as HTML: English parts are marked as English, for screen readers."""
    shown = worded(words, said)
    if words.code == "en" or shown != str(said):
        return escape(shown)
    said = str(said)
    # A person's input may be in any language.
    return (Markup('<bdi lang="en">{}</bdi>') if said.isascii() else Markup("<bdi>{}</bdi>")).format(said)


@cache
def message_id(sentence: str) -> str:
    """The message id of an English sentence, with placeholders in gettext's form."""
    text, at = "", 0
    # gettext's `%%`, which only a text with placeholders has.
    sentence = sentence.replace("%", "%%") if places(sentence) else sentence
    for place in places(sentence):
        begin = sentence.index("{" + place.name, at)
        text += _plain(sentence[at:begin]) + f"%({place.name})s"
        at = sentence.index("}", begin) + 1
    return text + _plain(sentence[at:])


def _plain(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def _behind_places(words: Language, facts: Mapping[str, Any], text: str) -> str:
    text = "".join(f"{recognised(words, str(facts[name]))}: " for name in PLACES[3:] if facts.get(name)) + text
    if domain := facts.get("domain"):
        return words.gettext(_DOMAIN, domain=_quoted(words, domain), problem=text)
    if template := facts.get("template"):
        quoted, part = _quoted(words, template), facts.get("part")
        id, more = (_PART, {"part": part}) if part else (_TEMPLATE, {})
        return f"{words.gettext(id, template=quoted, **more)}: {text}"
    return text


def _value(words: Language, place: Place, value: Any) -> str:
    if isinstance(value, Explanation):
        return worded(words, value)
    if place.quoted:
        return _quoted(words, value)
    if isinstance(value, list):
        return ", ".join(_value(words, place, one) for one in value) or words.gettext(_NONE)
    if isinstance(value, dict):
        return ", ".join(f"{words.gettext(kind)} ({words.number(count)})" for kind, count in value.items())
    if place.format and isinstance(value, int | float):
        return format(value, place.format)
    return recognised(words, str(value))


def _quoted(words: Language, value: Any) -> str:
    return words.gettext(_QUOTE, quoted=value) if isinstance(value, str) else repr(value)
