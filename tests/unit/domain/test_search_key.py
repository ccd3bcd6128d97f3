"""Search keys: whatever way people write a text, it is found."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.address import parse_address
from ses_ops.domain.search_key import address_keys, search_key
from ses_ops.errors import InvalidInput

FORMS = ("NFC", "NFD", "NFKC", "NFKD")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße", "STRASSE"),
        ("Ärger", "A\u0308RGER"),
        ("İstanbul", "i\u0307stanbul"),
        ("ＡＢＣ－１", "abc-1"),
        ("ﾒｰﾙ", "メール"),
        ("ガ", "カ\u3099"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ﬁnal", "FINAL"),
    ],
)
def test_what_a_reader_takes_for_one_text_has_one_key(one, other):
    assert search_key(one) == search_key(other)


@given(st.text(max_size=30))
def test_a_key_is_its_own_key_and_does_not_depend_on_composition_or_width(text):
    key = search_key(text)
    assert search_key(key) == key
    assert {search_key(unicodedata.normalize(form, text)) for form in FORMS} == {key}


@given(
    st.text(alphabet="aßÜüİΣςéガか漢ﬁＺ-1", min_size=1, max_size=10),
    st.sampled_from(["x.example", "Bücher.example", "例え.テスト"]),
)
def test_every_address_is_found_by_itself_and_by_its_domain_in_any_form(local, domain):
    try:
        key = parse_address(f"{local}@{domain}").key
    except InvalidInput:
        return
    for text in (local, f"{local}@", f"@{domain}", domain, domain.partition(".")[0]):
        for form in ("NFC", "NFD"):
            written = unicodedata.normalize(form, text)
            assert any(part in key for part in address_keys(written)), (written, key)
            assert any(part in key for part in address_keys(written.lower())), (written, key)


def test_an_international_part_is_looked_for_as_its_a_label_too():
    assert "@xn--bcher-kva.example" in address_keys("@Bücher.example")
    assert "xn--bcher-kva" in address_keys("bu\u0308cher")
    assert address_keys("ANN@") == ["ann@"]
