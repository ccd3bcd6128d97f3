"""Tracked mail: where its links lead, what stays byte for byte, and where the pixel stands."""

from __future__ import annotations

import re
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.rendering.own_link import OwnLink
from ses_ops.rendering.template import load_template
from tests.unit.rendering.conftest import WriteTemplate
from tests.unit.rendering.tracked import CLICK, LEAVE, PIXEL, PUBLIC, Anchors, bodies, opened, renderer, tracked

#: What is written in an attribute, and the address that a browser makes of it.
WRITTEN = {
    "https://example.com/": "https://example.com/",
    "https://example.com/?a=1&amp;b=2": "https://example.com/?a=1&b=2",
    "https://example.com/?a=1&b=2": "https://example.com/?a=1&b=2",
    "https://example.com/?a=1&amp;amp;b=2": "https://example.com/?a=1&amp;b=2",
    "https://example.com/?copy=1&copy=2&sect=3": "https://example.com/?copy=1&copy=2&sect=3",
    "https://example.com/%E4%BD%A0?q=a%20b%2Bc+d": "https://example.com/%E4%BD%A0?q=a%20b%2Bc+d",
    "https://example.com/%2525?x=%25": "https://example.com/%2525?x=%25",
    "https://example.com/a;b=1;c?x;y": "https://example.com/a;b=1;c?x;y",
    "https://example.com/?empty=&x&y=": "https://example.com/?empty=&x&y=",
    "https://example.com/a#part?x=1&amp;y": "https://example.com/a#part?x=1&y",
    "https://b\u00fccher.example/\u00fc?\u540d=\u5024": "https://b\u00fccher.example/\u00fc?\u540d=\u5024",
    "https://xn--bcher-kva.example/": "https://xn--bcher-kva.example/",
    "HTTP://EXAMPLE.com:8080/A%2fb": "HTTP://EXAMPLE.com:8080/A%2fb",
    "  https://example.com/x\n": "https://example.com/x",
    "https://user:pw@example.com/~ann/(x)'!*": "https://user:pw@example.com/~ann/(x)'!*",
    "https://bucket.s3.amazonaws.com/k%20ey?X-Amz-Credential=A%2F20260101%2Fus&amp;X-Amz-Signature=ab%2Bc%3D": (
        "https://bucket.s3.amazonaws.com/k%20ey?X-Amz-Credential=A%2F20260101%2Fus&X-Amz-Signature=ab%2Bc%3D"
    ),
    "https://example.com/&#x61;&#98;&notanentity;": "https://example.com/ab&notanentity;",
    "https://[2001:db8::1]/x": "https://[2001:db8::1]/x",
}
#: Addresses that stay as they are written.
KEPT = [
    "mailto:ann@example.com?subject=a&amp;b",
    "tel:+81312345678",
    "sms:+491701234567",
    "#part",
    "",
    "cid:picture@example.com",
    "data:text/html,x",
    "/relative?a=1",
    "relative.html",
    "//example.com/x",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "ftp://example.com/x",
    "https://",
    "https:///x",
    "https://example.com/a\nb",
    f"{PUBLIC}/u/abc",
    f"{PUBLIC}/c/abc/def",
    "https://example.com/" + "x" * 1_500,
    "https://example.com/" + "\u00fc" * 750,
    "https://example.com/?q=" + "x" * 8_000,
]
#: Addresses with a variable.
VARIABLE = [
    "{{ link }}",
    "https://example.com/{{ name }}",
    "https://{{ name }}.example.com/",
    "https://example.com/{% if name %}a{% else %}b{% endif %}",
    "https://example.com/?n={{ name | urlencode }}&amp;x=1",
    "{# note #}https://example.com/",
]
VALUES = {"name": "Ann", "link": "https://example.org/own"}
BODY = "<html><body>{}</body></html>"


@pytest.mark.parametrize(("written", "quote"), [(one, quote) for one in WRITTEN for quote in "\"'" if quote not in one])
def test_a_link_leads_byte_for_byte_where_it_led_before(write: WriteTemplate, written: str, quote: str) -> None:
    html, _ = bodies(write(html=f"<p>See <a class=x href={quote}{written}{quote} title='>'>this</a>!</p>"))
    (address,) = Anchors(html).found
    assert opened(address) == (WRITTEN[written], 0)
    assert html.replace(str(address), written).replace(PIXEL, "") == (
        f"<p>See <a class=x href={quote}{written}{quote} title='>'>this</a>!</p>\n"
    ), "nothing else has changed"


@pytest.mark.parametrize("written", [*KEPT, *VARIABLE])
def test_everything_else_stays_byte_for_byte(write: WriteTemplate, written: str) -> None:
    page = f'<p>See <a href="{written}">this</a> {{{{ name }}}}</p>'
    template = write(html=page, text="x")
    before = renderer(template, opens=False, clicks=False).preview(VALUES).html
    html, _ = bodies(template, VALUES, opens=False)
    assert html == f"{before}\n"
    assert tracked(template).targets == ()


@pytest.mark.parametrize(
    "page",
    [
        '<!-- <a href="https://example.com/">x</a> -->',
        '<!--[if mso]><v:roundrect href="https://example.com/"><a href="https://example.com/">x</a><![endif]-->',
        '<style>a[href="https://example.com/"] { background: url(https://example.com/x.png) }</style>',
        "<script>var x = '<a href=\"https://example.com/\">'</script>",
        '<title><a href="https://example.com/">x</a></title>',
        '<textarea><a href="https://example.com/">x</a></textarea>',
        '<img src="https://example.com/x.png" srcset="https://example.com/x.png 2x">',
        '<link rel="stylesheet" href="https://example.com/x.css"><base href="https://example.com/">',
        '<form action="https://example.com/"><input></form>',
        '<blockquote cite="https://example.com/">https://example.com/</blockquote>',
        '<a data-href="https://example.com/" title="https://example.com/" name="href=https://example.com/">x</a>',
        '<a href="https://example.com/',
        '<table background="https://example.com/x.png"><tr><td>x</td></tr></table>',
    ],
)
def test_only_what_a_person_follows_is_a_link(write: WriteTemplate, page: str) -> None:
    html, _ = bodies(write(html=page, text="x"), opens=False)
    assert html == f"{page}\n"


def test_a_comment_that_only_outlook_reads_ends_before_the_link_of_all_others(write: WriteTemplate) -> None:
    page = '<!--[if !mso]><!--><a href="https://example.com/">x</a><!--<![endif]-->'
    html, _ = bodies(write(html=page), opens=False)
    assert [opened(one) for one in Anchors(html).found] == [("https://example.com/", 0)]
    assert html.startswith("<!--[if !mso]><!--><a ")
    assert html.endswith("</a><!--<![endif]-->\n")


@pytest.mark.parametrize(
    ("page", "left"),
    [
        ('<a data-no-track href="https://example.com/">x</a>', '<a href="https://example.com/">x</a>'),
        ('<a href="https://example.com/" data-no-track>x</a>', '<a href="https://example.com/">x</a>'),
        ("<a href=https://example.com/ DATA-NO-TRACK=1 class=a>x</a>", "<a href=https://example.com/ class=a>x</a>"),
        ('<a\n  data-no-track=""\n  href="https://example.com/">x</a>', '<a\n  href="https://example.com/">x</a>'),
        ("<p data-no-track>x</p>", "<p>x</p>"),
    ],
)
def test_a_link_that_is_marked_stays_and_the_mark_does_not_leave(write: WriteTemplate, page: str, left: str) -> None:
    html, _ = bodies(write(html=page, text="x"), opens=False)
    assert html == f"{left}\n"


def test_links_in_branches_loops_raw_text_and_without_quotes_are_links(write: WriteTemplate) -> None:
    page = (
        "{% for one in [name] %}{% if one %}<a href=https://example.com/1/>{{ one }}</a>{% endif %}{% endfor %}"
        '<a {% if name %}href="https://example.com/2"{% else %}href="https://example.com/3"{% endif %}>x</a>'
        '{% raw %}<a href="https://example.com/4">{{ not one }}</a>{% endraw %}'
        '{%- if name -%} <area href="https://example.com/5"> {%- endif -%}'
    )
    html, _ = bodies(write(html=page, text="x"), VALUES, opens=False)
    found = [opened(one) for one in Anchors(html).found]
    assert found == [
        (f"https://example.com/{n}{'/' * (n == 1)}", place) for n, place in ((1, 0), (2, 1), (4, 3), (5, 4))
    ]
    assert "{{ not one }}" in html


def test_the_own_unsubscribe_link_and_the_tasks_own_stay(write: WriteTemplate) -> None:
    page = '<a href="{{ unsubscribe_url }}">leave</a> <a href="https://example.com/leave?a&amp;b">leave</a>'
    text = "{{ unsubscribe_url }} https://example.com/leave?a&b"
    template = write(html=page, text=text)
    own = OwnLink(f"{PUBLIC}/u/")
    html, plain = bodies(template, own_link=own, footer=UnsubscribeLanguage.ENGLISH)
    assert f'href="{PUBLIC}/u/{LEAVE}"' in html
    assert f"{PUBLIC}/u/{LEAVE} {PUBLIC}/c/" in plain
    leave = "https://example.com/leave?a&b"
    html, plain = bodies(template, unsubscribe_url=leave, opens=False)
    assert Anchors(html).found == [leave, leave]
    assert plain == f"{leave} {leave}\n"


def test_a_footer_is_in_tracked_mail_with_its_link_as_it_is(write: WriteTemplate) -> None:
    html, plain = bodies(
        write(html=BODY.format('<a href="https://example.com/">x</a>')),
        own_link=OwnLink(f"{PUBLIC}/u/"),
        footer=UnsubscribeLanguage.ENGLISH,
    )
    assert [opened(one) for one in Anchors(html).found] == [("https://example.com/", 0), None]
    assert Anchors(html).found[1] == f"{PUBLIC}/u/{LEAVE}"
    assert plain.rstrip().endswith(f"{PUBLIC}/u/{LEAVE}")


# --- the text part


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("See https://example.com/a.", "https://example.com/a"),
        ("(https://example.com/a)", "https://example.com/a"),
        ("(see https://example.com/a).", "https://example.com/a"),
        ("<https://example.com/a>", "https://example.com/a"),
        ('"https://example.com/a",', "https://example.com/a"),
        ("https://example.com/wiki/A_(b)", "https://example.com/wiki/A_(b)"),
        ("(https://example.com/wiki/A_(b))", "https://example.com/wiki/A_(b)"),
        ("https://example.com/?a=1&b=2&amp;c#d; x", "https://example.com/?a=1&b=2&amp;c#d"),
        ("https://example.com/?u=https://example.org/", "https://example.com/?u=https://example.org/"),
        ("\u8a73\u3057\u304f\u306fhttps://example.com/a\u3002", "https://example.com/a"),
        ("\u300chttps://example.com/a\u300d\u3092", "https://example.com/a"),
        ("https://b\u00fccher.example/\u00fc", "https://b\u00fccher.example/\u00fc"),
        ("[x](https://example.com/a)", "https://example.com/a"),
    ],
)
def test_a_whole_address_of_the_text_part_is_a_link(write: WriteTemplate, text: str, target: str) -> None:
    _, plain = bodies(write(text=f"{text}\nbye"))
    before, _, behind = text.partition(target)
    tail = plain.removesuffix(f"{behind}\nbye\n").removeprefix(before)
    assert opened(tail) == (target, 0), plain


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/{{ name }}",
        "https://example.com/a{{ name }}",
        "{{ name }}https://example.com/a",
        "https://example.com/a {{- name }}",
        "https://example.com/{% if name %}a{% endif %}",
        "https://example.com/a\u3092\u898b\u308b",
        "*https://example.com/a*",
        "xhttps://example.com/a",
        "git+https://example.com/a",
        "www.example.com http:// https://. ftp://example.com/ mailto:a@example.com",
        "https://example.com/?q=" + "x" * 8_000,
    ],
)
def test_what_is_not_certainly_a_whole_address_stays(write: WriteTemplate, text: str) -> None:
    template = write(text=text)
    assert bodies(template, VALUES)[1] == f"{renderer(template, clicks=False, opens=False).preview(VALUES).text}\n"


def test_the_text_made_of_html_has_the_same_links_at_the_same_places(write: WriteTemplate) -> None:
    page = '<p><a href="https://example.com/1">https://example.com/1</a> <a href="https://example.com/2?a&amp;b">two</a></p>'
    html, plain = bodies(write(html=page))
    shown = [opened(word.strip("<>()")) for word in plain.split()]
    assert [one for one in shown if one] == [("https://example.com/1", 0)] * 2 + [("https://example.com/2?a&b", 1)]
    assert "https://example.com/1</a>" in html, "what a link shows stays"


# --- the pixel


@pytest.mark.parametrize(
    ("page", "before"),
    [
        ("<html><body class='a>b'><p>x</p></body></html>", "<html><body class='a>b'>"),
        (
            "<!doctype html><html><head><title>x</title></head><p>x</p>",
            "<!doctype html><html><head><title>x</title></head>",
        ),
        ("<p>x</p>", ""),
        ("<!-- <body> --><style>p{}</style>\n<p>x</p>", "<!-- <body> --><style>p{}</style>\n"),
        ("{% set a = 'b' %}<!doctype html><meta charset='utf-8'><p>x</p>", "<!doctype html><meta charset='utf-8'>"),
        ("{% if name %}<p>x</p>{% endif %}", ""),
        ("{% raw %}<body>{% endraw %}x", "<body>"),
        ("", ""),
    ],
)
def test_the_pixel_stands_first_in_the_body(write: WriteTemplate, page: str, before: str) -> None:
    html, text = bodies(write(html=page, text="x"), VALUES)
    assert html.startswith(before + PIXEL)
    assert html.count(PIXEL) == 1
    assert text == "x\n"


def test_the_pixel_is_in_the_file_that_has_the_body(write: WriteTemplate) -> None:
    files = {
        "_layout/base.html": "{% include '_layout/top.html' %}{% block content %}none{% endblock %}</body>",
        "_layout/top.html": '<html><body><a href="https://example.com/top">x</a>',
    }
    page = '{% extends "_layout/base.html" %}{% block content %}<a href="https://example.com/1">x</a>{% endblock %}'
    html, _ = bodies(write(html=page, files=files))
    assert html.startswith(f"<html><body>{PIXEL}<a ")
    assert {one[0] for one in map(opened, Anchors(html).found) if one} == {
        "https://example.com/top",
        "https://example.com/1",
    }
    files = {"_layout/base.html": "<p>{% block content %}none{% endblock %}</p>"}
    html, _ = bodies(write(html=page, files=files))
    assert html.startswith(f"{PIXEL}<p><a ")


def test_a_file_without_the_messages_values_has_links_as_they_are(write: WriteTemplate) -> None:
    files = {
        "_parts/button.html": '{% macro button() %}<a href="https://example.com/m">x</a>{% endmacro %}',
        "_parts/bare.html": '<a href="https://example.com/b">x</a>',
        "_parts/with.html": '<a href="https://example.com/w">x</a>',
    }
    page = (
        '{% from "_parts/button.html" import button %}{{ button() }}{% include "_parts/bare.html" without context %}'
        '{% include "_parts/with.html" %}'
    )
    html, _ = bodies(write(html=page, files=files))
    assert [opened(one) for one in Anchors(html).found] == [None, None, ("https://example.com/w", 0)]


def test_what_goes_through_a_filter_stays(write: WriteTemplate) -> None:
    page = (
        '{% filter replace("m", "w") %}<a href="https://example.com/f">x</a>{% endfilter %}'
        '{% set part %}<a href="https://example.com/s">x</a>{% endset %}{{ part | safe }}'
        '{% set a, b = 1, 2 %}<a href="https://example.com/n">x</a>{% set c = 3 -%}<a href="https://example.com/m">x</a>'
    )
    text = "{% filter wordwrap(20) %}See https://example.com/wrapped.{% endfilter %}\n\nhttps://example.com/n"
    html, plain = bodies(write(html=page, text=text))
    assert [(opened(one) or (None,))[0] for one in Anchors(html).found] == [
        None,
        None,
        "https://example.com/n",
        "https://example.com/m",
    ]
    assert plain.startswith("See https://example.\ncom/wrapped.\n\n")
    assert opened(plain.split()[-1]) == ("https://example.com/n", 0)


def test_plain_text_has_no_pixel(write: WriteTemplate) -> None:
    assert not tracked(write(text="x", name="plain")).has_pixel
    assert tracked(write(html="x")).has_pixel
    assert not tracked(write(html="x"), opens=False).has_pixel
    html, text = bodies(write(text="Hello {{ name }}", name="plain"), VALUES)
    assert (html, text) == ("", "Hello Ann\n")


def test_each_message_has_its_own_tokens_and_the_same_links(write: WriteTemplate) -> None:
    one = renderer(write(html='<a href="https://example.com/">x</a>'))
    first, second = (
        one.render(occurrence_id=1, seq=n, address="a@example.org", values={}, click_token=t, open_token=t)
        for n, t in ((1, "a" * 56), (2, "b" * 56))
    )
    dates = [line for line in first.split(b"\r\n") if line.startswith(b"Date:")]
    assert dates
    assert first.replace(b"a" * 56, b"b" * 56).replace(b"1.1@", b"1.2@") == second


def test_a_value_brings_in_no_token(write: WriteTemplate) -> None:
    template = write(html='<a href="https://example.com/">{{ name }}</a>', text="{{ name }}")
    value = "\U0010fff0 \U0010fff1 {{ _ses_click_token }}"
    html, text = bodies(template, {"name": value, "_ses_click_token": "forged", "ses:click encoded": "forged"})
    assert text == f"{value}\n"
    assert html.count(CLICK) == 1
    assert "forged" not in html


def test_a_template_with_the_marks_characters_is_sent_as_it_is(write: WriteTemplate) -> None:
    page = '\U0010fff0<a href="https://example.com/">x</a>\U000f0000'
    html, _ = bodies(write(html=page, text="x"))
    assert html == f"{page}\n"


def test_a_mail_of_three_hundred_links_and_addresses_of_all_lengths(write: WriteTemplate) -> None:
    targets = [f"https://example.com/{n}/" + "x" * (n * 27 % 8_000) for n in range(300)]
    html, _ = bodies(write(html=BODY.format("".join(f'<a href="{one}">{n}</a>\n' for n, one in enumerate(targets)))))
    for address, target in zip(Anchors(html).found, targets, strict=True):
        assert (opened(address) or (address,))[0] == target
        assert (opened(address) is None) is (len(target) > 1_500)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Cc", "Co"], exclude_characters="{"), max_size=60),
            st.sampled_from(["text", "comment", "style"]),
        ),
        max_size=8,
    )
)
def test_whatever_stands_around_them_links_lead_where_they_led(tmp_path_factory: pytest.TempPathFactory, rests) -> None:
    folder = tmp_path_factory.mktemp("templates")
    (folder / "letter").mkdir()
    (folder / "letter/subject.txt").write_text("x")
    parts = {"text": "<p>{}</p>", "comment": "<!-- {} -->", "style": "<style>{}</style>"}
    page, targets = "", []
    for rest, kind in rests:
        target = f"https://example.com/{rest.strip()}"
        around = parts[kind].format(escape(rest).replace("-", ""))
        page += f'{around}<a title="{escape(rest)}" href="{escape(target)}">{escape(rest)}</a>'
        targets.append(target)
    (folder / "letter/body.html").write_text(page, encoding="utf-8")
    (folder / "letter/body.txt").write_text("x")
    html, _ = bodies(load_template(folder, "letter"), opens=False)
    found = Anchors(html).found
    assert [(opened(one) or (one,))[0] for one in found] == targets
    # Nothing but the addresses has changed.
    for address, target in zip(found, targets, strict=True):
        html = html.replace(str(address), escape(target))
    assert html.removesuffix("\n") == page.removesuffix("\n")


@given(
    st.lists(
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs", "Cc", "Co"], exclude_characters="{"), max_size=12),
            st.sampled_from(
                ["https://a.example/", "http://", "://", ".", ")", "(", "/x?y=1&z", " ", "\n", "'", '"', "<", ">"]
            ),
        ),
        max_size=30,
    )
)
def test_whatever_text_there_is_only_whole_addresses_have_changed(
    tmp_path_factory: pytest.TempPathFactory, pieces
) -> None:
    folder = tmp_path_factory.mktemp("templates")
    (folder / "letter").mkdir()
    (folder / "letter/subject.txt").write_text("x")
    (folder / "letter/body.txt").write_text("".join(pieces), encoding="utf-8", newline="")
    template = load_template(folder, "letter")
    _, plain = bodies(template)
    found = re.findall(rf"{PUBLIC}/c/{CLICK}/[A-Za-z0-9_-]+", plain)
    for address in found:
        target, _ = opened(address) or ("", 0)
        assert target[-1] not in ".,;:!?'"
        # A bracket within an address is one of its characters, as in `https://a.example/)0`.
        assert target[-1] != ")" or target.count(")") <= target.count("(")
        plain = plain.replace(address, target, 1)
    before = template.preview({}).text
    assert plain.removesuffix("\n") == before.removesuffix("\n")
