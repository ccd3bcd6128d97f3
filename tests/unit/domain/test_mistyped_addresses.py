"""Common typing errors of large providers' domains are warned of, by a list that is data."""

from __future__ import annotations

import pytest

from ses_ops.domain.address import parse_address
from ses_ops.domain.mistyped_addresses import SHOWN, DoubtfulAddresses, domain_meant, mistyped_domains
from ses_ops.errors import InvalidInput

#: Domains with mailboxes of their own, which look like a mistake.
REAL = [
    *("gmail.com", "googlemail.com", "mail.com", "ymail.com", "gmx.com", "gmx.net", "gmx.de", "email.com", "live.de"),
    *("hotmail.co.uk", "outlook.fr", "yahoo.ca", "aol.de", "me.com", "mac.com", "proton.me", "web.de", "mail.de"),
    *("freenet.de", "rocketmail.com", "yahoo.com.br", "fastmail.com", "example.com"),
]


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("anna@gmial.com", "gmail.com"),
        ("anna@GMAIL.CON", "gmail.com"),
        ("anna@hotmial.com", "hotmail.com"),
        ("anna@yaho.com", "yahoo.com"),
        ("anna@outlok.com", "outlook.com"),
        ("anna@iclould.com", "icloud.com"),
        ("anna@gmx.dee", "gmx.de"),
        ("anna@t-onlin.de", "t-online.de"),
        ("anna@docomo.co.jp", "docomo.ne.jp"),
        ("anna@qq.con", "qq.com"),
    ],
)
def test_a_typing_error_of_a_large_provider_is_known_with_what_is_meant(address, meant):
    assert domain_meant(address) == meant


@pytest.mark.parametrize("domain", REAL)
def test_a_domain_that_people_have_mailboxes_at_is_not_doubted(domain):
    assert domain_meant(f"anna@{domain}") is None


def test_the_list_names_each_mistake_once_and_never_a_domain_that_is_meant():
    known = mistyped_domains()
    assert len(known) > 300
    assert not set(known) & set(known.values())
    for typed, meant in known.items():
        assert parse_address(f"a@{meant}").address == f"a@{meant}"
        if "." in typed:
            parse_address(f"a@{typed}")
        else:
            with pytest.raises(InvalidInput, match=meant):
                parse_address(f"a@{typed}")


def test_all_are_counted_and_the_first_are_named():
    found = DoubtfulAddresses()
    for line in range(1, 501):
        address = f"Anna{line}@gmial.com"
        found.look(line, address, address.lower())
    found.look(501, "anna@gmail.com", "anna@gmail.com")
    assert (found.count, len(found.first)) == (500, SHOWN)
    assert found.first[0] == (1, "Anna1@gmial.com", "gmail.com")
