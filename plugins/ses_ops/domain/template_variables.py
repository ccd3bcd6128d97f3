"""Every variable of a template must be a column of the group; what is missing is refused before mail leaves."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping

from ses_ops.errors import InvalidInput

#: Filled in by ses-ops for every message, so no recipient group has a column for it: the task's `unsubscribe_url`
#: rendered for the recipient, or an empty text when the task has none.
UNSUBSCRIBE_URL = "unsubscribe_url"
RESERVED_VARIABLES = frozenset({UNSUBSCRIBE_URL})

#: Words that Jinja2 reads as something else than a variable.
_JINJA_WORDS = frozenset(
    {"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"}
    | {"self", "loop", "super", "caller", "varargs", "kwargs"}
)


class Missing(str):
    """An empty text that `default()` and `is defined` of a template take for no value at all."""

    __slots__ = ()


#: What an empty cell is in a group whose empty cells are missing values; stored as JSON's null.
MISSING = Missing()


def variable_name(text: str) -> str:
    """The name by which a template knows a variable: NFKC, as identifiers of Python are compared (and Jinja2's become).

    White space around it and invisible characters (a byte order mark, direction marks) are no part of it.
    """
    if text.isascii():
        return text.strip()
    return "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf").strip()


def recipient_values(values: Mapping[str, str | None]) -> Mapping[str, str]:
    """Values as a template looks them up. Those that an older version stored may have names in another form.

    JSON that is no object, which nothing of ours stores, has none.
    """
    if not isinstance(values, dict):
        return recipient_values(dict(values)) if isinstance(values, Mapping) else {}
    if None not in values.values() and "".join(values).isascii():
        return values  # nearly all
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
    """Raise InvalidInput that names what the group misses. More columns than the template uses are no mistake."""
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
