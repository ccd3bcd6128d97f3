"""The certificates by which Amazon SNS signs, and the addresses of SNS that are fetched.

An address comes with the message that it is to prove, so it is held against one fixed form before anything is fetched:
bucket names, look-alike hosts, ports and logins have led other receivers to an attacker's certificate.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ses_ops.events.hook import HookRefused

#: Seconds that a fetch may take as a whole, and bytes of the largest answer.
FETCH_WITHIN, MOST_FETCHED = 5.0, 64 * 1024
#: Number of certificates that are kept; Amazon has a few dozen, one a region and year.
_MOST_KEPT = 64
#: Fetches in a minute: a stranger who knows a topic could name addresses without end.
_MOST_FETCHES = 20

_HOST = r"https://(sns\.[a-z]{2}(?:-[a-z0-9]{1,16}){1,4}\.amazonaws\.com(?:\.cn)?)"
_CERTIFICATE = re.compile(_HOST + r"/SimpleNotificationService-[A-Za-z0-9]{8,64}\.pem")
_CONFIRMATION = re.compile(_HOST + r"/\?[A-Za-z0-9%._~&=:/+-]{1,2000}")

#: Fetches an https address: no redirect, at most MOST_FETCHED bytes, within FETCH_WITHIN. Raises OSError.
Fetch = Callable[[str], Awaitable[bytes]]


def certificate_host(address: object) -> str | None:
    """The host of the address of a certificate of SNS; None for any other address."""
    found = _CERTIFICATE.fullmatch(address) if isinstance(address, str) else None
    return found[1] if found else None


def confirms(address: object, topic: str) -> bool:
    """Whether an address of SNS confirms the subscription to this topic, and does nothing else."""
    if not isinstance(address, str) or not _CONFIRMATION.fullmatch(address):
        return False
    query = parse_qs(urlsplit(address).query, keep_blank_values=True)
    return (
        query.keys() <= {"Action", "TopicArn", "Token", "AuthenticateOnUnsubscribe"}
        and query.get("Action") == ["ConfirmSubscription"]
        and query.get("TopicArn") == [topic]
        and len(query.get("Token", [])) == 1
    )


class Certificates:
    """Public keys by the address of their certificate, fetched once."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: dict[str, x509.Certificate] = {}
        self._fetched_at: deque[datetime] = deque(maxlen=_MOST_FETCHES)

    async def key(self, address: object, at: datetime) -> RSAPublicKey:
        """The key to verify with. Raises HookRefused."""
        host = certificate_host(address)
        if host is None:
            raise HookRefused(403, "hook_certificate_address")
        certificate = self._kept.get(str(address))
        if certificate is None:
            certificate = await self._fetched(str(address), at)
            while len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[str(address)] = certificate
        if not certificate.not_valid_before_utc <= at.astimezone(UTC) <= certificate.not_valid_after_utc:
            self._kept.pop(str(address), None)
            raise HookRefused(403, "hook_certificate_not_valid")
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
            raise HookRefused(403, "hook_certificate_not_valid")
        return key

    async def _fetched(self, address: str, at: datetime) -> x509.Certificate:
        times = self._fetched_at
        if len(times) == times.maxlen and at - times[0] < timedelta(minutes=1):
            raise HookRefused(503, "hook_certificate_not_fetched", cause=f"{times.maxlen} fetches in a minute")
        times.append(at)
        try:
            content = await self._fetch(address)
        except OSError as error:
            # The provider tries again later.
            raise HookRefused(503, "hook_certificate_not_fetched", cause=error) from None
        # That the certificate is Amazon's is proven by TLS: its address is https, on a host of Amazon's. The file holds
        # no intermediate certificates, so there is no chain to follow.
        try:
            return x509.load_pem_x509_certificate(content)
        except ValueError:
            raise HookRefused(403, "hook_certificate_not_valid") from None


async def fetch_https(address: str) -> bytes:
    """Fetch an address as `Fetch` says, verified by the system's authorities."""
    import anyio
    import httpx

    content = b""
    try:
        with anyio.fail_after(FETCH_WITHIN):
            async with (
                httpx.AsyncClient(follow_redirects=False, timeout=FETCH_WITHIN) as client,
                client.stream("GET", address) as answer,
            ):
                if answer.status_code != 200:
                    raise OSError(f"the answer is {answer.status_code}")
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > MOST_FETCHED:
                        raise OSError("the answer is too long")
    except (httpx.HTTPError, TimeoutError) as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    return content
