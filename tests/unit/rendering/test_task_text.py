"""The subject and the unsubscribe link that a task brings along hold values and filters, and no programs."""

from __future__ import annotations

import pytest

from ses_ops.errors import TemplateError
from ses_ops.rendering.unsubscribe_link import UnsubscribeLink
from tests.unit.rendering.conftest import WriteTemplate


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Hello", "Hello"),
        ("Hello {{ name }}", "Hello Ann"),
        ("{{ name | upper | truncate(2, end='', leeway=0) }}{{ city|default('you') }}{{ '{{' }}", "AN{{"),
        ("{% if city %}In {{ city }}{% elif name %}For {{ name }}{% else %}For you{% endif %}", "For Ann"),
        ("{% if city | trim %}In {{ city }}{% endif %}{# never seen #}!", "!"),
    ],
)
def test_values_filters_and_choices_between_them_are_allowed(write: WriteTemplate, text: str, made: str) -> None:
    template = write(text="{{ name }}{{ city }}")
    assert template.variables_for(subject=text) == {"name", "city"}
    assert template.preview({"name": "Ann", "city": ""}, subject=text).subject == made


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(90000) %}{% for b in range(90000) %}{% set c = a %}{% endfor %}{% endfor %}",
        "{% set a = name %}",
        "{% set a %}x{% endset %}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'letter/body.txt' %}",
        "{% extends 'letter/body.txt' %}",
        "{% import 'letter/body.txt' as x %}",
        "{% block a %}{% endblock %}",
        "{% with a = 1 %}{% endwith %}",
        "{% filter upper %}x{% endfilter %}",
        "{% call name() %}{% endcall %}",
        "{% if name == 'Ann' %}x{% endif %}",
        "{% if name %}{% for a in name %}{% endfor %}{% endif %}",
        "{% if name %}{% elif name %}{% set a = 1 %}{% else %}{% endif %}",
        "{{ range(9) }}",
        "{{ name ~ name }}",
        "{{ name * 9 }}",
        "{{ name + name }}",
        "{{ -1 }}",
        "{{ not name }}",
        "{{ name.upper() }}",
        "{{ name.x }}",
        "{{ name[0] }}",
        "{{ name[1:] }}",
        "{{ name if name else name }}",
        "{{ [name] }}",
        "{{ name|replace('a', name) }}",
        "{{ name|default(value='a' ~ 'b') }}",
        "{{ name|join(*name) }}",
        "{{ name is defined }}",
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(write: WriteTemplate, text: str) -> None:
    template = write(text="{{ name }}")
    says = r"only values may stand here: \{\{ name \}\}, \{\{ name \| upper \}\}, \{% if name %\}.* \(line 1"
    with pytest.raises(TemplateError, match=rf"'letter' \(subject\): {says}"):
        template.compile_text(text, "subject")
    with pytest.raises(TemplateError, match=says):
        template.variables_for(subject=text)
    with pytest.raises(TemplateError, match=says):
        template.variables_for(unsubscribe_url=f"https://example.com/{text}")
    with pytest.raises(TemplateError, match=rf"\(unsubscribe_url\): {says}"):
        UnsubscribeLink(f"https://example.com/{text}", template)


def test_a_text_of_a_task_is_short(write: WriteTemplate) -> None:
    with pytest.raises(TemplateError, match="it has 2001 characters, more than 2000"):
        write(text="x").compile_text("x" * 2001, "subject")
