"""The text of very long HTML."""

from __future__ import annotations

import time

import pytest

from ses_ops.rendering.plain_parts import MAX_LAYOUT
from ses_ops.rendering.quick_text import quick_text
from tests.unit.sending.single_mails import mail

MEGABYTES = 4 * 1024 * 1024


def test_the_text_between_the_tags_is_left():
    html = (
        "<!doctype html><head><title>t</title><style>p{}</style></head><body><!-- > --><p>Dear&nbsp;Ann &amp; Bo,</p>"
        "<div>one<br>two</div><script>alert('<p>')</script>\n\n\n<ul><li>a<li>b</ul>1 < 2"
    )
    assert quick_text(html) == "Dear Ann & Bo,\none\ntwo\n\na\nb\n1 < 2\n"


@pytest.mark.parametrize(
    "piece",
    ["<style>", "<!--", "<", "<p", "</p>", "<p>x</p>", "&amp;", "<script></style>", "\n \n", "<br ", ">", "<a b='>'>"],
)
def test_its_time_grows_with_its_length_alone(piece):
    html = (piece * (MEGABYTES // len(piece)))[:MEGABYTES]
    begin = time.process_time()
    quick_text(html)
    assert time.process_time() - begin < 5.0


def test_a_message_of_long_html_has_a_text_without_being_laid_out():
    html = "<p>Hello <b>Ann</b></p>\n" * (MAX_LAYOUT // 20)
    text = mail(text=None, html=html).get_body(("plain",)).get_content()
    assert text.split()[:4] == ["Hello", "Ann", "Hello", "Ann"]
    assert "<" not in text
