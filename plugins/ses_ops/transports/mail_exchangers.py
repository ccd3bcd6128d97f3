"""The hosts that take the mail of a domain, by its MX records (RFC 5321 5.1)."""

from __future__ import annotations

#: Seconds within which a name server has to answer.
ANSWER_WITHIN = 5.0


def mail_exchangers(domain: str) -> list[str] | None:
    """The hosts of the MX records of a domain by preference; empty without any, None without an answer."""
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer, resolve

    try:
        records = resolve(domain, "MX", lifetime=ANSWER_WITHIN, search=False)
    except (NXDOMAIN, NoAnswer):
        return []
    except (DNSException, OSError):
        return None
    # A null MX (RFC 7505) says that the domain takes no mail.
    hosts = sorted((record.preference, record.exchange.to_text(omit_final_dot=True)) for record in records)
    return [host for _, host in hosts if host not in {"@", "."}]
