"""The bounce domain of a sender domain: the domain of its envelope senders `b-TOKEN@...`.

Mail servers send bounces to the envelope sender (RFC 5321 4.4, RFC 3464). The MX of the bounce domain leads to the
bounce listener, which refuses all other mail: a domain that people write to cannot be a bounce domain as well.
"""

from __future__ import annotations

from ses_ops.domain.address import MAX_ADDRESS, MAX_LOCAL_PART, parse_domain
from ses_ops.errors import Explanation, InvalidInput

#: Octets of the longest bounce domain: every local part fits before it.
MAX_BOUNCE_DOMAIN = MAX_ADDRESS - 1 - MAX_LOCAL_PART


def parse_bounce_domain(text: str) -> str:
    """A bounce domain in lower case and as IDNA A-labels. Raises InvalidInput with the reason.

    A last dot, as in a zone file, is left out. A name without another dot is refused: it has no MX on the internet.
    """
    name = text.strip().removesuffix(".")
    if not name:
        raise InvalidInput("bounce_domain_empty")
    domain = parse_domain(name)
    if len(domain) > MAX_BOUNCE_DOMAIN:
        raise InvalidInput("domain_too_long", most=MAX_BOUNCE_DOMAIN)
    if "." not in domain:
        raise InvalidInput("not_a_domain", domain=domain, why=Explanation("domain_without_dot"))
    return domain


def dns_records(bounce_domain: str) -> list[str]:
    """The records that a bounce domain needs, as a zone file has them; HOST and ADDRESS are to be replaced."""
    return [f"{bounce_domain}. IN MX 10 HOST.", f'{bounce_domain}. IN TXT "v=spf1 ip4:ADDRESS -all"']


def proposed_bounce_domain(sender_domain: str) -> str:
    """The name that pages and documents propose: below the sender domain, so that DMARC's relaxed alignment holds."""
    return f"bounces.{sender_domain}"
