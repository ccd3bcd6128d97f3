"""Callbacks go to no address of a private network, however it is written."""

from __future__ import annotations

import pytest

from ses_ops.domain.callback_target import is_allowed, parse_networks


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",  # the metadata service of Oracle's machines; its range is public in part
        "192.88.99.1",
        "224.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "64:ff9b:1:7f00:0:100:808:808",  # 127.0.0.1 by a prefix of 48 bits (RFC 6052 2.2), 8.8.8.8 by one of 96
        "fc00::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "no address",
    ],
)
def test_an_address_of_a_private_network_is_refused_unless_a_setting_names_its_network(address):
    assert not is_allowed(address)
    assert not is_allowed(address, parse_networks("203.0.113.0/24", where="x"))


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_a_public_address_is_allowed(address):
    assert is_allowed(address)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "fec0::1"])
def test_a_network_of_the_setting_is_allowed(address):
    assert is_allowed(address, parse_networks("10.1.0.0/16, fec0::/10", where="x"))
