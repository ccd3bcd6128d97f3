"""The extras of Airflow's own SMTP provider, translated into those of this project.

An extra that has no meaning here is never dropped silently: the translation has a sentence for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ses_ops.transports.smtp.connection_fields import boolean, text
from ses_ops.transports.smtp.connection_fields import wrong as _wrong
from ses_ops.transports.smtp.oauth import OAuth2

_OAUTH2 = ("access_token", "client_id", "client_secret", "tenant_id", "scope", "token_url")
_SECRET = frozenset({"access_token", "client_secret"})
#: The value that the provider's form writes when nobody touched the field.
_RETRY_LIMIT = "5"

#: Extras of the provider that have no meaning here, each with the reason.
_NO_MEANING = {
    "retry_limit": "is not used: what was put off is tried again by itself, until give_up_after",
    "from_email": "is not used: each send task names its sender",
    "subject_template": "is not used: each send task names its subject",
    "html_content_template": "is not used: each send task names its template",
}
AIRFLOW_EXTRAS = frozenset({*_NO_MEANING, *_OAUTH2, "auth_type", "disable_ssl", "disable_tls", "ssl_context"})


class Translated(NamedTuple):
    """The same connection in the extras of this project."""

    #: Extras of this project, unchanged, and those that extras of the provider were translated to.
    own: dict[str, Any]
    oauth2: OAuth2 | None
    login: str | None
    #: One sentence for each extra that has a value and no meaning here.
    unused: tuple[str, ...]


def translated(extra: Mapping[str, Any], *, conn_type: str, login: str | None) -> Translated:
    """Take the provider's extras out of `extra`. Raises InvalidInput."""
    given = {name: value for name, value in extra.items() if value is not None and value != ""}
    own = {name: value for name, value in extra.items() if name not in AIRFLOW_EXTRAS}
    unused = [*_encryption(given, own, conn_type), *_verification(given, own)]
    if str(given.get("retry_limit")) == _RETRY_LIMIT:
        del given["retry_limit"]
    oauth2 = None
    if _is_oauth2(given):
        oauth2 = OAuth2(**{name: _text(name, given[name]) for name in _OAUTH2 if name in given})
        if login is None and "from_email" in given:
            login = text("extra.from_email", given.pop("from_email"))
        if login is None:
            raise _wrong("login", "mailbox_missing")
    else:
        unused += [f"extra.{name}: is not used: auth_type is not oauth2" for name in _OAUTH2 if name in given]
    unused += [f"extra.{name}: {why}" for name, why in _NO_MEANING.items() if name in given]
    return Translated(own, oauth2, login, tuple(unused))


def _is_oauth2(given: Mapping[str, Any]) -> bool:
    """Whether the login is by OAuth 2: as `auth_type` says, without `auth_type` by which extras are present.

    (A caller of the provider's hook can also ask for OAuth 2, so such a connection may have no `auth_type`.)
    """
    kind = str(given.get("auth_type", "")).lower()
    if kind not in ("", "basic", "oauth2"):
        raise _wrong("extra.auth_type", "auth_type_unknown", value=given["auth_type"])
    return kind == "oauth2" or (
        not kind and ("access_token" in given or {"client_id", "client_secret"} <= given.keys())
    )


def _encryption(given: Mapping[str, Any], own: dict[str, Any], conn_type: str) -> list[str]:
    """Translate `disable_ssl` (no TLS from the first byte) and `disable_tls` (no STARTTLS) into `own["tls"]`.

    Both default to false, as in the provider's form. Returns a sentence for each that is not used.
    """
    said = {name: boolean(f"extra.{name}", given[name]) for name in ("disable_ssl", "disable_tls") if name in given}
    if "tls" in given or conn_type == "smtps":
        by = "tls" if "tls" in given else "conn_type"
        return [f"extra.{name}: is not used: {by} says how to encrypt" for name, value in said.items() if value]
    no_ssl, no_starttls = said.get("disable_ssl", False), said.get("disable_tls", False)
    if no_ssl or no_starttls:
        own["tls"] = ("none" if no_starttls else "starttls") if no_ssl else "tls"
    return []


def _verification(given: Mapping[str, Any], own: dict[str, Any]) -> list[str]:
    """Translate `ssl_context: none`, the provider's way to verify no certificate, into `own["verify"]`.

    Returns a sentence when it is not used.
    """
    kind = given.get("ssl_context", "default")
    if kind not in ("default", "none"):
        raise _wrong("extra.ssl_context", "ssl_context_unknown", value=kind)
    if kind == "none":
        if "verify" in given:
            return ["extra.ssl_context: is not used: verify says whether certificates are verified"]
        own["verify"] = False
    return []


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if name in _SECRET:  # an error shows no secret
        raise _wrong(f"extra.{name}", "option_not_text")
    return text(f"extra.{name}", value)
