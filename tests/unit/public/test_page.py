"""The texts and the address of the unsubscribe page, and the limits of strangers' requests."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.application.unsubscribe import Subscription, obscured
from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage
from ses_ops.public.front import loggable
from ses_ops.public.page import Shown, page
from ses_ops.public.page_words import all_words, text_names, words_of
from ses_ops.public.rates import RequestRate, network_of
from ses_ops.public.unsubscribe import bare_token

ENGLISH = all_words()[UnsubscribeLanguage.ENGLISH]
TOKEN = "0123456789abcdef" * 3 + "00112233"


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_language_has_every_text_with_the_same_places():
    assert set(all_words()) == set(LANGUAGES) - {UnsubscribeLanguage.NONE}
    for language, words in all_words().items():
        for name in text_names():
            text = getattr(words, name)
            assert text.strip() == text != "", (language, name)
            assert places(text) == places(getattr(ENGLISH, name)), (language, name)


def test_no_two_languages_share_a_sentence():
    for name in ("ask", "ask_plainly", "note", "done", "undone", "unknown", "later"):
        assert len({getattr(words, name) for words in all_words().values()}) == len(all_words()), name


@given(place=st.integers(0, 255), accepted=st.text(max_size=200))
def test_any_byte_and_any_header_has_a_language(place, accepted):
    words = words_of(place, accepted)
    if 0 < place < len(LANGUAGES):
        assert words.language is LANGUAGES[place]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("nl, fr-CH;q=0.8, en;q=0.9", "en"),
        ("nl, fr-CH;q=0.9, en;q=0.8", "fr"),
        ("zh", "zh-CN"),
        ("zh-Hant-HK", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("zh-Hans", "zh-CN"),
        ("in-ID", "id"),
        ("de;q=0, es", "es"),
        ("de;q=x, ja", "ja"),
        ("*", "en"),
        ("ar-EG,ar;q=0.9", "ar"),
    ],
)
def test_the_language_of_a_browser_is_followed_where_the_token_names_none(accepted, language):
    assert words_of(0, accepted).language == language


@given(address=st.text(min_size=1, max_size=64), domain=st.text(min_size=1, max_size=30))
def test_nothing_of_an_address_becomes_html(address, domain):
    found = Subscription(address=obscured(f"{address}@{domain}"), sender_domain=domain, unsubscribed=False)
    text = bytes(page(ENGLISH, Shown.ASK, found).body).decode("utf-8", "replace")
    shown = re.findall(r'<bdi dir="ltr">(.*?)</bdi>', text, re.DOTALL)
    assert len(shown) == 2
    assert not re.search(r"[<>]", "".join(shown))


@pytest.mark.parametrize(
    ("address", "shown"),
    [("ann@example.org", "a***@example.org"), ("a@b.example", "a***@b.example"), ('"x@y"@z.example', '"***@z.example')],
)
def test_an_address_is_shown_by_its_first_character(address, shown):
    assert obscured(address) == shown


@given(
    before=st.sampled_from(["", "=\r\n", " "]), cut=st.integers(0, 56), after=st.sampled_from(["", "=", ">", ". ", ")"])
)
def test_a_token_is_found_in_what_mail_programs_make_of_a_link(before, cut, after):
    assert bare_token(TOKEN[:cut].upper() + before + TOKEN[cut:] + after) == TOKEN


@given(text=st.text(alphabet="0123456789abcdefxyz=/. \n", max_size=120))
def test_what_is_no_token_is_none(text):
    found = bare_token(text)
    assert found == "" or re.fullmatch("[0-9a-f]{56}", found)


@given(path=st.text(alphabet="/u0123456789abcdefhooks._%", max_size=100))
def test_no_path_of_a_stranger_stands_in_the_log(path):
    assert re.fullmatch(r"/(u|hooks/[a-z_]{1,20}|health|robots\.txt|\.\.\.)(/\.\.\.)?", loggable(path))


def test_a_rate_counts_by_key_and_forgets():
    rate = RequestRate(most=2, seconds=3600, keys=3)
    assert [rate.allows("a") for _ in range(3)] == [True, True, False]
    assert rate.allows("b")
    rate.forget("a")
    assert rate.allows("a")
    for key in "cdef":
        rate.allows(key)
    assert rate.allows("a"), "of more keys than are kept the oldest go"


def test_an_ipv6_client_is_its_network():
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("unix") == "unix"
