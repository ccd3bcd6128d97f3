"""What can be a bounce domain: every token fits before it, and the internet finds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.address import parse_address
from ses_ops.domain.bounce_domain import MAX_BOUNCE_DOMAIN, dns_records, parse_bounce_domain, proposed_bounce_domain
from ses_ops.errors import InvalidInput
from ses_ops.events.tokens import LENGTH

LABEL = st.from_regex(r"\A[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?\Z")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("bounces.mail.example.com", "bounces.mail.example.com"),
        ("  Bounces.Example.COM. ", "bounces.example.com"),
        ("rückläufer.münchen.example", "xn--rcklufer-3za0v.xn--mnchen-3ya.example"),
    ],
)
def test_a_name_is_kept_as_dns_has_it(typed, kept):
    assert parse_bounce_domain(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", ".", "localhost", "a@b.example", "bounces..example", "-a.example", "a b.example", "192.0.2.1"),
        *("[192.0.2.1]", "*.example.com", "x.example\r\nRCPT TO:<a@b.example>", "a" * 64 + ".example", "a.b." * 60),
        *("https://bounces.example.com", "bounces.example.com:25", "b\0.example", "<script>.example"),
    ],
)
def test_what_no_dns_has_is_refused(typed):
    with pytest.raises(InvalidInput):
        parse_bounce_domain(typed)


def test_the_longest_name_that_is_taken_makes_an_address_that_smtp_takes():
    domain = ".".join(["a" * 46] * 4)[: MAX_BOUNCE_DOMAIN - 4] + ".com"
    assert parse_bounce_domain(domain) == domain
    assert parse_address(f"b-{'f' * LENGTH}@{domain}").address.endswith(domain)
    with pytest.raises(InvalidInput):
        parse_bounce_domain("a" + "." + domain)


@given(st.lists(LABEL, min_size=2, max_size=5).map(".".join))
def test_what_is_taken_is_taken_again_and_is_an_addresss_domain(typed):
    try:
        domain = parse_bounce_domain(typed)
    except InvalidInput:
        return
    assert parse_bounce_domain(domain) == domain
    assert parse_address(f"b-{'0' * LENGTH}@{domain}", dotless=True).address == f"b-{'0' * LENGTH}@{domain}"


def test_the_proposal_and_its_records_are_of_the_domain():
    proposed = proposed_bounce_domain("mail.example.com")
    assert parse_bounce_domain(proposed) == "bounces.mail.example.com"
    assert [record.split()[:3] for record in dns_records(proposed)] == [
        ["bounces.mail.example.com.", "IN", "MX"],
        ["bounces.mail.example.com.", "IN", "TXT"],
    ]
