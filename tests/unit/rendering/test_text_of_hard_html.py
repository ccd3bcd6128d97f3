"""The text part of HTML that is deep, sloppy, hidden, made of pictures or brought along by a value."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from ses_ops.rendering.text_from_html import text_from_html
from tests.sizes import examples
from tests.unit.rendering.conftest import WriteTemplate


def text(write: WriteTemplate, html: str, **values: str) -> str:
    return write(html=html).preview(values).text


@pytest.mark.parametrize(
    "html",
    [
        "<div>a " * 3_000 + "{end}",
        "<table><tr><td>a " * 2_000 + "{end}",
        "<p><font size=2>a</p>" * 2_000 + "{end}",
        "<ul><li>a " * 2_000 + "{end}",
        "<b><p>a</b>" * 2_000 + " {end}",
    ],
)
def test_no_depth_ends_the_text(write: WriteTemplate, html: str) -> None:
    end = '<a href="{{ unsubscribe_url }}">Leave</a>'
    found = write(html=html.replace("{end}", end)).preview(unsubscribe_url="https://x.example/u").text
    assert found.split()[-2:] == ["Leave", "<https://x.example/u>"]
    assert found.count("a") >= 2_000


@pytest.mark.parametrize(
    "tag",
    [
        "<a href={{ u }}>",
        "<a href={{ u }} class=b>",
        "<A class=b HREF = {{ u }}\n>",
        "<a href='{{ u }}'>",
        '<a target="_blank"href="{{u}}">',
        "<a{% if x %} class=b{% endif %} href={{ u }}>",
        "<a href={{ u }}{% if x %} class=b{% endif %}>",
        "<a href={% if u %}{{ u }}{% else %}https://other.example/{% endif %}>",
        """<a href={% if u %}"{{ u }}"{% else %}'https://other.example/'{% endif %} class="b">""",
        "<a {% if u %}href={{ u }}{% else %}href=https://other.example/{% endif %}>",
        '<a {% if not u %}href="https://other.example/"{% else %}href="{{ u }}"{% endif %}>',
        '{% if u %}<a href="{{ u }}">{% else %}<a href="https://other.example/">{% endif %}',
        "<a href={{ u | safe }}>",
    ],
)
def test_a_link_leads_where_it_leads_in_html_however_its_attribute_is_written(write: WriteTemplate, tag: str) -> None:
    found = text(write, f"<p>Now: {tag}go</a>!</p>", u="https://x.example/7?a=1&copy=2", x="1")
    assert "<https://x.example/7?a=1&copy=2>" in found
    assert "other" not in found
    assert found.startswith("Now: ")
    assert found.endswith("!")


def test_an_unquoted_address_may_be_text_and_value(write: WriteTemplate) -> None:
    html = "<a href=https://shop.example/{{ id }}>shop</a>, <a href=https://x.example/{{ id }}/>x</a>"
    # A slash belongs to a value without quotes (HTML 13.2.5.38).
    assert text(write, html, id="7") == "shop <https://shop.example/7>, x <https://x.example/7/>"


def test_a_link_that_only_some_have_is_shown_to_them(write: WriteTemplate) -> None:
    html = '<a{% if x %} href="https://x.example/"{% endif %}>go</a>, <a {{ y }}>there</a>'
    assert text(write, html, x="1", y="") == "go <https://x.example/>, there"
    assert text(write, html, x="", y="") == "go, there"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "?a=1&section=2&currency=EUR&notify=1&region=eu&copy=3",
            "?a=1&section=2&currency=EUR&notify=1&region=eu&copy=3",
        ),
        ("?a=1&amp;copy=3&amp;amp;b", "?a=1&copy=3&amp;b"),
        ("?a&copyb&lt;&#38;x&#x26;", "?a&copyb<&x&"),
        ("?a&copy", "?a©"),
        ("?a&copy;=1&noSuch;", "?a©=1&noSuch;"),
        ("?&#" + "1" * 5_000 + ";", "?�"),
    ],
)
def test_references_in_addresses_are_read_as_browsers_read_them(write: WriteTemplate, written: str, meant: str) -> None:
    assert text(write, f'<a href="https://x.example/{written}">x</a>') == f"x <https://x.example/{meant}>"


@pytest.mark.parametrize(
    "attribute",
    [
        'style="display:none !important"',
        'style=" DISPLAY : None!Important ; color:red"',
        "style=display:none",
        'style="display:block !important;display:none !important;display:inline"',
        'style="/* no */display:/**/none"',
        'style="font-size:0"',
        'style="font-size:0px;line-height:0"',
        'style="FONT-SIZE:.0em"',
        'style="font:0/0 a"',
        'style="font-size:1px;color:#fff"',
        'style="max-height:0"',
        'style="max-height:0px; overflow:hidden"',
        'style="height:0;overflow:hidden"',
        'style="mso-hide:all"',
        'style="mso-hide : all;"',
        'style="visibility:hidden"',
        'style="opacity:0"',
        'style="opacity:0.0"',
        "hidden",
        'HIDDEN=""',
        'hidden="hidden"',
        "style=\"font-family:'a;b';display:none\"",
    ],
)
def test_what_nobody_sees_is_not_in_the_text(write: WriteTemplate, attribute: str) -> None:
    inner = "<b>a <i>b</i></b><table><tr><td>c</table>"
    for name in ("div", "span", "p", "td"):
        # A table ends a paragraph.
        inside = inner.partition("<table>")[0] if name == "p" else inner
        assert text(write, f"<{name} {attribute}>pre{{{{ x }}}}{inside}</{name}><p>Shown</p>", x="y") == "Shown"
    # The end tag may be missing where HTML lets it be.
    assert text(write, f"<p {attribute}>pre<p>Shown") == "Shown"
    assert text(write, f"<table><tr><td {attribute}>pre<td>Shown</table>") == "Shown"
    assert text(write, f"<div><span {attribute}>pre<b></div>Shown") == "Shown"


@pytest.mark.parametrize(
    "html",
    [
        '<td style="font-size:0px"><div style="font-size:13px">Shown</div></td>',
        '<td style="font-size:0px"><div style="font:13px/1.5 Arial">Shown</div></td>',
        '<div style="visibility:hidden">no<b style="visibility:visible">Shown</b></div>',
        '<div style="display:none;display:block">Shown</div>',
        '<div style="display:block !important;display:none">Shown</div>',
        '<div hidden style="display:block">Shown</div>',
        '<div style="line-height:0;max-height:10px;opacity:0.9;font-size:0.8em">Shown</div>',
        '<div style="max-height:0;position:relative">Shown</div>',
        '<div {% if x %}style="display:none"{% endif %}>Shown</div>',
        "<!--[if mso]>no<![endif]--><!--[if !mso]><!-->Shown<!--<![endif]-->",
        "<div hidden>{% if x %}no</div>{% else %}no</div>{% endif %}Shown",
        '<div hidden>{% if x %}<i>{% else %}<i class="a">{% endif %}no</i></div>Shown',
        "<div hidden>{% set y = 'Shown' %}no</div>{{ y }}",
    ],
)
def test_what_is_seen_is_in_the_text(write: WriteTemplate, html: str) -> None:
    for x in ("", "1"):
        assert text(write, html, x=x) == "Shown"


@pytest.mark.parametrize(
    "css",
    [
        ".preheader { color: transparent; display: none !important; height: 0 }",
        "p{margin:0}.a,SPAN.preheader , #x{display:none}",
        "@media screen{.preheader{color:red}}/* } */ .preheader{visibility:hidden}",
        "@import 'x.css'; #pre { max-height: 0 }",
        ".first.preheader{font-size:0;line-height:0}",
        "span{display:none}.preheader{color:red}",
        "<!-- .preheader{display:block;display:none} -->",
        "#pre{display:none}.preheader{display:block}",
    ],
)
def test_a_rule_of_the_style_sheet_hides_what_it_names(write: WriteTemplate, css: str) -> None:
    pre = "<span class='first Preheader' id=pre>pre<b>header</b> <a href=https://x.example/>view</a></span>"
    assert text(write, f"<head><style type=text/css>{css}</style></head>{pre}<p>Shown</p>") == "Shown"


@pytest.mark.parametrize(
    "css",
    [
        *("@media print{.a{display:none}}", "@media (max-width:600px){.a{display:none}.a{display:none}}"),
        *(
            ".b{display:none}",
            "div.a{display:none}",
            ".a{",
            "}.a{display:block}",
            "{{{",
            ".a{display:none}.a{display:block}",
        ),
        *(".a:hover{display:none}", "td .a{display:none}", ".a.c{display:none}", "#a{display:none}"),
        "{% if x %}.a{display:none}{% endif %}",
    ],
)
def test_a_rule_for_something_else_hides_nothing(write: WriteTemplate, css: str) -> None:
    sheet = css.replace("{{{", "{{ '{{{' }}")
    assert text(write, f"<style>{sheet}</style><span class=a>Shown</span>", x="") == "Shown"


def test_an_elements_own_style_comes_on_top_of_the_style_sheet(write: WriteTemplate) -> None:
    sheet = "<style>.a{display:none}</style>"
    assert text(write, f"{sheet}<div class=a style='display:block'>Shown</div>") == "Shown"
    assert text(write, f"{sheet}<p>Shown</p><div class=a style='color:red'>no</div>") == "Shown"


def test_pictures_have_a_size_where_words_have_none(write: WriteTemplate) -> None:
    """MJML keeps the columns of its layouts together by letters without a size."""
    column = """<td style="font-size:0px;padding:0"><table><tbody><tr><td style="width:550px">
<a href="{}" target="_blank"><img alt="{}" src="1.png" style="border:0;display:block;font-size:13px" width="550"></a>
</td></tr></tbody></table></td>"""
    html = "<table><tr>{}</tr><tr>{}</tr></table><div style='font-size:0'>no<q>no</q>{}</div>".format(
        column.format("https://x.example/1", "Sofas for {{ name }}"),
        column.format("https://x.example/2", "Beds"),
        "<a href=https://x.example/3>no</a>{% if name %}<img alt='Lamps'>{% endif %}<ul><li>no</ul>",
    )
    assert text(write, html, name="Anna").split() == [
        *("Sofas", "for", "Anna", "<https://x.example/1>", "Beds", "<https://x.example/2>", "Lamps"),
    ]
    assert text(write, html, name="").strip().endswith("Beds <https://x.example/2>")


def test_a_button_that_only_word_hides_is_in_the_text(write: WriteTemplate) -> None:
    html = '<a href="https://x.example/" style="background:#123;display:inline-block;mso-hide:all">Buy</a>'
    assert text(write, html) == "Buy <https://x.example/>"


def test_pictures_are_read_out_by_their_texts(write: WriteTemplate) -> None:
    html = """<a href="https://x.example/1"><img src="1.png" alt="Sale until {{ day }}" style="display:block"></a>
<img src="2.png" alt="Sofas"><img src="3.png" alt=Beds><img src="4.png" alt=""><img src="5.png">
<map><area href="https://x.example/2" alt="Lamps"></map><img src="6.gif" width=1 height="1" alt="pixel">
<a href="{{ unsubscribe_url }}"><img src="7.png"></a>"""
    found = write(html=html).preview({"day": "Sunday"}, unsubscribe_url="https://x.example/u").text
    assert found.split("\n") == [
        "Sale until Sunday <https://x.example/1>",
        "Sofas Beds",
        "Lamps <https://x.example/2>",
        "<https://x.example/u>",
    ]


def test_a_value_that_is_html_arrives_as_text(write: WriteTemplate) -> None:
    html = "<p>{{ x | safe }}</p><p>{{ y }}</p>"
    x = '<p>One &amp; <b>two</b></p><ul><li>three</ul><a href="https://x.example/?a=1&copy=2">four</a>'
    assert text(write, html, x=x, y="<b>") == ("One & two\n\n  * three\nfour <https://x.example/?a=1&copy=2>\n\n<b>")
    assert text(write, html, x="1 < 2 &lt; 3", y="&lt;") == "1 < 2 < 3\n\n&lt;"


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("{{ x | safe }}", "a & b"),
        ("{{ x | upper | safe }}", "A & B"),
        ("{{ x | safe | upper }}", "A & B"),
        ("{{ x | safe ~ y }}", "a & b<T&J>"),
        ("{{ x | safe if x else y }}", "a & b"),
        ("{{ y | safe if not x else y }}", "<T&J>"),
        ("{{ x | e }}", "<b>a</b> &amp; b"),
        ("{{ y | escape }}", "<T&J>"),
        ("{{ 'a\nb' | e | replace('\n', '<br>' | safe) }}", "a\nb"),
        ("{% autoescape false %}{{ x }}{% endautoescape %}{{ y }}", "a & b<T&J>"),
        ("{% set z = x | safe %}{{ z }}{{ y }}", "a & b<T&J>"),
        ("{% macro m(z) %}{{ z | safe }}{% endmacro %}{{ m(x) }}", "a & b"),
        ("{% for z in [x | safe] %}{{ z }}{% endfor %}", "a & b"),
        ("{% with z = x | safe %}{{ z }}{% endwith %}{{ y }}", "a & b<T&J>"),
        ("{% set z %}<a href='https://x.example/'>{{ y }}</a>{% endset %}{{ z | safe }}", "<T&J> <https://x.example/>"),
        ("{% set z %}<b>{{ x | safe }}</b>{% endset %}{{ z }}", "a & b"),
        (
            "{% macro m(z) %}<a href='https://x.example/'>{{ z }}</a>{% endmacro %}{{ m(y) | safe }}",
            "<T&J> <https://x.example/>",
        ),
        (
            "{% macro m() %}{{ caller() | safe }}{% endmacro %}"
            "{% call m() %}<a href=https://x.example/>{{ x | safe }}</a>{% endcall %}",
            "a & b <https://x.example/>",
        ),
    ],
)
def test_what_a_template_does_not_escape_is_html_in_its_text_too(
    write: WriteTemplate, expression: str, shown: str
) -> None:
    assert text(write, f"<div>{expression}</div>", x="<b>a</b> &amp; b", y="<T&J>") == shown


_WORDS = st.integers(0, 10**6).map(lambda number: f"w{number}")
_INLINE, _BLOCK = (
    ("b", "i", "span", "font", "a href=https://x.example/"),
    ("div", "p", "table", "td", "ul", "li", "pre"),
)


@given(
    st.lists(
        st.one_of(
            _WORDS,
            st.sampled_from([f"<{name}>" for name in (*_INLINE, *_BLOCK)]),
            st.sampled_from([f"</{name.split()[0]}>" for name in (*_INLINE, *_BLOCK)]),
            st.sampled_from(["<br>", "<!-- no -->", "<style>no</style>", "{% if x %}", "<p class=b title='>'>"]),
        )
    )
)
@settings(max_examples=examples(300), deadline=None)
def test_every_word_arrives_in_its_order_whatever_stands_between(pieces: list[str]) -> None:
    html = " ".join(pieces) + "{% endif %}" * pieces.count("{% if x %}")
    shown = Environment().from_string(text_from_html(html, Environment())).render(x="1")
    assert [word for word in shown.split() if word.startswith("w")] == [piece for piece in pieces if piece[0] == "w"]


@pytest.mark.parametrize(
    "piece",
    [
        "<a href=x>a</a>",
        "<div>a",
        "<table><tr><td>a",
        "<p><font>a",
        "<ul><li>a",
        "<b><p>a</b>",
        "<a ",
        "</i>x<b>",
        "<!--",
        "&",
    ],
)
def test_four_times_the_html_takes_four_times_the_time(piece: str) -> None:
    def cost(times: int) -> float:
        def once() -> float:
            begin = time.process_time()
            text_from_html(piece * times, Environment())
            return time.process_time() - begin

        return min(once() for _ in range(3))

    cost(100)
    assert cost(8_000) < 9 * cost(2_000) + 0.02
