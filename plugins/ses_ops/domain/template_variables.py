"""A template's variables and a recipient group's must be the same set; anything else is refused before mail leaves."""

from __future__ import annotations

from collections.abc import Collection

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


def check_variable_name(name: str) -> None:
    """Raise InvalidInput unless `name` can be written in a template as `{{ name }}`."""
    if not name.isidentifier():
        raise InvalidInput(f"{name!r} cannot be a variable: use letters, digits and _, not beginning with a digit")
    if name.startswith("_"):
        raise InvalidInput(f"{name!r} cannot be a variable: names that begin with _ are not open to templates")
    if name in _JINJA_WORDS:
        raise InvalidInput(f"{name!r} cannot be a variable: the word has a meaning of its own in templates")
    if name in RESERVED_VARIABLES:
        raise InvalidInput(f"{name!r} cannot be a variable of a recipient group: ses-ops fills it in itself")


def compare_variables(template: Collection[str], group: Collection[str]) -> None:
    """Raise InvalidInput that names what the group misses and what the template does not use."""
    for name in sorted(group):
        check_variable_name(name)
    missing = sorted(set(template) - set(group))
    unused = sorted(set(group) - set(template))
    complaints = []
    if missing:
        complaints.append(f"the template needs {_listed(missing)}, which the recipient group does not have")
    if unused:
        complaints.append(f"the recipient group has {_listed(unused)}, which the template does not use")
    if complaints:
        raise InvalidInput("; ".join(complaints), field="variables")


def _listed(names: list[str]) -> str:
    return ", ".join(names)
