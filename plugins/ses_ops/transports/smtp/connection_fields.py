"""The fields of an Airflow connection, read from its URI or its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ses_ops.errors import ConnectionProblem

#: The place of a connection that errors name, unless `found_in` names another.
CONNECTION_VARIABLE = "AIRFLOW_CONN_SES_SMTP"


@contextmanager
def found_in(source: str) -> Iterator[None]:
    """Make the errors of a connection name `source`, the place where a person can mend the connection."""
    try:
        yield
    except ConnectionProblem as problem:
        raise problem.at(where=source, field=problem.field) from problem.__cause__


def fields_of(text: str) -> dict[str, Any]:
    """The fields of a connection in either form. Raises InvalidInput."""
    text = text.strip()
    if not text:
        raise wrong(None, "mail_connection_empty")
    return _fields_of_json(text) if text.startswith("{") else _fields_of_uri(text)


def _fields_of_uri(text: str) -> dict[str, Any]:
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        # The parser's own message could quote the part with the password.
        is_port = "port" in str(error).lower()
        raise wrong(None, "port_not_a_number" if is_port else "mail_connection_not_readable") from None
    if not parts.scheme or not parts.netloc:
        raise wrong(None, "mail_connection_not_a_uri")
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
        if isinstance(error, json.JSONDecodeError):
            raise wrong(None, "not_json_at", line=error.lineno, column=error.colno) from None
        raise wrong(None, "not_json") from None
    if not isinstance(given, dict):
        raise wrong(None, "not_a_json_object")
    unknown = set(given) - {"conn_type", "host", "login", "password", "port", "extra", "schema", "description"}
    if unknown:
        raise wrong(sorted(unknown)[0], "not_a_connection_field")
    for name in ("conn_type", "host", "login", "password"):
        if given.get(name) is not None and not isinstance(given[name], str):
            raise wrong(name, "option_not_text")
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
            raise wrong("extra", "not_json") from None
    if not isinstance(extra, dict):
        raise wrong("extra", "not_a_json_object")
    return extra


def integer(name: str, value: object) -> int:
    """A whole number, perhaps as text. Raises ConnectionProblem, as every reader of a value here does."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    raise wrong(name, "option_not_a_whole_number", value=value)


def number(name: str, value: object) -> float | None:
    """A number, perhaps as text; None for the texts none and null."""
    if isinstance(value, str) and value.strip().lower() in ("none", "null"):
        return None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    raise wrong(name, "option_not_a_number", value=value)


def boolean(name: str, value: object) -> bool:
    """True or false, perhaps as text (true, 1, yes, false, 0, no)."""
    if isinstance(value, bool):
        return value
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    try:
        return known[str(value).strip().lower()]
    except KeyError:
        raise wrong(name, "option_not_a_boolean", value=value) from None


def text(name: str, value: object) -> str:
    """A text; any other type is refused."""
    if not isinstance(value, str):
        raise wrong(name, "option_value_not_text", value=value)
    return value


def wrong(name: str | None, code: str, /, **facts: Any) -> ConnectionProblem:
    """Make, but do not raise, the error for a field of the connection."""
    return ConnectionProblem(code, where=CONNECTION_VARIABLE, field=name, **facts)
