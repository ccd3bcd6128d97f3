"""TXT records of a domain, from DNS."""

from __future__ import annotations

from functools import lru_cache
from time import monotonic

#: Seconds that a look-up may take, and for which its answer is kept.
WITHIN, KEPT = 2.0, 60


def text_records(domain: str) -> list[str]:
    """The texts of a domain's TXT records; none also where DNS does not answer in time."""
    return list(_looked_up(domain, int(monotonic()) // KEPT))


@lru_cache(maxsize=1_000)
def _looked_up(domain: str, _: int) -> tuple[str, ...]:
    from dns.exception import DNSException
    from dns.resolver import resolve

    try:
        answer = resolve(domain, "TXT", lifetime=WITHIN, search=False)
    except (DNSException, OSError, ValueError):
        return ()
    return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer)
