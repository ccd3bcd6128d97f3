"""What one recipient's mail was made of is nowhere to be found in the next one's."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_ops.errors import TemplateError
from ses_ops.rendering.operations import FUNCTIONS
from ses_ops.rendering.template import MailTemplate, load_template
from tests.sizes import examples
from tests.unit.rendering.conftest import WriteTemplate

_MACROS = """
{% set kept = dict(a='-') %}{% set items = ['-'] %}{% set text = '-' %}
{% macro keep(x) %}{% set text = x %}{{ kept.a }}{{ items[0] }}{{ text }}{% endmacro %}
{% macro twice(f, x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}
"""
#: What reads a value, what tries to keep it, and what shows what was kept.
_PIECES = st.sampled_from(
    [
        "{{ name }}",
        "{{ kept }}",
        "{{ m.kept }}",
        "{{ m.items }}{{ m.text }}",
        "{{ m.keep(name) }}",
        "{{ m.twice(m.keep, name) }}",
        "{{ dict.update(m.kept, {'a': name}) }}",
        "{{ dict.fromkeys(m.kept, name) }}",
        "{{ dict(m.kept, a=name) }}",
        "{{ dict(m.kept).update(a=name) }}",
        "{{ m.kept.update(a=name) }}",
        "{{ m.kept.setdefault('b', name) }}",
        "{{ m.items.append(name) }}",
        "{{ m.items.__iadd__([name]) }}",
        "{{ [m.items] | map('append', name) | list }}",
        "{{ [m.items] | map(attribute='append') | list }}",
        "{% set kept = name %}",
        "{% set kept = dict(a=name) %}{% set m = kept %}",
        "{% for x in [1, 2] %}{{ loop.changed(name) }}{{ loop.cycle(name, 'x') }}{% endfor %}",
        "{% for name in m.items %}{{ name }}{% endfor %}",
        "{% if kept is defined %}{{ kept }}{% endif %}",
        "{% macro own(x=[]) %}{{ x.append(name) }}{{ x }}{% endmacro %}",
        "{{ own() }}",
        "{{ range.seen }}{{ range(2) | list }}",
        "{{ lipsum.kept }}",
        "{% include 'letter/part.txt' %}",
        "{% set text %}{{ name }}{% endset %}",
        "{{ text }}",
        "{{ name.upper }}",
        "{{ m }}",
    ]
)
_IMPORTS = st.sampled_from(
    [
        "{% import 'letter/m.txt' as m %}",
        "{% import 'letter/m.txt' as m with context %}",
        "{% from 'letter/m.txt' import kept, items, text, keep %}{% import 'letter/m.txt' as m %}",
        "",
    ]
)


def _seen(template: MailTemplate, name: str) -> tuple[str, ...]:
    """What the recipient of this name gets; an error is one of its results."""
    try:
        preview = template.preview({"name": name, **dict.fromkeys(template.variables - {"name"}, "v")})
    except TemplateError as problem:
        return ("error", str(problem))
    return (preview.subject, preview.text)


@settings(max_examples=examples(300), deadline=None)
@given(begin=_IMPORTS, pieces=st.lists(_PIECES, min_size=1, max_size=6))
def test_a_mail_is_the_same_whoever_came_before(begin: str, pieces: list[str]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "letter").mkdir()
        for file, text in {
            "m.txt": _MACROS,
            "part.txt": "{% set kept = name %}{{ name }}",
            "subject.txt": "{{ name }}",
            "body.txt": begin + "".join(pieces),
        }.items():
            (folder / "letter" / file).write_text(text, encoding="utf-8")
        try:
            template = load_template(folder, "letter")
        except TemplateError:
            return
        first, other, again = _seen(template, "Ann"), _seen(template, "Bob"), _seen(template, "Ann")
        assert again == first
        assert other == _seen(load_template(folder, "letter"), "Bob")
        assert "Ann" not in " ".join(other)
    finally:
        shutil.rmtree(folder)


def test_a_value_cannot_be_kept_in_an_imported_file(write: WriteTemplate) -> None:
    source = "{% import 'letter/m.txt' as m %}{{ dict.update(m.kept, {name: 'seen'}) }}{{ m.kept }}"
    template = write(text=source, files={"letter/m.txt": "{% set kept = {} %}"})
    assert "dict" in template.variables
    for name in ("Ann", "Bob"):
        with pytest.raises(TemplateError):
            template.preview({"name": name, "dict": "v"})


def test_what_templates_can_call_are_plain_functions() -> None:
    for name, function in FUNCTIONS.items():
        assert not isinstance(function, type), f"{name} is a class, and its methods could be called on what is kept"
