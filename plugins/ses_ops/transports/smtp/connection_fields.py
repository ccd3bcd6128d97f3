"""The fields of a mail server's Airflow connection, and the readers of their values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ses_ops.airflow_connection import UriCodes, extras, parsed
from ses_ops.errors import ConnectionProblem

#: The place of a connection that errors name, unless `found_in` names another.
CONNECTION_VARIABLE = "AIRFLOW_CONN_SES_SMTP"
_TEXTS = ("conn_type", "host", "login", "password")
_FIELDS = (*_TEXTS, "port", "extra")
_SMTP = UriCodes(
    not_a_uri="mail_connection_not_a_uri", not_readable="mail_connection_not_readable", port="port_not_a_number"
)


@contextmanager
def found_in(source: str) -> Iterator[None]:
    """Make the errors of a connection name `source`, the place where a person can mend the connection."""
    try:
        yield
    except ConnectionProblem as problem:
        raise problem.at(where=source, field=problem.field) from problem.__cause__


def fields_of(text: str) -> dict[str, Any]:
    """The fields of the mail server in a connection's URI or JSON. Raises ConnectionProblem."""
    if not text.strip():
        raise wrong(None, "mail_connection_empty")
    given = parsed(text, CONNECTION_VARIABLE, _SMTP, strict=True)
    unknown = given.keys() - {*_FIELDS, "schema", "description"}
    if unknown:
        raise wrong(min(unknown), "not_a_connection_field")
    for name in _TEXTS:
        if given.get(name) is not None and not isinstance(given[name], str):
            raise wrong(name, "option_not_text")
    return {name: given.get(name) for name in _FIELDS} | {"extra": extras(given.get("extra"), CONNECTION_VARIABLE)}


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
