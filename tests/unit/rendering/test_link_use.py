"""A template that shows the unsubscribe link of a task that has none is found, with the line; a guarded one is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.domain.mail_content import MailContent
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import TemplateError
from ses_ops.rendering.template_facts import template_facts
from ses_ops.sending.task_renderer import task_renderer
from tests.sizes import examples
from tests.unit.rendering.conftest import WriteTemplate

_MAIL = MailContent(
    type=TaskType.IMMEDIATE,
    template="letter",
    sender="news@mail.example.com",
    sender_domain="mail.example.com",
)
_FILES = {
    "part/link.html": '<a href="{{ unsubscribe_url }}">x</a>',
    "part/plain.html": "x",
    "part/base.html": "<p>\n{{ unsubscribe_url }}{% block b %}{% endblock %}</p>",
    "part/macros.html": "{% macro footer() %}{{ unsubscribe_url }}{% endmacro %}",
}


@pytest.mark.parametrize(
    "source",
    [
        "<a href='{{ unsubscribe_url }}'>x</a>",
        "{{ unsubscribe_url | e }}",
        "{{ 'Unsubscribe: ' ~ unsubscribe_url }}",
        "{% if name %}{{ unsubscribe_url }}{% endif %}",
        "{% if not unsubscribe_url %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url %}x{% else %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url %}x{% endif %}{{ unsubscribe_url }}",
        "{% if unsubscribe_url is defined %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url is not none %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url or name %}{{ unsubscribe_url }}{% endif %}",
        "{{ unsubscribe_url | default('https://x.example') }}",
        "{% set link = unsubscribe_url %}{{ link }}",
        "{% with link = unsubscribe_url %}{{ link }}{% endwith %}",
        "{% include 'part/link.html' %}",
        "{% extends 'part/base.html' %}",
        "{% macro m() %}{{ unsubscribe_url }}{% endmacro %}{{ m() }}",
        "{% macro m(url) %}{{ url }}{% endmacro %}{{ m(unsubscribe_url) }}",
        "{% macro m(unsubscribe_url) %}{{ unsubscribe_url }}{% endmacro %}{{ m(unsubscribe_url) }}",
        "{% import 'part/macros.html' as m with context %}{{ m.footer() }}",
        "{% for x in [1] %}{{ unsubscribe_url }}{% endfor %}",
    ],
)
def test_a_link_without_a_guard_is_found(write: WriteTemplate, source: str, tmp_path: Path) -> None:
    for part in ("html", "text"):
        template = write(**{part: source}, files=_FILES, name=part)
        assert template.bare_link() is not None
        with pytest.raises(
            TemplateError, match=rf"'{part}' \(unsubscribe_url\): it shows .* \(line \d of .*\), which would"
        ):
            task_renderer(replace(_MAIL, template=part), tmp_path, installation_id="a1b2")
        assert "has an empty link" in str(template_facts(tmp_path, part).warnings[0])
        linked = replace(_MAIL, template=part, unsubscribe_url="https://x.example/u")
        for content in (linked, replace(_MAIL, template=part, type=TaskType.TEST)):
            task_renderer(content, tmp_path, installation_id="a1b2")


@pytest.mark.parametrize(
    "source",
    [
        "no link",
        "{% if unsubscribe_url %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url and name %}{{ unsubscribe_url }}{% endif %}",
        "{% if name %}x{% elif unsubscribe_url %}{{ unsubscribe_url }}{% endif %}",
        "{% if not unsubscribe_url %}-{% else %}{{ unsubscribe_url }}{% endif %}",
        "{% if not unsubscribe_url %}-{% elif name %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url != '' %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url == '' %}-{% else %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url | length > 0 %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url | trim %}{{ unsubscribe_url }}{% endif %}",
        "{% if unsubscribe_url.startswith('https') %}{{ unsubscribe_url }}{% endif %}",
        "{% if 'http' in unsubscribe_url %}{{ unsubscribe_url }}{% endif %}",
        "{{ unsubscribe_url if unsubscribe_url else '-' }}{{ '<' ~ unsubscribe_url ~ '>' if unsubscribe_url }}",
        "{{ unsubscribe_url or 'https://x.example' }}{{ unsubscribe_url and '<' ~ unsubscribe_url }}",
        "{{ unsubscribe_url | default('https://x.example', true) }}{{ unsubscribe_url | d('x', boolean=true) }}",
        "{% if not unsubscribe_url %}{% set unsubscribe_url = 'https://x' %}{% endif %}{{ unsubscribe_url }}",
        "{% set link = unsubscribe_url %}{% if link %}{{ link }}{% endif %}",
        "{% set link = unsubscribe_url or 'https://x.example' %}{{ link }}",
        "{% if unsubscribe_url %}{% include 'part/link.html' %}{% endif %}{% include 'part/plain.html' %}",
        "{% macro m() %}{{ unsubscribe_url }}{% endmacro %}{% if unsubscribe_url %}{{ m() }}{% endif %}",
        "{# {{ unsubscribe_url }} #}{% raw %}{{ unsubscribe_url }}{% endraw %}",
        "{% if unsubscribe_url %}{% for x in [1] %}{{ unsubscribe_url }}{% endfor %}{% endif %}",
    ],
)
def test_one_that_is_guarded_is_in_order(write: WriteTemplate, source: str, tmp_path: Path) -> None:
    template = write(html=source, files=_FILES)
    assert template.bare_link() is None
    assert template_facts(tmp_path, "letter").warnings == ()
    task_renderer(_MAIL, tmp_path, installation_id="a1b2")


def test_the_place_is_named_in_whatever_file_it_is(write: WriteTemplate) -> None:
    link = write(html="<p>\n\n{% include 'part/base.html' %}", text="x", files=_FILES).bare_link()
    assert link is not None
    assert (link.file, link.line) == ("part/base.html", 2)
    link = write(html="x", text="a\nb\nc {{ unsubscribe_url }}").bare_link()
    assert link is not None
    assert (link.file, link.line) == ("letter/body.txt", 3)


def test_the_subject_of_a_task_takes_the_place_of_the_templates(write: WriteTemplate, tmp_path: Path) -> None:
    template = write(text="x", subject="{{ unsubscribe_url }}")
    assert template.bare_link() is not None
    assert template.bare_link("Hello") is None
    task_renderer(replace(_MAIL, subject="Hello"), tmp_path, installation_id="a1b2")
    write(text="x")
    with pytest.raises(TemplateError, match=r"line 1 of subject"):
        task_renderer(replace(_MAIL, subject="Go: {{ unsubscribe_url }}"), tmp_path, installation_id="a1b2")


_TESTS = st.recursive(
    st.sampled_from(
        ["unsubscribe_url", "name", "not unsubscribe_url", "unsubscribe_url != ''", "unsubscribe_url == ''"]
    ),
    lambda inner: (
        st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
        | st.builds("(not {})".format, inner)
    ),
    max_leaves=5,
)
_SOURCES = st.recursive(
    st.sampled_from(["x", "[{{ unsubscribe_url }}]"]),
    lambda inner: (
        st.builds("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, _TESTS, inner, inner)
        | st.builds("{}{}".format, inner, inner)
    ),
    max_leaves=6,
)


@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(source=_SOURCES)
def test_what_is_found_in_order_never_shows_an_empty_link(write: WriteTemplate, source: str) -> None:
    template = write(text=source + "{{ name }}")
    if template.bare_link() is None:
        assert all("[]" not in template.preview({"name": name}).text for name in ("", "Ann"))
