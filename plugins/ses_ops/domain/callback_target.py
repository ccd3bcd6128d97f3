"""Network addresses that callbacks are never posted to, unless a setting names their network.

Whoever may add an endpoint could otherwise let our process ask what only our network reaches: the database, Airflow,
the metadata service of a cloud.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ses_ops.errors import InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: Public by their number, or taken for public by `is_global` of some versions of Python, and private by their use: the
#: wire server of Azure's virtual machines, IETF protocol assignments (a metadata service among them), relays of 6to4
#: (RFC 7526), the former site-local addresses (RFC 3879), NAT64 of a network's own (RFC 8215), segment routing.
_ALSO_REFUSED = tuple(
    map(
        ip_network,
        ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "64:ff9b:1::/48", "5f00::/16"),
    )
)
#: Networks whose addresses have an IPv4 address in their last 32 bits: NAT64 (RFC 6052, RFC 8215), IPv4-compatible.
_IPV4_AT_THE_END = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("::/96"))


def parse_networks(text: str, *, where: str) -> tuple[Network, ...]:
    """Networks such as `10.1.0.0/16, fd00:1::/32, 127.0.0.1`. Raises InvalidInput that names the setting `where`."""
    found: list[Network] = []
    for one in text.replace(",", " ").split():
        try:
            found.append(ip_network(one))
        except ValueError:
            raise InvalidInput("not_a_network", given=one[:100], where=where) from None
    return tuple(found)


def is_allowed(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether a callback may be posted to an IP address: a public one, or one in a network that is allowed.

    An IPv6 address that leads to an IPv4 one (mapped, 6to4, Teredo, NAT64) is judged as both.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if any(_within(one, allowed) for one in (found, *_inner(found)[:1])):
        return True
    return all(_is_public(one) for one in (found, *_inner(found)))


def _is_public(address: Address) -> bool:
    if _within(address, _ALSO_REFUSED):
        return False
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or _within(address, _IPV4_AT_THE_END)):
        return address not in ip_network("::/96")  # judged by the address inside
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_loopback
        and not address.is_link_local
        and not address.is_unspecified
    )


def _inner(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return []
    found: list[Address] = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    if address.teredo is not None:
        found += address.teredo
    if _within(address, _IPV4_AT_THE_END) and int(address) > 1:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == one.version and address in one for one in networks)
