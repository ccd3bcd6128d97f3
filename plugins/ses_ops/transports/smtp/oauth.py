"""The OAuth 2 settings of a login: a token, or the client to fetch one (RFC 6749 4.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ses_ops.transports.smtp.connection_fields import wrong as _wrong

#: The endpoint and the scope that Airflow's SMTP provider uses: Microsoft's.
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
_MICROSOFT_SCOPE = "https://outlook.office.com/.default"
_TENANT = re.compile(r"[A-Za-z0-9._-]+")
#: The characters of a token: those of RFC 6750 2.1 and all other printable ASCII, none of which can end a command.
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """The source of access tokens. Raises InvalidInput when a value cannot be right; no text shows a secret."""

    #: The token that is used until the server refuses it.
    access_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    #: Microsoft's directory, for the endpoint that is used when no `token_url` is given.
    tenant_id: str | None = None
    scope: str | None = None
    token_url: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot work, before any connection is opened."""
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
        """Whether a new token can be fetched when one has expired."""
        return bool(self.client_id and self.client_secret)

    @property
    def endpoint(self) -> str:
        """The URL that tokens are fetched from."""
        return self.token_url or _MICROSOFT.format(tenant=self.tenant_id or "common")

    @property
    def asked_scope(self) -> str | None:
        """The scope to ask for; None for an endpoint other than Microsoft's when the settings name no scope."""
        return self.scope or (None if self.token_url else _MICROSOFT_SCOPE)


def is_token(text: object) -> bool:
    """Whether a value of an endpoint's answer can be a token."""
    return isinstance(text, str) and bool(_TOKEN.fullmatch(text))
