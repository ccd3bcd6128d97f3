"""The text part that is made from the HTML source, once a template."""

from __future__ import annotations

import pytest

from ses_ops.errors import TemplateError
from tests.unit.rendering.conftest import WriteTemplate


def text(write: WriteTemplate, html: str, **values: str) -> str:
    return write(html=html).preview(values).text


def test_paragraphs_headings_and_breaks_become_lines(write: WriteTemplate) -> None:
    head = "<html><head><title>T</title><style>p {}</style></head>"
    html = head + "<body><h1>Hi {{ name }}</h1>\n<p>one<br>two</p></body></html>"
    assert text(write, html, name="Ann") == "Hi Ann\n\none\ntwo"


def test_a_value_is_not_escaped_and_never_read_as_html(write: WriteTemplate) -> None:
    assert text(write, "<p>{{ x }} &amp; co</p>", x="<b>a</b> & {{ y }}") == "<b>a</b> & {{ y }} & co"


def test_links_are_shown_with_where_they_lead(write: WriteTemplate) -> None:
    html = (
        '<p>See <a href="{{ base }}/a?x=1&amp;y={{ id | urlencode }}"><b>the shop</b></a>, <a href="#top">up</a>.</p>'
    )
    assert text(write, html, base="https://x.com", id="1 2") == "See the shop <https://x.com/a?x=1&y=1%202>, up."


def test_conditionals_choose(write: WriteTemplate) -> None:
    html = "<p>Hi{% if name %} {{ name }}{% else %} there{% endif %}!</p>{% if vip %}<p>Vip</p>{% endif %}<p>Bye</p>"
    assert text(write, html, name="Ann", vip="") == "Hi Ann!\n\nBye"
    assert text(write, html, name="", vip="1") == "Hi there!\n\nVip\n\nBye"


def test_loops_repeat_rows_of_a_table_in_place(write: WriteTemplate) -> None:
    html = """<p>Items</p>
<table>
<tr><th>What</th><th>Price</th></tr>
{%- for line in lines.split(";") %}
<tr><td>{{ line.split("=")[0] }}</td><td align="right">{{ line.split("=")[1] }}</td></tr>
{%- endfor %}
</table>
<p>Thanks</p>"""
    assert text(write, html, lines="mug=3;bowl=4").split("\n\n")[1].splitlines() == ["What Price", "mug 3", "bowl 4"]


def test_loops_repeat_items_of_a_list(write: WriteTemplate) -> None:
    html = "<ul>{% for x in xs.split(',') %}<li>{{ x }}</li>{% endfor %}</ul>"
    lines = text(write, html, xs="a,b").split()
    assert lines == ["*", "a", "*", "b"]


def test_hidden_text_comments_and_pictures_are_left_out(write: WriteTemplate) -> None:
    html = '<div style="display:none">{{ a }}</div><!-- {{ b }} --><img src="{{ c }}" alt="x"><p>Shown</p>{# note #}'
    template = write(html=html)
    assert template.preview({"a": "1", "b": "2", "c": "3"}).text == "Shown"
    assert template.variables_for() == {"a", "b", "c"}


def test_conditionals_in_attributes_do_no_harm(write: WriteTemplate) -> None:
    link = '<a href="{% if x %}https://a.com{% else %}https://b.com{% endif %}">go</a>'
    html = '<p{% if x %} class="a"{% endif %}>Hi</p>' + link
    assert text(write, html, x="1") == "Hi\n\ngo <https://a.com>"
    assert text(write, html, x="") == "Hi\n\ngo <https://b.com>"


def test_braces_that_are_text_stay_text(write: WriteTemplate) -> None:
    html = "<p>&#123;&#123; no &#125;} {% raw %}{{ raw }} {% x %}{% endraw %} &#123;&#37; if %}</p>"
    assert text(write, html) == "{{ no }} {{ raw }} {% x %} {% if %}"


def test_a_fragment_without_html_or_body_is_enough(write: WriteTemplate) -> None:
    assert text(write, "Just {{ x }}", x="text") == "Just text"
    assert text(write, "<p>a</p><p>b</p>") == "a\n\nb"
    assert text(write, "") == ""


@pytest.mark.parametrize(
    "html",
    [
        "<p>{% if x %}a<!-- {% endif %} --></p>",
        "<style>{% set x = 1 %}</style><p>{{ x }}</p>",
        "<p>\U000f0001</p>",
    ],
)
def test_html_that_has_no_honest_text_form_asks_for_a_body_txt(write: WriteTemplate, html: str) -> None:
    with pytest.raises(TemplateError, match=r"write a body\.txt|body\.html"):
        write(html=html)
    assert write(html=html, text="by hand", name="other").preview({"x": "1"}).text == "by hand"


def test_a_hand_written_text_is_used_as_it_is(write: WriteTemplate) -> None:
    assert write(html="<p>HTML</p>", text="by hand\n\n {{ x }}\n").preview({"x": "1"}).text == "by hand\n\n 1"
