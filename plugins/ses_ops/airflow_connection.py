"""Airflow's connections, read from URI, JSON or fields, and libpq URIs made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from ses_ops.errors import ConnectionProblem

#: Types of a connection to PostgreSQL. Airflow's form offers `postgres` only where the PostgreSQL provider is
#: installed, `generic` everywhere.
POSTGRES_TYPES = ("postgres", "postgresql", "generic")
#: The one parameter of a URI that holds all extras as JSON.
_EXTRA = "__extra__"
#: Extras of Airflow's PostgreSQL provider that are not parameters of libpq.
_NOT_LIBPQ = frozenset(
    {
        *("cursor", "iam", "redshift", "redshift-serverless", "cluster-identifier", "workgroup-name"),
        *("aws_conn_id", "azure_conn_id", "session_duration", "enable_log_db_messages"),
        *("sqlalchemy_scheme", "sqlalchemy_query"),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionFields:
    """The fields of a connection; `source` names the place where it was found, for the person who has to mend it."""

    source: str
    conn_type: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    host: str = ""
    port: int | None = None
    schema: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundConnection:
    """A connection as it was found: a text, or fields that Airflow has read."""

    source: str
    given: str | ConnectionFields = field(repr=False)

    @property
    def fields(self) -> ConnectionFields:
        """The fields of the connection. Raises ConnectionProblem."""
        return read_connection(self.given, self.source) if isinstance(self.given, str) else self.given


@dataclass(frozen=True, kw_only=True, slots=True)
class UriCodes:
    """The codes of the errors of a URI. There is a set for each kind of connection, whose sentences have an example."""

    not_a_uri: str
    not_readable: str
    port: str


_POSTGRES = UriCodes(not_a_uri="not_a_connection_uri", not_readable="not_a_connection_uri", port="not_a_connection_uri")


def read_connection(text: str, source: str) -> ConnectionFields:
    """Read a connection from Airflow's URI or JSON. Raises ConnectionProblem, which shows no password."""
    return _checked(parsed(text, source, _POSTGRES), source)


def parsed(text: str, source: str, codes: UriCodes, *, strict: bool = False) -> dict[str, Any]:
    """The fields that a URI or a JSON object has, by Airflow's names and of any type.

    `strict` also refuses a URI without type or host, and a parameter without `=`. Raises ConnectionProblem, which shows
    no part of the text, because any part can contain the password.
    """
    text = text.strip()
    return _of_json(text, source) if text.startswith("{") else _of_uri(text, source, codes, strict=strict)


def connection_of(found: Any, source: str) -> ConnectionFields:
    """The fields of an object of Airflow that is a connection. Raises ConnectionProblem."""
    fields = {name: getattr(found, name, None) for name in ("conn_type", "login", "password", "host", "port", "extra")}
    # The answer of Airflow's execution API has the field `schema_`, because pydantic has a method `schema`.
    schema = found.schema_ if hasattr(found, "schema_") else getattr(found, "schema", None)
    return _checked(fields | {"schema": schema}, source)


def libpq_uri(given: ConnectionFields) -> str:
    """The libpq URI of a connection to PostgreSQL. Raises ConnectionProblem.

    Airflow's `extra`, or the parameters of the URI, become parameters of libpq (`sslmode`, `host` for a socket ...).
    """
    kind = given.conn_type.lower().partition("+")[0]
    if kind not in POSTGRES_TYPES:
        raise ConnectionProblem(
            "not_postgres",
            value=given.conn_type,
            where=given.source,
        )
    if not given.schema:
        raise ConnectionProblem("database_not_named", where=given.source)
    password = ":" + quote(given.password, safe="") if given.password else ""
    user = f"{quote(given.login, safe='')}{password}@" if given.login else ""
    port = f":{given.port}" if given.port else ""
    parameters = {name: _parameter(name, value, given) for name, value in given.extra.items() if name not in _NOT_LIBPQ}
    query = "?" + urlencode(parameters, quote_via=quote) if parameters else ""
    return f"postgresql://{user}{_bracketed(given.host)}{port}/{quote(given.schema, safe='')}{query}"


def _parameter(name: str, value: object, given: ConnectionFields) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str | int | float):
        return str(value)
    raise ConnectionProblem("not_text_or_number", where=given.source, field=f"extra.{name}")


def _bracketed(host: str) -> str:
    if host.startswith("/"):
        return quote(host, safe="")
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _of_uri(text: str, source: str, codes: UriCodes, *, strict: bool) -> dict[str, Any]:
    try:
        parts = urlsplit(text)
        port, host = parts.port, _host(parts)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=strict and bool(parts.query))
    except ValueError as error:
        code = codes.port if "port" in str(error).lower() else codes.not_readable
        raise ConnectionProblem(code, where=source) from None
    if "://" not in text or (strict and not (parts.scheme and parts.netloc)):
        raise ConnectionProblem(codes.not_a_uri, where=source)
    extra: dict[str, Any] = dict(pairs)
    packed = extra.pop(_EXTRA, None)
    return {
        # Airflow writes the type with a hyphen, because a scheme has no underscore.
        "conn_type": parts.scheme.replace("-", "_"),
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": host,
        "port": port,
        "schema": unquote(parts.path.lstrip("/")),
        "extra": extra | extras(packed, source),
    }


def _host(parts: SplitResult) -> str:
    """The host, in the case as written when it is the folder of a socket: urlsplit turns it to lower case."""
    host = unquote(parts.hostname or "")
    if "/" not in host:
        return host
    return unquote(parts.netloc.rpartition("@")[2].partition(":")[0])


def _of_json(text: str, source: str) -> dict[str, Any]:
    try:
        given: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConnectionProblem("not_json_at", where=source, line=error.lineno, column=error.colno) from None
    except ValueError:  # a number of thousands of digits
        raise ConnectionProblem("not_json", where=source) from None
    return given


def _checked(given: Mapping[str, Any], source: str) -> ConnectionFields:
    port = given.get("port")
    if not (port is None or port == "" or (str(port).isascii() and str(port).isdecimal())):
        raise ConnectionProblem("not_a_whole_number", where=source, field="port")
    texts = {name: str(given.get(name) or "") for name in ("conn_type", "login", "password", "host", "schema")}
    return ConnectionFields(
        source=source, port=int(port) if port else None, extra=extras(given.get("extra"), source), **texts
    )


def extras(extra: object, source: str) -> dict[str, Any]:
    """The extras of a connection, which may be JSON text. Raises ConnectionProblem."""
    if isinstance(extra, str):
        try:
            extra = json.loads(extra) if extra.strip() else {}
        except ValueError:
            raise ConnectionProblem("not_json", where=source, field="extra") from None
    if extra is not None and not isinstance(extra, dict):
        raise ConnectionProblem("not_a_json_object", where=source, field="extra")
    return extra or {}
