"""Loading a template: what it needs, which variables it has, and errors that name the template, the part, the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ses_ops.errors import NotFound, TemplateError
from ses_ops.rendering.template import list_templates, load_template
from tests.unit.rendering.conftest import WriteTemplate

SAMPLES = Path(__file__).parents[3] / "include" / "templates"


def test_the_variables_are_those_of_all_parts_and_of_the_tasks_own_texts(write: WriteTemplate) -> None:
    template = write(subject="{{ a }}", html="{{ b }}", text="{% if c %}{{ d | default('x') }}{% endif %}")
    assert template.variables_for() == {"a", "b", "c", "d"}
    assert template.variables_for(subject="{{ e }}") == {"b", "c", "d", "e"}
    assert template.variables_for(unsubscribe_url="https://x.com/{{ f }}") == {"a", "b", "c", "d", "f"}


def test_what_a_template_sets_loops_over_or_jinja_brings_along_is_no_variable(write: WriteTemplate) -> None:
    template = write(
        text="{% set a = 1 %}{% for b in range(3) %}{{ a }}{{ b }}{{ loop.index }}{% endfor %}{{ unsubscribe_url }}"
    )
    assert template.variables_for() == frozenset()


def test_included_and_extended_files_count(write: WriteTemplate) -> None:
    template = write(
        html="{% extends '_layout/base.html' %}{% set title = 'T' %}{% block body %}{{ x }}"
        "{% include 'parts/foot.html' %}{% endblock %}",
        files={
            "_layout/base.html": "<h1>{{ title }} {{ shop }}</h1>{% block body %}{% endblock %}",
            "parts/foot.html": "<p>{{ street }}</p>",
        },
    )
    assert template.variables_for() == {"x", "shop", "street"}
    preview = template.preview({"x": "<1>", "shop": "S&S", "street": "1 St"})
    assert preview.html == "<h1>T S&amp;S</h1>&lt;1&gt;<p>1 St</p>"
    assert preview.text.split() == ["T", "S&S", "<1>", "1", "St"]


def test_a_template_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(NotFound, match="newsletter, order-notice"):
        load_template(SAMPLES, "newsleter")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "_layout", "x\n", "/etc"])
def test_a_name_cannot_be_a_path(name: str) -> None:
    with pytest.raises(TemplateError, match="a name has only"):
        load_template(SAMPLES, name)


def test_a_template_needs_a_subject_and_a_body(write: WriteTemplate, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"neither body\.html nor body\.txt"):
        write()
    (tmp_path / "other").mkdir()
    with pytest.raises(TemplateError, match=r"no subject\.txt"):
        load_template(tmp_path, "other")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"text": "a\nb {{ x"}, r"'letter' \(body.txt\): .*line 2"),
        ({"html": "a\n{% if x %}"}, r"'letter' \(body.html\): .*line 2"),
        ({"text": "a", "subject": "{% nope %}"}, r"\(subject.txt\): .*nope.*line 1"),
        ({"text": "{{ x|nofilter }}"}, "nofilter"),
        ({"text": "x", "subject": "two\nlines"}, "one line"),
        ({"text": "x", "files": {"letter/sample.json": "{"}}, "not JSON"),
        ({"text": "x", "files": {"letter/sample.json": '{"a": 1}'}}, "object of texts"),
        ({"text": "{% include 'bad.txt' %}", "files": {"bad.txt": "\n\n{{"}}, "line 3"),
        ({"text": "{% include 'bad.txt' %}", "files": {"bad.txt": "{% include 'bad.txt' %}"}}, "circle"),
    ],
)
def test_a_broken_template_is_refused_when_it_is_loaded(write: WriteTemplate, parts: dict, says: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(TemplateError, match=says):
        write(**parts)


def test_a_file_that_is_not_utf_8_is_refused(write: WriteTemplate, tmp_path: Path) -> None:
    write(text="x")
    (tmp_path / "letter" / "body.txt").write_bytes(b"caf\xe9")
    with pytest.raises(TemplateError, match="not UTF-8"):
        load_template(tmp_path, "letter")


def test_a_byte_order_mark_and_windows_line_breaks_do_no_harm(write: WriteTemplate, tmp_path: Path) -> None:
    write(text="x")
    (tmp_path / "letter" / "subject.txt").write_bytes(b"\xef\xbb\xbfHello\r\n")
    (tmp_path / "letter" / "body.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\r\n")
    preview = load_template(tmp_path, "letter").preview({})
    assert (preview.subject, preview.html, preview.text) == ("Hello", None, "a\nb")


def test_an_error_while_rendering_names_the_line_of_the_file_it_is_in(write: WriteTemplate) -> None:
    template = write(text="{% include 'part.txt' %}", files={"part.txt": "a\nb\n{{ 1 / 0 }}"})
    with pytest.raises(TemplateError, match=r"division by zero \(line 3 of part.txt\)"):
        template.preview({})


def test_values_are_escaped_in_html_and_nowhere_else(write: WriteTemplate) -> None:
    preview = write(subject="{{ x }}", html='<a title="{{ x }}">', text="{{ x }}").preview({"x": "<\"'&>"})
    assert preview.subject == preview.text == "<\"'&>"
    assert preview.html == '<a title="&lt;&#34;&#39;&amp;&gt;">'


def test_a_folder_without_a_subject_is_no_template(write: WriteTemplate, tmp_path: Path) -> None:
    write(text="x", files={"_layout/base.html": "x", "parts/foot.txt": "x", "zeta/subject.txt": "x"})
    assert list_templates(tmp_path) == ["letter", "zeta"]
    assert list_templates(tmp_path / "none") == []


@pytest.mark.parametrize("name", ["newsletter", "order-notice"])
def test_the_samples_have_a_value_for_every_variable(name: str) -> None:
    template = load_template(SAMPLES, name)
    assert template.variables_for() == set(template.sample_values)
    preview = template.preview(unsubscribe_url="https://shop.example.com/u")
    assert preview.html
    assert 3_500 < len(preview.html.encode()) < 5_500
    for value in template.sample_values.values():
        assert value in preview.text
    assert "{" not in preview.subject + preview.text
