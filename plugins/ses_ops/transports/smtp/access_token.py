"""The access token of an OAuth 2 login, given or fetched (RFC 6749 4.4)."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, Any

from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.smtp.oauth import OAuth2, is_token
from ses_ops.transports.smtp.replies import printable
from ses_ops.transports.smtp.settings import SmtpSettings
from ses_ops.transports.smtp.tls import ca_file_problem

if TYPE_CHECKING:
    import httpx

#: Seconds before its expiry at which a token is renewed: the login with the token takes time too.
_RENEW_BEFORE_EXPIRY = 60.0
#: Seconds of validity of a token whose endpoint names no `expires_in`.
_DEFAULT_LIFETIME = 300.0
#: Errors of an endpoint that a later request may not meet (RFC 6749 4.1.2.1, RFC 8628 3.5).
_TRANSIENT = frozenset({"temporarily_unavailable", "server_error", "slow_down"})


class AccessTokens:
    """One token for all connections of a transport, fetched by the first connection while the others wait."""

    def __init__(self, settings: SmtpSettings, oauth2: OAuth2) -> None:
        self._settings, self._oauth2 = settings, oauth2
        self._token = oauth2.access_token
        self._good_until = float("inf")
        self._lock = asyncio.Lock()
        self._trust: ssl.SSLContext | None = None

    async def current(self) -> tuple[str, bool]:
        """A valid token, and whether it was fetched just now.

        Raises ConnectionFailed or SetupRefused, whose texts show no secret.
        """
        async with self._lock:
            new = self._token is None or time.monotonic() >= self._good_until
            if new:
                self._token, seconds = await self._fetch()
                self._good_until = time.monotonic() + max(seconds - _RENEW_BEFORE_EXPIRY, seconds / 2)
            assert self._token is not None
            return self._token, new

    def refused(self, token: str, *, new: bool) -> bool:
        """Note that the server refused a token. Returns whether to retry: a token that is not new may be revoked."""
        if new or not self._oauth2.renewable:
            return False
        if token == self._token:
            self._token = None
        return True

    async def _fetch(self) -> tuple[str, float]:
        """A new token, and the seconds of its validity."""
        # The import takes 0.1 s, which only a login by OAuth 2 has to pay.
        import httpx

        place = {"server": self._settings.address, "during": f"token from {self._oauth2.endpoint}"}
        timeout = self._settings.timeout
        try:
            async with asyncio.timeout(timeout):
                if self._trust is None:
                    # Reading the authorities takes 50 ms; in a thread the event loop sends mail meanwhile.
                    self._trust = await asyncio.to_thread(_trust, self._settings)
                async with httpx.AsyncClient(verify=self._trust, timeout=timeout) as client:
                    answer = await client.post(self._oauth2.endpoint, data=_question(self._oauth2))
        except TimeoutError:
            raise ConnectionFailed("token_timeout", **place, seconds=timeout) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise SetupRefused("token_server_not_trusted", **place, cause=printable(str(error))) from None
            raise ConnectionFailed(
                "token_not_reached", **place, cause=printable(str(error)) or type(error).__name__
            ) from None
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> tuple[str, float]:
        try:
            said = answer.json()
        except ValueError:
            said = None
        said = said if isinstance(said, dict) else {}
        if answer.status_code == 200 and is_token(said.get("access_token")):
            return said["access_token"], _seconds(said.get("expires_in"))
        reason = ": ".join(str(said[name]) for name in ("error", "error_description") if said.get(name))
        for secret in (self._oauth2.client_secret, said.get("access_token")):
            reason = reason.replace(str(secret), "***") if secret else reason
        place = {"server": self._settings.address, "during": f"token from {self._oauth2.endpoint}"}
        words = f"{answer.status_code} {printable(reason)}".rstrip()
        if answer.status_code >= 500 or answer.status_code == 429 or said.get("error") in _TRANSIENT:
            raise ConnectionFailed("token_deferred", **place, reply=words)
        raise SetupRefused("token_refused", **place, reply=words)


def _question(oauth2: OAuth2) -> dict[str, str]:
    question = {
        "grant_type": "client_credentials",
        "client_id": oauth2.client_id or "",
        "client_secret": oauth2.client_secret or "",
    }
    return question | ({"scope": oauth2.asked_scope} if oauth2.asked_scope else {})


def _seconds(expires_in: Any) -> float:
    try:
        seconds = float(expires_in)
    except (TypeError, ValueError):
        return _DEFAULT_LIFETIME
    return seconds if 0 < seconds < float("inf") else _DEFAULT_LIFETIME


def _trust(settings: SmtpSettings) -> ssl.SSLContext:
    """Trust the system's authorities and those of the connection, which may have signed a private endpoint too."""
    context = ssl.create_default_context()
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(settings.ca_file)
        except OSError as error:
            raise ca_file_problem(settings, error) from error
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
