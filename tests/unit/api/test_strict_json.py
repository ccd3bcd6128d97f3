"""JSON of requests: what has one meaning is read as Python reads it; everything else is refused, and never a crash."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.api.bodies import DEEPEST, parse_json
from ses_ops.api.problems import Refusal

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**90), 10**90)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_was_written_is_read(value, ascii_only):
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\u0d8e1-.NaInfity ', max_size=80).map(str.encode))
def test_anything_else_is_refused_with_400(body):
    problem = None
    try:
        parse_json(body)
    except Refusal as caught:
        problem = caught
    assert problem is None or (problem.status == 400 and str(problem))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a":1,"a":2}', "json_key_twice"),
        (b'{"b":{"a":1,"\\u0061":2}}', "json_key_twice"),
        (b"NaN", "json_number_not_usable"),
        (b"[-Infinity]", "json_number_not_usable"),
        (b"1e999", "json_number_not_usable"),
        (b"9" * 101, "json_number_not_usable"),
        (b"0." + b"1" * 10_000, "json_number_not_usable"),
        (b'"\\ud800"', "json_half_of_a_surrogate_pair"),
        (b'{"\\udc00":1}', "json_half_of_a_surrogate_pair"),
        (b'"\xed\xa0\x80"', "json_not_utf_8"),
        (b"\xff\xfe\x00\x00", "json_not_utf_8"),
        (b"\xef\xbb\xbf{}", "json_not_readable"),
        (b"", "json_not_readable"),
        (b"{} {}", "json_not_readable"),
        (b"{'a':1}", "json_not_readable"),
        (b'"\n"', "json_not_readable"),
        (b"[" * 1_000 + b"]" * 1_000, "json_too_deep"),
        (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, "json_too_deep"),
        (b"[" * 100_000, "json_too_deep"),
    ],
)
def test_what_has_no_one_meaning_is_refused(body, code):
    with pytest.raises(Refusal) as caught:
        parse_json(body)
    assert (caught.value.code, caught.value.status) == (code, 400)


def test_brackets_in_texts_and_beside_each_other_are_not_depth():
    many = json.dumps([["[" * 500, '\\"[{'] for _ in range(500)]).encode()
    assert len(parse_json(many)) == 500
    deep = b"[" * DEEPEST + b"]" * DEEPEST
    assert parse_json(deep) is not None


def test_a_pair_of_surrogates_is_one_character():
    assert parse_json(b'"\\ud83d\\ude00"') == "\U0001f600"
