"""A `{#` of CSS or JavaScript is no comment: it is refused with its line, before it swallows the mail behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.errors import TemplateError
from ses_ops.rendering.template_facts import template_facts
from tests.sizes import examples
from tests.unit.rendering.conftest import WriteTemplate

_REFUSED = [
    "<style>@media print{#menu{display:none}}</style><p>Dear {{ name }}</p>{# the end #}",
    "<style>@media print{#menu{display:none}}</style><p>Dear {{ name }}</p><p>#}</p>",
    "<style>a{color:red}#x{#y{color:red}}/*#}*/p{}</style>",
    "<style>@media print{#-menu{display:none}/* #} */}</style>",
    "<style>@media print{#\u00e4{display:none}/* #} */}</style>",
    "<STYLE type='text/css'>@supports(x){#menu,p{color:red}}</STYLE>x #}",
    "<script>class A{#x=1;get(){return '#}'}}</script>",
    "<script>class A{#x=1}</script>{# note #}",
    "@media print{#menu{display:none}/*#}*/}",
    "{# one {# two #}",
    "<style>{# a comment </style> #}",
    "{# <style> #}p{}</style>",
    "Ticket {#123}, then {#124} #}",
]


@pytest.mark.parametrize("source", _REFUSED)
@pytest.mark.parametrize("where", ["body", "included"])
def test_what_swallows_the_mail_is_refused_with_file_and_line(write: WriteTemplate, source: str, where: str) -> None:
    text = f"<p>\n\n{source}\n</p>"
    body = text if where == "body" else "{% include '_x/part.html' %}"
    with pytest.raises(TemplateError, match=r"swallows everything up to line \d.*\(line 3 of (body|part)\.html\)"):
        write(html=body, files={"_x/part.html": text})


def test_a_style_sheet_of_its_own_is_looked_at_too(write: WriteTemplate) -> None:
    files = {"_x/a.css": "@media print{#a,\n#b;}/*#}*/", "_x/a.js": "class A{#x;\n'#}'}"}
    for path in files:
        with pytest.raises(TemplateError, match="line 1 of a"):
            write(html=f"<style>{{% include '{path}' %}}</style>", files=files)


def test_a_subject_of_a_task_is_looked_at_too(write: WriteTemplate) -> None:
    with pytest.raises(TemplateError, match=r"\(subject\): \{# begins a comment here.* \(line 1\)"):
        write(text="x").compile_text("{#1} and {#2} #}", "subject")


@pytest.mark.parametrize(
    "source",
    [
        "{# a note #}",
        "{#note#}",
        "{#- a note -#}",
        "{#=== a note ===#}",
        "{##}",
        "{# {{ name }} {% if name %} #}",
        "{#{{ name }}#}",
        "{#old{{ name }}#}",
        "{# <p>An old part<br> of the mail</p> #}",
        "{# <style>p{color:red}</style> #}",
        "<style>{# our colours #}p{color:red}</style>",
        "<style>{#colours#}p{color:red}</style>",
        "<style>{# p{color:blue} #}p{color:red}</style>",
        "<style>@media print{ #menu{display:none}}</style>",
        "{% raw %}<style>@media print{#menu{display:none}}</style>{% endraw %}{# a note #}",
        "<style>p{width:100%}a{b:c}#x{color:red}</style>#}",
    ],
)
def test_what_is_a_comment_stays_one(write: WriteTemplate, source: str, tmp_path: Path) -> None:
    template = write(html=source + "<p>Dear {{ name }}</p>")
    assert "Dear Ann" in template.preview({"name": "Ann"}).text
    assert template_facts(tmp_path, "letter").warnings == ()


@pytest.mark.parametrize(
    "source", ["<b>No. {#1</b> #}", '<a href="{#top">Top</a> "#}"', "{#</td>\n#}", "<p>{#{{ name }}</p><p>x</p>#}"]
)
def test_half_an_element_is_a_warning_with_the_line(write: WriteTemplate, source: str, tmp_path: Path) -> None:
    write(html="x", text=f"\n{source}x")
    (warning,) = template_facts(tmp_path, "letter").warnings
    assert "{# begins a comment (line 2 of letter/body.txt), which swallows a part of an element" in str(warning)


_CSS = st.lists(
    st.sampled_from(
        ["a{color:red}", "#x{top:0}", "@media print{#x{top:0}}", "@media print{.y{top:0}#z{top:0}}", "p{}"]
    ),
    min_size=1,
    max_size=4,
).map("".join)


@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(css=_CSS, behind=st.sampled_from(["{# note #}", "#}", "<p>x #}</p>", "<style>#}</style>", "{#n#}{# m #}"]))
def test_no_style_sheet_takes_the_mail_with_it(write: WriteTemplate, css: str, behind: str) -> None:
    source = f"<style>{css}</style><p>Dear {{{{ name }}}}</p>{behind}"
    if "{#" in css:
        with pytest.raises(TemplateError, match="swallows everything"):
            write(html=source, text="x")
    else:
        template = write(html=source, text="x")
        assert f"<style>{css}</style><p>Dear Ann</p>" in (template.preview({"name": "Ann"}).html or "")
