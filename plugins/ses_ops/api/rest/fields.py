"""Fields of a request's body that are read by hand: known names only, each of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.api.bodies import MOST, parse_json, read_body, read_json
from ses_ops.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request


async def fields_of(request: Request, known: Iterable[str] | None, *, most: int = MOST) -> dict[str, Any]:
    """The JSON object of a request. Raises InvalidInput, and Refusal as `read_json` does."""
    return _known(await read_json(request, most), known)


async def optional_fields_of(request: Request, known: Iterable[str]) -> dict[str, Any]:
    """The JSON object of a request; an empty body has no fields."""
    body = await read_body(request, 64 << 10)
    return _known(parse_json(body), known) if body.strip() else {}


def _known(value: Any, known: Iterable[str] | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput("body_not_an_object")
    if known is not None:
        names = list(known)
        for name in value:
            if name not in names:
                raise InvalidInput("unknown_key", field=name[:80], known=names)
    return value


def text_in(fields: Mapping[str, Any], name: str, *, most: int, field: str | None = None) -> str | None:
    """A text, stripped; None when it is not set, or empty. Raises InvalidInput."""
    value, place = fields.get(name), field or name
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput("not_a_text", value=str(value)[:80], field=place)
    found = value.strip()
    if len(found) > most:
        raise InvalidInput("text_too_long", count=len(found), most=most, field=place)
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in found):
        raise InvalidInput("control_character", field=place)
    return found or None


def list_in(fields: Mapping[str, Any], name: str, *, most: int) -> list[Any]:
    """A list of 1 to `most` items. Raises InvalidInput."""
    value = fields.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise InvalidInput("list_not_usable", most=most, field=name)
    return value
