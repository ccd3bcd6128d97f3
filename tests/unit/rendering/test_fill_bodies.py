"""Bodies made by one compiled function are, octet for octet, those that are made piece by piece."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ses_ops.errors import SesError
from ses_ops.rendering.message import message_bodies
from ses_ops.rendering.quoted_printable import BodyEncoder
from tests.sizes import examples
from tests.unit.rendering.test_fill import HTML, SOURCES, TEXT, compiled

VALUES = st.fixed_dictionaries({name: st.text("ab <&>'\"/?é=.,{%\r\n\ud800", max_size=90) for name in "xyz"})


def made(function, values):
    try:
        return function(values)
    except SesError as error:
        return str(error)


@settings(max_examples=examples(500))
@given(text=SOURCES, html=SOURCES, values=VALUES)
@example(text="{{ x }}{{ y }}", html="{{ x }}", values={"x": "a\n", "y": "", "z": ""})
@example(text="{{ x }}", html="{% if y %}{{ x }}{% endif %}", values={"x": "a" * 71 + ".", "y": "", "z": ""})
@example(text="{{ x }}\n", html="<p>{{ x }}</p>", values={"x": ".a ", "y": "", "z": ""})
@example(text="{{ x }}\n\n{{ y }}", html="\nFrom {{ x }}", values={"x": "From a", "y": "x\nFrom " + 80 * "b", "z": ""})
def test_they_are_what_the_pieces_make(text: str, html: str, values: dict[str, str]) -> None:
    parts = [("text", compiled(TEXT, text)[0]), ("HTML", compiled(HTML, html)[0])]
    expected = made(lambda v: [BodyEncoder().encode(part.pieces(v), name) for name, part in parts], values)
    bodies = made(message_bodies(parts), values)
    assert (list(bodies) if isinstance(bodies, tuple) else bodies) == expected
    if not isinstance(expected, str):
        lines = b"".join(bodies).split(b"\r\n")
        assert not any(line.startswith((b".", b"From ")) or b"\n" in line or len(line) > 76 for line in lines)


def test_a_message_without_html_has_an_empty_body_there() -> None:
    part, _ = compiled(TEXT, "Dear {{ x }}")
    assert list(message_bodies([("text", part), ("HTML", None)])({"x": "Ann"})) == [b"Dear=20=\r\nAnn=\r\n\r\n", b""]


@pytest.mark.parametrize("source", ["{% for a in x %}{{ a }}{% endfor %}", "Dear {{ x }}"])
def test_what_is_wrong_with_a_value_names_the_template(source: str) -> None:
    part, _ = compiled(TEXT, source)
    with pytest.raises(SesError, match="letter"):
        message_bodies([("text", part)])({"y": "no x"})
