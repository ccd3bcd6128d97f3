"""Cursors hold positions, and nothing but a cursor of the same list is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.api.rest.paging import cursor_of, cut, position_of
from ses_ops.errors import InvalidInput

MOMENTS = st.datetimes(timezones=st.just(UTC))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text().filter(str.isprintable)


@given(MOMENTS, NUMBERS, TEXTS)
def test_a_cursor_gives_its_position_back(at, number, text):
    assert position_of("tasks", cursor_of("tasks", at, number, text), datetime, int, str) == (at, number, text)


@given(st.text())
def test_any_other_text_is_no_cursor(text):
    with pytest.raises(InvalidInput) as raised:
        position_of("tasks", text, str)
    assert raised.value.field == "cursor"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_no_json_in_a_cursor_breaks_anything(value):
    import json
    from base64 import urlsafe_b64encode

    text = urlsafe_b64encode(json.dumps(["tasks", value]).encode()).decode().rstrip("=")
    for kind in (str, int, datetime):
        try:
            (found,) = position_of("tasks", text, kind)
        except InvalidInput:
            continue
        assert isinstance(found, kind)


def test_a_cursor_is_of_one_list():
    with pytest.raises(InvalidInput):
        position_of("groups", cursor_of("tasks", 1), int)


def test_the_row_behind_a_page_says_that_there_is_more():
    assert cut([1, 2, 3], 2, str) == ([1, 2], "2")
    assert cut([1, 2], 2, str) == ([1, 2], None)
