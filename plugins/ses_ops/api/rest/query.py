"""What the query of a request may have: the parameters of its route, each once, without control characters.

A misspelt filter would otherwise be no filter, and a list of everything in place of nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Query
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.routing import APIRoute
from starlette.requests import Request

from ses_ops.domain.clock import read_moment
from ses_ops.errors import InvalidInput

#: A `+` of an offset that a client forgot to escape (`%2B`): it arrives as a space.
_PLUS = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:?[0-9]{2}\Z)")


def known_query(request: Request) -> None:
    """A dependency of every router. Raises InvalidInput that names the parameter."""
    route = request.scope.get("route")
    known = _names(route) if isinstance(route, APIRoute) else set()
    given = request.query_params.multi_items()
    for name, count in Counter(name for name, _ in given).items():
        if name not in known:
            raise InvalidInput("parameter_not_known", field=name[:100], known=sorted(known))
        if count > 1:
            raise InvalidInput("parameter_twice", field=name)
    for name, value in (*given, *request.path_params.items()):
        if isinstance(value, str) and any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
            raise InvalidInput("control_character", field=name)


def _names(route: APIRoute) -> set[str]:
    found: Any = getattr(route, "query_names", None)
    if found is None:
        found = {field.alias for field in get_flat_dependant(route.dependant, skip_repeats=True).query_params}
        route.query_names = found  # type: ignore[attr-defined]
    names: set[str] = found
    return names


def moment_query(words: str) -> Any:
    """The parameter of a moment."""
    return Query(max_length=40, description=f"{words} RFC 3339; without an offset: UTC.", openapi_examples=_EXAMPLES)


_EXAMPLES: Any = {"moment": {"value": "2026-11-30T09:15:00Z"}}


def asked_moment(text: str, field: str) -> datetime:
    """The moment that a parameter means. Raises InvalidInput."""
    try:
        found = read_moment(_PLUS.sub("+", text) if ":" in text else text, ZoneInfo("UTC"), where=None)
    except InvalidInput as problem:
        raise problem.at(field=field) from None
    if found is None:
        raise InvalidInput("not_a_time", value=text, field=field)
    return found.astimezone(UTC)
