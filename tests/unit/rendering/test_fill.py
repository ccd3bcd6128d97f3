"""Templates that are filled in without Jinja2's code: the result is the one that Jinja2 gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Template

from ses_ops.rendering.budget import budget
from ses_ops.rendering.compiled_part import CompiledPart
from ses_ops.rendering.environment import MailEnvironment, make_environment
from ses_ops.rendering.template_loader import InsideLoader
from tests.sizes import examples

HTML, TEXT = (make_environment(InsideLoader(Path("/nonexistent")), autoescape=on) for on in (True, False))
HTML.autoescape = True
VALUES = st.fixed_dictionaries({name: st.text("ab <&>'\"/?é{%\n", max_size=8) for name in "xyz"})
FILTERS = ["urlencode", "upper", "e", "default('?')", "trim", "safe", "length", "first"]
WORDS = st.sampled_from(["Dear ", "\n", "<b>", "&amp;", ".", " {# note #} ", "100%", "\n  "])
OUTPUTS = st.builds(
    lambda name, filters: "{{ " + " | ".join([name, *filters]) + " }}",
    st.sampled_from("xyz"),
    st.lists(st.sampled_from(FILTERS), max_size=2),
)
SOURCES = st.recursive(
    WORDS | OUTPUTS,
    lambda inner: (
        st.builds(
            lambda name, body, other: f"{{%- if {name} %}}{body}{{% else -%}}{other}{{% endif %}}",
            st.sampled_from("xyz"),
            inner,
            inner,
        )
        | st.lists(inner, max_size=4).map("".join)
    ),
    max_leaves=12,
)


def compiled(environment: MailEnvironment, source: str) -> tuple[CompiledPart, Template]:
    template = environment.from_string(source)
    return CompiledPart(template, source=source, template_name="letter", part="body"), template


@settings(max_examples=examples(500))
@given(source=SOURCES, values=VALUES, environment=st.sampled_from([HTML, TEXT]))
def test_it_is_what_jinja2_renders(source: str, values: dict[str, str], environment: MailEnvironment) -> None:
    part, template = compiled(environment, source)
    try:
        with budget():
            expected = template.render(values)
    except Exception:
        with pytest.raises(Exception, match="letter"):
            part.render(values)
        return
    assert part.render(values) == expected


@pytest.mark.parametrize(
    ("source", "flat"),
    [
        ("Dear {{ x }},", True),
        ("{{ x | urlencode }}{{ x | upper | e }}{{ x | default('you') }}", True),
        ("{% if x %}{{ y }}{% else %}nobody{% endif %}", True),
        ("{% if x == 'a' %}b{% endif %}", False),
        ("{% if x %}a{% elif y %}b{% endif %}", False),
        ("{% for a in x %}{{ a }}{% endfor %}", False),
        ("{{ x.upper() }}", False),
        ("{{ x" + " | upper" * 50 + " }}", False),
        ("{% if x %}" * 15 + "{{ y }}" + "{% endif %}" * 15, False),
        ("{{ range(3) | list }}", False),
        ("{{ x | replace('a', y) }}", False),
        ("{{ x | truncate(3) }}", False),
        ("{% include 'a.html' %}", False),
    ],
)
def test_which_templates_need_no_interpreter(source: str, flat: bool) -> None:
    part, _ = compiled(HTML, source)
    assert (part._fast is not None) is flat


def test_a_texts_object_is_the_same_every_time() -> None:
    part, _ = compiled(HTML, "Dear {{ x }}, hello")
    first, second = part.pieces({"x": "a"}), part.pieces({"x": "b"})
    assert first[0] is second[0]
    assert first[2] is second[2]
