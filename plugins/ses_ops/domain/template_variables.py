"""The variables of a template against the columns of a recipient group.

Every variable must be a column of the group: a missing one is refused before mail leaves.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping

from ses_ops.errors import InvalidInput

#: A variable that ses-ops fills in for every message, so that no recipient group has a column for it: the task's
#: `unsubscribe_url` rendered for the recipient, or an empty text when the task has none.
UNSUBSCRIBE_URL = "unsubscribe_url"
RESERVED_VARIABLES = frozenset({UNSUBSCRIBE_URL})

#: Words that are not variables to Jinja2.
_JINJA_WORDS = frozenset(
    {"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"}
    | {"self", "loop", "super", "caller", "varargs", "kwargs"}
)


class Missing(str):
    """An empty text that `default()` and `is defined` of a template take for a missing value."""

    __slots__ = ()


#: The value of an empty cell in a group whose empty cells are missing values; stored as null in JSON.
MISSING = Missing()


def variable_name(text: str) -> str:
    """The name of a variable in a template: in NFKC, as identifiers of Python are compared (and so those of Jinja2).

    White space around the name and invisible characters (a byte order mark, direction marks) are no part of it.
    """
    if text.isascii():
        return text.strip()
    return "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf").strip()


def recipient_values(values: Mapping[str, str | None]) -> Mapping[str, str]:
    """The values by their names in a template (`variable_name`). An older version may have stored other forms of names.

    A value that is no mapping, which no version stores, gives none.
    """
    if not isinstance(values, dict):
        return recipient_values(dict(values)) if isinstance(values, Mapping) else {}
    if None not in values.values() and "".join(values).isascii():
        return values  # the case of nearly all recipients
    texts = {name: MISSING if value is None else value for name, value in values.items()}
    named = {variable_name(name): value for name, value in texts.items()}
    return {**named, **{name: value for name, value in texts.items() if variable_name(name) == name}}


def check_variable_name(name: str) -> None:
    """Raise InvalidInput unless `name` can be written in a template as `{{ name }}`."""
    if not name.isidentifier():
        raise InvalidInput("variable_not_a_name", name=name)
    if name.startswith("_"):
        raise InvalidInput("variable_begins_with_underscore", name=name)
    if name in _JINJA_WORDS:
        raise InvalidInput("variable_is_a_keyword", name=name)
    if name in RESERVED_VARIABLES:
        raise InvalidInput("variable_is_filled_in", name=name)


def compare_variables(template: Collection[str], group: Collection[str]) -> None:
    """Raise InvalidInput that names the columns missing in the group. Columns that are not used are no mistake."""
    columns: dict[str, str] = {}
    for written in sorted(group):
        name = variable_name(written)
        check_variable_name(name)
        if name in columns:
            raise InvalidInput(
                "variables_are_one",
                one=columns[name],
                other=written,
                field="variables",
            )
        columns[name] = written
    if missing := sorted(set(map(variable_name, template)) - set(columns)):
        raise InvalidInput("variables_missing_in_group", names=missing, field="variables")


def unused_columns(template: Collection[str], group: Iterable[str]) -> list[str]:
    """The columns of a group that a template does not use, in the group's order."""
    needed = set(map(variable_name, template))
    return [name for name in map(variable_name, group) if name not in needed]
