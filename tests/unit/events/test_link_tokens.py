"""The laws of signed links: a target comes out as it went in, and nothing else opens one."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.events.link_tokens import MAX_LENGTH, MAX_PLACE, MAX_TARGET, LinkMaker, LinkReader, is_target
from ses_ops.events.tokens import SECRET_SIZE

SECRET, OTHER = b"s" * SECRET_SIZE, b"o" * SECRET_SIZE
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
secrets = st.binary(min_size=SECRET_SIZE, max_size=80)
rests = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)
targets = st.builds("{}://h{}".format, st.sampled_from(["http", "https", "HTTPS"]), rests)
places = st.integers(0, MAX_PLACE)


def made(target: str, place: int = 0, secret: bytes = SECRET) -> str:
    return LinkMaker(secret).make(target, place)


def read(text: str, *known: bytes):
    return LinkReader(known or [SECRET]).read(text)


@given(targets, places, secrets)
def test_a_target_comes_out_byte_for_byte_as_it_went_in(target, place, secret):
    assert read(made(target, place, secret), secret) == (target, place)


@given(targets, places, st.data())
def test_a_link_with_one_altered_character_is_none(target, place, data):
    link = made(target, place)
    at = data.draw(st.integers(0, len(link) - 1))
    other = data.draw(st.sampled_from(ALPHABET.replace(link[at], "")))
    assert read(link[:at] + other + link[at + 1 :]) is None


@given(targets, st.integers(0, 10**6), st.integers(1, 255))
def test_a_link_with_one_altered_octet_is_none(target, at, change):
    link = made(target)
    octets = bytearray(urlsafe_b64decode(link + "=" * (-len(link) % 4)))
    octets[at % len(octets)] ^= change
    assert read(urlsafe_b64encode(octets).rstrip(b"=").decode()) is None


@given(targets, st.integers(1, 40))
def test_a_link_cut_short_or_gone_on_with_is_none(target, cut):
    link = made(target)
    assert read(link[:-cut]) is None
    assert read(link + "A" * cut) is None


@pytest.mark.parametrize("more", ["=", "==", " ", "\n", "%", ".", "/", "+", "é", "\0"])
def test_what_is_no_character_of_a_link_makes_it_none(more):
    # What mail does to an address is mended before it is read: LinkReader takes one spelling of a link.
    link = made("https://example.com/")
    for altered in (link + more, more + link, link[:20] + more + link[20:]):
        assert read(altered) is None


@given(st.text(max_size=300))
def test_nothing_written_by_hand_is_a_link(text):
    assert read(text) is None


@given(targets, secrets, secrets)
def test_a_link_of_another_installation_is_none(target, secret, other):
    # The key of BLAKE2b has 64 octets.
    assert (read(made(target, 0, secret), other) is None) is (secret[:64] != other[:64])


def test_links_survive_a_change_of_the_secret():
    assert read(made("https://example.com/", 3), OTHER, SECRET) == ("https://example.com/", 3)


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com/",
        "/path",
        "",
        "http://",
        "https:///path",
        "https://?x",
        "https://#x",
        "https://\\example.com",
        "https://example.com/\r\nSet-Cookie: x",
        "https://example.com/\x00",
        " https://example.com/",
        "ftp://example.com/",
        "mailto:anna@example.com",
        "https://example.com/\ud800",
        "https://example.com/" + "x" * MAX_TARGET,
    ],
)
def test_no_link_leads_anywhere_but_to_a_web_page(target):
    assert not is_target(target)
    with pytest.raises(ValueError, match="no link leads"):
        made(target)


def test_the_longest_target_makes_the_longest_link():
    target = "https://example.com/".ljust(MAX_TARGET, "x")
    link = made(target, MAX_PLACE + 45)
    assert len(link) == MAX_LENGTH
    assert read(link) == (target, MAX_PLACE), "places beyond the last are the last"


def test_a_secret_that_is_too_short_makes_no_link():
    with pytest.raises(ValueError, match="octets"):
        LinkMaker(b"short")
    with pytest.raises(ValueError, match="octets"):
        LinkReader([b"short"])


def test_a_forged_target_is_none_even_with_the_right_mac(monkeypatch):
    # Should a maker ever sign something else, the reader still leads to no other scheme.
    monkeypatch.setattr("ses_ops.events.link_tokens.is_target", lambda target: True)
    link = made("javascript:alert(1)")
    monkeypatch.undo()
    assert read(link) is None
