"""The values of a single message: JSON of any shape, within bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from ses_ops.domain.template_variables import UNSUBSCRIBE_URL, variable_name
from ses_ops.errors import InvalidInput

#: Lists and objects inside of each other.
MAX_DEPTH = 16
#: Values, those inside of others among them, and characters of all texts and names together.
MAX_VALUES, MAX_CHARACTERS = 10_000, 500_000
#: No text of a person has these: all of C0 but tab and line breaks, DEL. PostgreSQL stores no NUL, UTF-8 no half of a
#: surrogate pair.
_NOT_ALLOWED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]").search


def refuse_not_storable(text: str, field: str) -> None:
    """Raise InvalidInput for a text with a control character other than tabs and line breaks."""
    if not (text.isascii() and text.isprintable()) and (found := _NOT_ALLOWED(text)):
        raise InvalidInput("character_not_allowed", character=f"U+{ord(found[0]):04X}", field=field)


def checked_values(values: object) -> dict[str, Any]:
    """The values by their names, as they are. Raises InvalidInput, which names the place of what is wrong."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InvalidInput("not_values", field="values")
    found = dict(values)
    _Walk().object(found, "values", MAX_DEPTH)
    written: dict[str, str] = {}
    for name in found:
        normal = variable_name(name)
        if (first := written.setdefault(normal, name)) != name:
            raise InvalidInput("values_are_one", one=first, other=name, field="values")
        if normal == UNSUBSCRIBE_URL:
            raise InvalidInput("value_is_filled_in", name=name, field="values")
    return found


class _Walk:
    """Counts what it sees."""

    def __init__(self) -> None:
        self._values = 0
        self._characters = 0

    def object(self, values: Mapping[Any, Any], field: str, depth: int) -> None:
        for name, value in values.items():
            if not isinstance(name, str):
                raise InvalidInput("not_values", field=field)
            self._text(name, field)
            self._value(value, f"{field}.{name[:80]}", depth)

    def _value(self, value: Any, field: str, depth: int) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise InvalidInput("too_many_values", most=MAX_VALUES, field="values")
        if isinstance(value, str):
            self._text(value, field)
        elif isinstance(value, Mapping | list | tuple):
            if depth == 1:
                raise InvalidInput("values_too_deep", most=MAX_DEPTH, field=field)
            if isinstance(value, Mapping):
                self.object(value, field, depth - 1)
            else:
                for place, one in enumerate(value):
                    self._value(one, f"{field}[{place}]", depth - 1)
        elif isinstance(value, float):
            if not isfinite(value):
                raise InvalidInput("not_a_json_value", field=field)
        elif isinstance(value, int):
            if value.bit_length() > 64:
                raise InvalidInput("whole_number_too_large", field=field)
        elif value is not None:
            raise InvalidInput("not_a_json_value", field=field)

    def _text(self, text: str, field: str) -> None:
        self._characters += len(text)
        if self._characters > MAX_CHARACTERS:
            raise InvalidInput("too_many_characters", count=self._characters, most=MAX_CHARACTERS, field="values")
        refuse_not_storable(text, field)
