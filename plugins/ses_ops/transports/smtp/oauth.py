"""OAuth 2 for the login: a token that is given, or what one is fetched with (RFC 6749 4.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ses_ops.transports.smtp.connection_fields import wrong as _wrong

#: The token and the endpoint that Airflow's SMTP provider asks for: Microsoft's.
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
_MICROSOFT_SCOPE = "https://outlook.office.com/.default"
_TENANT = re.compile(r"[A-Za-z0-9._-]+")
#: RFC 6750 2.1, and whatever else is printable and can end nothing.
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """Where access tokens come from. Raises InvalidInput when a value cannot be right; no text shows a secret."""

    #: Used until the server refuses it.
    access_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    #: Microsoft's directory, for the endpoint that is asked when no `token_url` is given.
    tenant_id: str | None = None
    scope: str | None = None
    token_url: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work, before anybody connects."""
        if self.access_token is None and not self.renewable:
            raise _wrong("extra.auth_type", "oauth2_incomplete")
        if self.access_token is not None and not _TOKEN.fullmatch(self.access_token):
            raise _wrong("extra.access_token", "token_not_printable_ascii")
        if self.tenant_id is not None and not _TENANT.fullmatch(self.tenant_id):
            raise _wrong("extra.tenant_id", "tenant_not_valid", value=self.tenant_id)
        if self.token_url is not None:
            try:
                parts = urlsplit(self.token_url)
                good = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
            except ValueError:
                good = False
            if not good:
                raise _wrong("extra.token_url", "token_url_not_https")

    @property
    def renewable(self) -> bool:
        """Whether a new token can be had when one has expired."""
        return bool(self.client_id and self.client_secret)

    @property
    def endpoint(self) -> str:
        """The address that tokens are fetched from."""
        return self.token_url or _MICROSOFT.format(tenant=self.tenant_id or "common")

    @property
    def asked_scope(self) -> str | None:
        """What the token is to be good for; the endpoints of others than Microsoft may need none."""
        return self.scope or (None if self.token_url else _MICROSOFT_SCOPE)


def is_token(text: object) -> bool:
    """Whether an endpoint's answer can be a token."""
    return isinstance(text, str) and bool(_TOKEN.fullmatch(text))
