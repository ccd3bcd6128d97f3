"""The parameters of a request, checked by what its action knows (request_fields.txt).

They come as a JSON object, or as a query or form with names such as `Template.TemplateID` and `Destination.0`, where
every value is a text. Clients check no types, so a number may come as a text in JSON as well, and the other way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from ses_ops.api.bodies import parse_json
from ses_ops.api.tencent.action_error import ActionError, missing, wrong_type, wrong_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_DECLARED = re.compile(r"(?P<name>\w+)(?::(?P<kind>\w+))?(?P<many>\[\])?(?P<required>\*)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
#: What a 64-bit integer holds.
_LARGEST = 2**63 - 1
#: PostgreSQL stores no NUL, and UTF-8 has no half of a surrogate pair.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
#: Most parts of a name such as `Attachments.0.Content`, and most items of a list in a query or form.
_MOST_PARTS, _MOST_ITEMS = 4, 100_000
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
#: Codes of a parameter that is not there, where the reference has one for it.
_MISSING = {
    ("CreateReceiverDetail", "Emails"): "MissingParameter.EmailsNecessary",
    ("CreateReceiverDetail", "ReceiverId"): "MissingParameter.ReceiverIdNecessary",
    ("CreateReceiverDetailWithData", "Datas"): "MissingParameter.EmailsNecessary",
    ("CreateCustomBlacklist", "Emails"): "MissingParameter.EmailsNecessary",
    ("DeleteReceiver", "ReceiverId"): "MissingParameter.ReceiverIdNecessary",
    ("ListReceiverDetails", "ReceiverId"): "MissingParameter.ReceiverIdNecessary",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """A field as the reference declares it."""

    name: str
    #: `text`, `int`, `bool`, or the name of an object.
    kind: str
    many: bool
    required: bool


@cache
def declarations() -> dict[str, tuple[Declared, ...]]:
    """The fields of every action and object, by its name."""
    lines = Path(__file__).with_name("request_fields.txt").read_text("utf-8").splitlines()
    found: dict[str, tuple[Declared, ...]] = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, *fields = line.split()
            found[name] = tuple(map(_declared, fields))
    return found


def _declared(text: str) -> Declared:
    found = _DECLARED.fullmatch(text)
    assert found is not None, text
    kind = found["kind"] or "text"
    return Declared(
        name=found["name"], kind=kind, many=found["many"] is not None, required=found["required"] is not None
    )


def read_json(body: bytes) -> dict[str, Any]:
    """The parameters in a JSON body. Raises ActionError, and Refusal for what is no plain JSON."""
    found = parse_json(body) if body else {}
    if not isinstance(found, dict):
        raise ActionError("InvalidParameter", "The request body is not a JSON object.")
    return found


def read_pairs(text: str) -> dict[str, str]:
    """The names and values of a query or a form, in UTF-8. Raises ActionError."""
    found: dict[str, str] = {}
    for piece in text.split("&") if text else ():
        name, equals, value = piece.partition("=")
        try:
            name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
        except UnicodeDecodeError as cause:
            raise ActionError("InvalidParameter", "The request is not in UTF-8.") from cause
        if not equals:
            raise ActionError("InvalidParameter", "Url key and value should be splited by `=`.")
        if name in found:
            raise ActionError("InvalidParameter", f"The parameter `{name[:100]}` is repeated.")
        found[name] = value
    return found


def unflattened(pairs: Mapping[str, str]) -> dict[str, Any]:
    """The tree that flat names are of: `Template.TemplateID`, `Destination.0`; a list is an object of numbers here."""
    tree: dict[str, Any] = {}
    for name, value in pairs.items():
        *outer, last = name.split(".")
        at = tree
        for part in outer:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise wrong_type(name[:100])
        if len(outer) >= _MOST_PARTS or last in at:
            raise wrong_type(name[:100])
        at[last] = value
    return tree


def checked(action: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an action with their right types; what was not given is left out. Raises ActionError."""
    return _fields(action, given, "", action)


def _fields(owner: str, given: Mapping[str, Any], place: str, action: str) -> dict[str, Any]:
    declared = {one.name: one for one in declarations()[owner]}
    for name in given:
        if name not in declared:
            raise ActionError("UnknownParameter", f"The parameter `{place}{str(name)[:100]}` is not recognized.")
    found: dict[str, Any] = {}
    for name, one in declared.items():
        value = given.get(name)
        if value is None:
            if one.required:
                raise missing(place + name, _MISSING.get((owner, name), "MissingParameter"))
            continue
        found[name] = _list(one, value, place + name, action) if one.many else _value(one, value, place + name, action)
    return found


def _list(one: Declared, value: Any, place: str, action: str) -> list[Any]:
    items = _numbered(value, place) if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise wrong_type(place)
    return [_value(one, item, f"{place}.{number}", action) for number, item in enumerate(items)]


def _numbered(value: Mapping[str, Any], place: str) -> Sequence[Any]:
    """The items of a list from a query: `0`, `1` and so on."""
    if len(value) > _MOST_ITEMS or not all(name.isascii() and name.isdecimal() and len(name) < 7 for name in value):
        raise wrong_type(place)
    return [value[name] for name in sorted(value, key=int)]


def _value(one: Declared, value: Any, place: str, action: str) -> Any:
    read = _READERS.get(one.kind)
    if read is not None:
        return read(value, place)
    if not isinstance(value, dict):
        raise wrong_type(place)
    return _fields(one.kind, value, f"{place}.", action)


def _text(value: Any, place: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise wrong_type(place)
    if _NOT_STORABLE.search(value):
        raise wrong_value(place, "has a character that no text has", "InvalidParameterValue")
    return value


def _integer(value: Any, place: str) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(place)
    if abs(value) > _LARGEST:
        raise wrong_value(place, "is too large")
    return value


def _flag(value: Any, place: str) -> bool:
    known = _FLAGS.get(str(value).lower()) if isinstance(value, str | int) else None
    if known is None:
        raise wrong_type(place)
    return known


_READERS: dict[str, Callable[[Any, str], Any]] = {"text": _text, "int": _integer, "bool": _flag}
