"""Equal requests have equal fingerprints, others have others; keys are visible ASCII."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.api.idempotency import fingerprint, read_key
from ses_ops.errors import InvalidInput

TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
PATH = "/v1/messages"


@given(st.dictionaries(TEXT, JSON))
def test_order_white_space_and_escapes_do_not_matter(fields):
    turned = dict(reversed(fields.items()))
    other = json.loads(json.dumps(turned, indent=3, ensure_ascii=True))
    assert fingerprint("POST", PATH, fields) == fingerprint("POST", PATH, other)


@given(JSON, JSON)
def test_other_values_are_other_requests(one, other):
    def plain(value):  # as JSON compares: 1 is 1.0, and neither is true
        return json.dumps(value, sort_keys=True) if isinstance(value, bool) else value

    if repr(plain(one)) == repr(plain(other)):
        return
    same = _equal(one, other)
    assert (fingerprint("POST", PATH, one) == fingerprint("POST", PATH, other)) is same


def _equal(one, other):
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other if isinstance(one, str | None) else one == other


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("100", "1e2"), ("0", "-0.0"), ("[1.50]", "[15e-1]")])
def test_the_form_of_a_number_does_not_matter(one, other):
    assert fingerprint("POST", PATH, json.loads(one)) == fingerprint("POST", PATH, json.loads(other))


def test_another_method_or_path_is_another_request():
    made = {fingerprint("POST", PATH, {}), fingerprint("PUT", PATH, {}), fingerprint("POST", f"{PATH}/batch", {})}
    assert len(made) == 3


@pytest.mark.parametrize("key", ["", "a b", "a\n", "é", "x" * 256, "\x7f"])
def test_a_key_that_is_not_visible_ascii_is_refused(key):
    with pytest.raises(InvalidInput) as raised:
        read_key(key)
    assert raised.value.field == "Idempotency-Key"


def test_a_key_of_255_characters_is_taken_and_none_is_none():
    assert read_key("k" * 255) == "k" * 255
    assert read_key(None) is None
