"""One entry of the quota Variable is changed, and everything else in it stays letter by letter."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.domain.quota_text import entry_mark, with_entry
from ses_ops.errors import InvalidInput

ENTRY = {"plan": [500, 1000], "started_on": "2026-12-01", "time_zone": "Asia/Tokyo"}
NAMES = st.from_regex(r"[a-z]{1,8}\.(example|test)", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
#: Of a busy machine, which is slow at making examples too.
BUSY = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@BUSY
@given(st.dictionaries(NAMES, VALUES, max_size=5), NAMES, st.sampled_from([None, 2]))
def test_the_entry_is_written_and_all_others_stay(entries, domain, indent):
    written = with_entry(json.dumps(entries, indent=indent, ensure_ascii=False), domain, ENTRY)
    assert json.loads(written) == {**entries, domain: ENTRY}
    assert list(json.loads(written)) == list({**entries, domain: ENTRY}), "in their order"


@BUSY
@given(st.dictionaries(NAMES, VALUES, max_size=5), NAMES)
def test_a_mark_changes_with_the_entry_and_with_nothing_else(entries, domain):
    text = json.dumps(entries)
    other = with_entry(text, "quite.another.invalid", {"plan": "standard"})
    assert entry_mark(text, domain) == entry_mark(other, domain)
    assert bool(entry_mark(text, domain)) is (domain in entries)
    assert entry_mark(with_entry(text, domain, {"was": entries.get(domain)}), domain) != entry_mark(text, domain)


def test_what_a_person_wrote_beside_it_stays_letter_by_letter():
    text = '{"b.example" : {"plan":[1e2]}  ,\n\n  "a.example":{ "plan" : "fast" , "plan": 1 },"c.example":7}\n\n'
    written = with_entry(text, "c.example", {"plan": "standard"})
    assert written == text.replace('"c.example":7', '"c.example":{"plan": "standard"}')
    assert with_entry(text, "d.example", {}).startswith(text.rstrip().removesuffix("}"))


def test_of_several_spellings_of_one_domain_one_is_left():
    text = '{"münchen.example": 1, "a.example": 2, "xn--mnchen-3ya.example": 3, "MÜNCHEN.example": 4, "b.example": 5}'
    written = with_entry(text, "xn--mnchen-3ya.example", ENTRY)
    assert json.loads(written) == {"münchen.example": ENTRY, "a.example": 2, "b.example": 5}


@pytest.mark.parametrize("text", [None, "", "{}", " {\n} "], ids=["no Variable", "empty", "no entry", "white space"])
def test_the_first_entry_makes_the_variable(text):
    assert json.loads(with_entry(text, "mail.example.com", ENTRY)) == {"mail.example.com": ENTRY}
    assert entry_mark(text, "mail.example.com") == ""


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"a": 1,}', "null"])
def test_a_text_that_is_no_object_is_not_touched(text):
    with pytest.raises(InvalidInput):
        with_entry(text, "mail.example.com", ENTRY)
    with pytest.raises(InvalidInput):
        entry_mark(text, "mail.example.com")
