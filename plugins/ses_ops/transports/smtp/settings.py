"""The settings of a mail server, read from an Airflow connection.

Every value is checked before anything is sent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from ses_ops.transports.smtp.airflow_extras import AIRFLOW_EXTRAS, translated
from ses_ops.transports.smtp.connection_fields import boolean as _boolean
from ses_ops.transports.smtp.connection_fields import fields_of, found_in
from ses_ops.transports.smtp.connection_fields import integer as _integer
from ses_ops.transports.smtp.connection_fields import number as _number
from ses_ops.transports.smtp.connection_fields import text as _text
from ses_ops.transports.smtp.connection_fields import wrong as _wrong
from ses_ops.transports.smtp.oauth import OAuth2
from ses_ops.transports.smtp.pipelining import Pipelining
from ses_ops.transports.smtp.provider import PROVIDER_EXTRAS, of_its_provider
from ses_ops.transports.smtp.sasl import WITH_PASSWORD, WITH_TOKEN

if TYPE_CHECKING:
    from ses_ops.airflow_connection import FoundConnection

_SECONDS = ("timeout", "greeting_timeout", "data_timeout", "unavailable_after", "give_up_after")
_HOST = re.compile(r"[A-Za-z0-9_.:%-]+")


class Tls(Enum):
    """The encryption of the connection."""

    #: The connection is not encrypted.
    NONE = "none"
    #: TLS begins with the STARTTLS command (RFC 3207); no mail is sent through a server that does not offer STARTTLS.
    STARTTLS = "starttls"
    #: TLS begins with STARTTLS where the server offers that. The certificate is verified then, as always.
    STARTTLS_IF_OFFERED = "starttls-if-offered"
    #: TLS begins with the first byte ("smtps", RFC 8314, usually port 465).
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """The settings of one mail server. Times are in seconds. Raises InvalidInput when a value cannot be right."""

    host: str
    port: int = 25
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls = Tls.STARTTLS_IF_OFFERED
    #: Whether the server's certificate and name are verified.
    verify: bool = True
    #: PEM file of the authorities to trust in place of the system's.
    ca_file: str | None = None
    #: Largest number of connections at once.
    connections: int = 20
    #: Seconds to wait for a connection, and for any reply but that to the final dot.
    timeout: float = 30.0
    #: Seconds to wait for the greeting, which some servers delay while they look the client up (RFC 5321 4.5.3.2.1: 5
    #: minutes); None: ten times `timeout`.
    greeting_timeout: float | None = None
    #: Seconds to wait for the reply to the final dot (RFC 5321 4.5.3.2.6: 10 minutes): a sender that stops waiting
    #: before the server has finished leaves a message unknown that the server may well have taken.
    data_timeout: float = 600.0
    #: Seconds without a settled message after which the run ends with TransportUnavailable.
    unavailable_after: float = 60.0
    #: Seconds from its first deferral (4xx) after which a message that the server still defers expires, and has failed
    #: (RFC 5321 4.5.4.1).
    give_up_after: float = 4 * 86_400.0
    #: The client's name in EHLO; None: this machine's full host name, else its address in brackets.
    local_hostname: str | None = None
    #: Messages begun a second at most, over all connections; None: no limit.
    max_messages_per_second: float | None = None
    #: Whether login and password may be sent without TLS to a server that is not on this machine.
    allow_plaintext_auth: bool = False
    #: The one mechanism of AUTH to use, offered or not; None: each that the server offers, until one is accepted.
    auth_mechanism: str | None = None
    #: Settings of a login with an access token in place of a password.
    oauth2: OAuth2 | None = None
    #: A header by which the mail provider's events lead back to the message: its name, and what stands before and
    #: behind the message's token in it; None: the provider needs none.
    provider_header: tuple[str, str, str] | None = None
    #: A sentence for each part of the connection that has no meaning here, for logs and `ses doctor`.
    unused: tuple[str, ...] = field(default=(), compare=False)
    #: Whether an address enters the suppression list when the server answers RCPT that there is no such mailbox.
    suppress_hard_bounces: bool = True
    #: How much is written before the replies have come (RFC 2920), where the server offers PIPELINING.
    pipelining: Pipelining = Pipelining.AUTO
    #: Number of messages after which a connection is closed; None: the server's limit is learnt.
    messages_per_connection: int | None = None
    #: Share of unknown recipients (hard bounces, of at least 100 recipients) above which sending stops until a person
    #: resumes it; 1: never.
    most_unknown_users: float = 0.3
    #: Headers of every message, for the provider.
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values that cannot work, before any connection is opened."""
        for name in ("host", "local_hostname"):
            value = getattr(self, name)
            if value is not None and not _HOST.fullmatch(value.strip("[]")):
                raise _wrong(name, "not_a_host", value=value)
        if not 1 <= self.port <= 65535:
            raise _wrong("port", "port_out_of_range", value=self.port)
        self._check_counts()
        for name in (*_SECONDS, "max_messages_per_second"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise _wrong(name, "not_positive", value=value)
        if self.password is not None and self.login is None:
            raise _wrong("login", "password_without_login")
        if "\0" in (self.login or "") + (self.password or ""):
            raise _wrong("login", "login_with_nul")
        if self.oauth2 is not None and (not self.login or not self.login.isprintable()):
            raise _wrong("login", "login_not_a_mailbox")
        can = [one.name for one in (WITH_PASSWORD if self.oauth2 is None else WITH_TOKEN)]
        if self.auth_mechanism is not None and self.auth_mechanism not in can:
            raise _wrong("auth_mechanism", "option_not_known", value=self.auth_mechanism, known=can)
        if self.ca_file is not None and not os.path.isfile(self.ca_file):
            raise _wrong("ca_file", "file_missing", file=self.ca_file)

    @property
    def greeting_within(self) -> float:
        """Seconds that the server has for its greeting."""
        return self.greeting_timeout or 10 * self.timeout

    def _check_counts(self) -> None:
        if not 1 <= self.connections <= 1000:
            raise _wrong("connections", "connections_out_of_range", value=self.connections)
        if self.messages_per_connection is not None and self.messages_per_connection < 1:
            raise _wrong("messages_per_connection", "not_one_or_more", value=self.messages_per_connection)
        if not 0 < self.most_unknown_users <= 1:
            raise _wrong("most_unknown_users", "not_a_share", value=self.most_unknown_users)

    @property
    def address(self) -> str:
        """`host:port`, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def smtp_settings_from_connection_uri(text: str) -> SmtpSettings:
    """Read the value of `AIRFLOW_CONN_SES_SMTP`: Airflow's connection URI, or its JSON form.

    URI: `smtp://login:password@host:port/?tls=starttls&connections=20`, every part percent-encoded; the extras may
    also stand in one `__extra__` parameter as JSON. JSON: `{"conn_type", "host", "login", "password", "port",
    "extra"}`, with extra as an object or as JSON text. `smtps` and port 465 mean TLS from the first byte.
    Raises InvalidInput, which names the field and never shows the password.
    """
    return smtp_settings_from_fields(**fields_of(text))


def smtp_settings_from_found(found: FoundConnection) -> SmtpSettings:
    """Read a connection that was found. Raises ConnectionProblem, which names the place of the connection."""
    with found_in(found.source):
        given = found.given
        if isinstance(given, str):
            return smtp_settings_from_connection_uri(given)
        return smtp_settings_from_fields(
            conn_type=given.conn_type,
            host=given.host,
            port=given.port,
            login=given.login or None,
            password=given.password or None,
            extra=given.extra,
        )


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
    # The form of Airflow's connections offers the types generic and email even without a provider for mail.
    if kind in ("generic", "email"):
        kind = "smtp"
    if kind not in ("smtp", "smtps"):
        raise _wrong("conn_type", "not_smtp", value=kind)
    if not host:
        raise _wrong("host", "field_missing")
    own, oauth2, login, unused = translated(extra, conn_type=kind, login=login or None)
    of_provider = of_its_provider(own)
    if oauth2 is not None and password:
        password, unused = None, (*unused, "password: is not used: auth_type is oauth2")
    options = _options(own)
    number = _port(port)
    tls = options.pop("tls", None)
    if tls is None:
        tls = Tls.TLS if kind == "smtps" or number == 465 else Tls.STARTTLS_IF_OFFERED
    elif kind == "smtps" and tls is not Tls.TLS:
        raise _wrong("tls", "smtps_contradicts_tls", value=tls.value)
    if number is None:
        number = 465 if tls is Tls.TLS else 587 if login else 25
    options.update(oauth2=oauth2, unused=unused, **of_provider)
    return SmtpSettings(host=host, port=number, login=login, password=password or None, tls=tls, **options)


def _options(extra: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in extra.items():
        reader = _READERS.get(name)
        if reader is None:
            known = ", ".join(sorted({*_READERS, *AIRFLOW_EXTRAS, *PROVIDER_EXTRAS}))
            raise _wrong(f"extra.{name}", "option_unknown", options=known)
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
        raise _wrong(name, "option_not_known", value=value, known=(one.value for one in Tls)) from None


def _pipelining(name: str, value: object) -> Pipelining:
    # Earlier versions had the values true and false.
    known = {"true": Pipelining.AUTO, "false": Pipelining.NONE, **{one.value: one for one in Pipelining}}
    try:
        return known[str(value).strip().lower()]
    except KeyError:
        raise _wrong(name, "option_not_known", value=value, known=(one.value for one in Pipelining)) from None


def _mechanism(name: str, value: object) -> str:
    return _text(name, value).strip().upper()


_READERS: dict[str, Any] = {
    "tls": _tls,
    "verify": _boolean,
    "ca_file": _text,
    "connections": _integer,
    "timeout": _number,
    "greeting_timeout": _number,
    "data_timeout": _number,
    "unavailable_after": _number,
    "give_up_after": _number,
    "local_hostname": _text,
    "max_messages_per_second": _number,
    "allow_plaintext_auth": _boolean,
    "auth_mechanism": _mechanism,
    "suppress_hard_bounces": _boolean,
    "pipelining": _pipelining,
    "messages_per_connection": _integer,
    "most_unknown_users": _number,
}
