"""Which mail server to use and how: read from an Airflow connection, checked before anything is sent."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ses_ops.errors import InvalidInput
from ses_ops.transports.smtp_pipelining import Pipelining

#: The environment variable that the messages of this module name.
CONNECTION_VARIABLE = "AIRFLOW_CONN_SES_SMTP"
#: Extras of Airflow's own SMTP provider that mean nothing here: a connection made for it stays usable.
_AIRFLOW_EXTRAS = frozenset(
    {
        "auth_type",
        "access_token",
        "client_id",
        "client_secret",
        "disable_ssl",
        "disable_tls",
        "from_email",
        "html_content_template",
        "retry_limit",
        "scope",
        "ssl_context",
        "subject_template",
        "tenant_id",
    }
)
_HOST = re.compile(r"[A-Za-z0-9_.:%-]+")


class Tls(Enum):
    """How the connection is encrypted."""

    #: Never.
    NONE = "none"
    #: By the STARTTLS command (RFC 3207), and not at all if the server does not offer it: then nothing is sent.
    STARTTLS = "starttls"
    #: By STARTTLS where the server offers it. The certificate is verified then, as always.
    STARTTLS_IF_OFFERED = "starttls-if-offered"
    #: From the first byte ("smtps", RFC 8314, usually port 465).
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """One mail server. Times in seconds. Raises InvalidInput when a value cannot be right."""

    host: str
    port: int = 25
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls = Tls.STARTTLS_IF_OFFERED
    #: Verify the server's certificate and name.
    verify: bool = True
    #: PEM file of the authorities to trust in place of the system's.
    ca_file: str | None = None
    #: At most so many connections at once.
    connections: int = 20
    #: How long to wait for a connection and for any one reply but that to the final dot.
    timeout: float = 30.0
    #: How long to wait for the reply to the final dot (RFC 5321 4.5.3.2.6: 10 minutes): giving up sooner than the
    #: server does leaves a message unknown that it may well have taken.
    data_timeout: float = 600.0
    #: How long to go on trying while no message makes progress, before TransportUnavailable.
    unavailable_after: float = 60.0
    #: A message that the server still puts off (4xx) so long after it did so first has failed (RFC 5321 4.5.4.1).
    give_up_after: float = 4 * 86_400.0
    #: What we call ourselves in EHLO; default: this machine's full name, else its address in brackets.
    local_hostname: str | None = None
    #: At most so many messages begun a second, over all connections; None: no limit.
    max_messages_per_second: float | None = None
    #: Send login and password without TLS to a server that is not on this machine.
    allow_plaintext_auth: bool = False
    #: Put an address on the suppression list when the server answers RCPT that there is no such mailbox.
    suppress_hard_bounces: bool = True
    #: How much to write before the replies are there (RFC 2920), where the server offers PIPELINING.
    pipelining: Pipelining = Pipelining.AUTO
    #: Close a connection after this many messages; None: what the server bears is learnt.
    messages_per_connection: int | None = None
    #: Stop, and wait for a person, when of at least 100 recipients more than this share do not exist; 1: never.
    most_unknown_users: float = 0.3

    def __post_init__(self) -> None:
        """Refuse what cannot work, before anybody connects."""
        for name in ("host", "local_hostname"):
            value = getattr(self, name)
            if value is not None and not _HOST.fullmatch(value.strip("[]")):
                raise _wrong(name, f"{value!r} is not a host name or address")
        if not 1 <= self.port <= 65535:
            raise _wrong("port", f"{self.port} is not between 1 and 65535")
        if not 1 <= self.connections <= 1000:
            raise _wrong("connections", f"{self.connections} is not between 1 and 1000")
        if self.messages_per_connection is not None and self.messages_per_connection < 1:
            raise _wrong("messages_per_connection", f"{self.messages_per_connection} is not 1 or more")
        if not 0 < self.most_unknown_users <= 1:
            raise _wrong("most_unknown_users", f"{self.most_unknown_users} is not a share between 0 and 1")
        for name in ("timeout", "data_timeout", "unavailable_after", "give_up_after", "max_messages_per_second"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise _wrong(name, f"{value} is not a positive number")
        if self.password is not None and self.login is None:
            raise _wrong("login", "a password is given, but no login")
        if "\0" in (self.login or "") + (self.password or ""):
            raise _wrong("login", "login and password cannot contain NUL (RFC 4616)")
        if self.ca_file is not None and not os.path.isfile(self.ca_file):
            raise _wrong("ca_file", f"there is no file {self.ca_file!r}")

    @property
    def address(self) -> str:
        """`host:port`, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def smtp_settings_from_connection_uri(text: str) -> SmtpSettings:
    """Read what `AIRFLOW_CONN_SES_SMTP` holds: Airflow's connection URI, or its JSON form.

    URI: `smtp://login:password@host:port/?tls=starttls&connections=20`, every part percent-encoded; the extras may
    also stand in one `__extra__` parameter as JSON. JSON: `{"conn_type", "host", "login", "password", "port",
    "extra"}`, with extra as an object or as JSON text. `smtps` and port 465 mean TLS from the first byte.
    Raises InvalidInput, which names the field and never shows the password.
    """
    text = text.strip()
    if not text:
        raise _wrong(None, "is empty; expected smtp://login:password@host:port/?tls=starttls or Airflow's JSON form")
    fields = _fields_of_json(text) if text.startswith("{") else _fields_of_uri(text)
    return smtp_settings_from_fields(**fields)


def smtp_settings_from_fields(
    *,
    conn_type: str | None,
    host: str | None,
    port: int | str | None,
    login: str | None,
    password: str | None,
    extra: Mapping[str, Any],
) -> SmtpSettings:
    """Make settings of the fields of an Airflow connection. Raises InvalidInput."""
    kind = (conn_type or "smtp").lower()
    if kind not in ("smtp", "smtps"):
        raise _wrong("conn_type", f"{kind!r} is not smtp or smtps")
    if not host:
        raise _wrong("host", "is missing")
    options = _options(extra)
    number = _port(port)
    tls = options.pop("tls", None)
    if tls is None:
        tls = Tls.TLS if kind == "smtps" or number == 465 else Tls.STARTTLS_IF_OFFERED
    elif kind == "smtps" and tls is not Tls.TLS:
        raise _wrong("tls", f"smtps means TLS from the first byte, but tls is {tls.value!r}; use smtp://")
    if number is None:
        number = 465 if tls is Tls.TLS else 587 if login else 25
    return SmtpSettings(host=host, port=number, login=login or None, password=password or None, tls=tls, **options)


def _fields_of_uri(text: str) -> dict[str, Any]:
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        # The parser's own words could quote the part with the password.
        reason = "the port is not a number" if "port" in str(error).lower() else "is not a URI"
        raise _wrong(None, f"{reason}; expected smtp://login:password@host:port/?tls=starttls") from None
    if not parts.scheme or not parts.netloc:
        raise _wrong(
            None, "is not a URI; expected smtp://login:password@host:port/?tls=starttls or Airflow's JSON form"
        )
    extra: dict[str, Any] = dict(query)
    packed = extra.pop("__extra__", None)
    if packed is not None:
        extra = {**_extra_object(packed), **extra}
    return {
        "conn_type": parts.scheme.replace("-", "_"),
        "host": unquote(host or ""),
        "port": port,
        "login": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "extra": extra,
    }


def _fields_of_json(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as error:
        place = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise _wrong(None, f"is not valid JSON{place}") from None
    if not isinstance(given, dict):
        raise _wrong(None, "is not a JSON object")
    unknown = set(given) - {"conn_type", "host", "login", "password", "port", "extra", "schema", "description"}
    if unknown:
        raise _wrong(sorted(unknown)[0], "is not a field of an Airflow connection; options belong into extra")
    for name in ("conn_type", "host", "login", "password"):
        if given.get(name) is not None and not isinstance(given[name], str):
            raise _wrong(name, "is not a text")
    return {
        "conn_type": given.get("conn_type"),
        "host": given.get("host"),
        "port": given.get("port"),
        "login": given.get("login"),
        "password": given.get("password"),
        "extra": _extra_object(given.get("extra")),
    }


def _extra_object(extra: object) -> dict[str, Any]:
    if extra is None or extra == "":
        return {}
    if isinstance(extra, str):
        try:
            extra = json.loads(extra)
        except ValueError:
            raise _wrong("extra", "is not valid JSON") from None
    if not isinstance(extra, dict):
        raise _wrong("extra", "is not a JSON object")
    return extra


def _options(extra: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in extra.items():
        if name in _AIRFLOW_EXTRAS:
            continue
        reader = _READERS.get(name)
        if reader is None:
            raise _wrong(f"extra.{name}", f"is not an option; the options are {', '.join(sorted(_READERS))}")
        read = reader(name, value) if value is not None and value != "" else None
        if read is not None:
            options[name] = read
    return options


def _port(value: object) -> int | None:
    return None if value is None or value == "" else _integer("port", value)


def _tls(name: str, value: object) -> Tls:
    try:
        return Tls(str(value).lower())
    except ValueError:
        raise _wrong(name, f"{value!r} is not one of {', '.join(one.value for one in Tls)}") from None


def _pipelining(name: str, value: object) -> Pipelining:
    # It was true or false once.
    known = {"true": Pipelining.AUTO, "false": Pipelining.NONE, **{one.value: one for one in Pipelining}}
    try:
        return known[str(value).strip().lower()]
    except KeyError:
        raise _wrong(name, f"{value!r} is not one of {', '.join(one.value for one in Pipelining)}") from None


def _integer(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    raise _wrong(name, f"{value!r} is not a whole number")


def _number(name: str, value: object) -> float | None:
    if isinstance(value, str) and value.strip().lower() in ("none", "null"):
        return None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    raise _wrong(name, f"{value!r} is not a number")


def _boolean(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    try:
        return known[str(value).strip().lower()]
    except KeyError:
        raise _wrong(name, f"{value!r} is not true or false") from None


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, f"{value!r} is not a text")
    return value


def _wrong(name: str | None, message: str) -> InvalidInput:
    return InvalidInput(message, where=CONNECTION_VARIABLE, field=name)


_READERS: dict[str, Any] = {
    "tls": _tls,
    "verify": _boolean,
    "ca_file": _text,
    "connections": _integer,
    "timeout": _number,
    "data_timeout": _number,
    "unavailable_after": _number,
    "give_up_after": _number,
    "local_hostname": _text,
    "max_messages_per_second": _number,
    "allow_plaintext_auth": _boolean,
    "suppress_hard_bounces": _boolean,
    "pipelining": _pipelining,
    "messages_per_connection": _integer,
    "most_unknown_users": _number,
}
