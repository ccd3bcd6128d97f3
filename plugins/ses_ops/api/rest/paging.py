"""Pages of a list: how many, and the cursor from which the next page goes on.

A cursor is the position of the last item that was given, so a page stays right when items come and go meanwhile. It is
opaque to clients: base64url of a JSON list whose first item is the name of the list.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Query

from ses_ops.errors import InvalidInput

#: Items of a page unless others are asked for, and at most.
ITEMS, MOST_ITEMS = 50, 500
#: Characters of the longest cursor.
MOST_CURSOR = 1_000

Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="Items of a page.")]
Cursor = Annotated[
    str | None,
    Query(max_length=MOST_CURSOR, description="`next_cursor` of the page before; left out: the first page."),
]

Item = TypeVar("Item")


def cursor_of(of: str, *position: str | int | datetime) -> str:
    """The cursor of a position in the list `of`."""
    items = [one.astimezone(UTC).isoformat() if isinstance(one, datetime) else one for one in position]
    text = json.dumps([of, *items], ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def position_of(of: str, cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The position of a cursor of the list `of`, of the types `kinds` (str, int, datetime). Raises InvalidInput."""
    wrong = InvalidInput("cursor_not_usable", field="cursor")
    try:
        found = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(found, list) or len(found) != 1 + len(kinds) or found[0] != of:
        raise wrong
    return tuple(_read(one, kind, wrong) for one, kind in zip(found[1:], kinds, strict=True))


def _read(value: Any, kind: type, wrong: InvalidInput) -> Any:
    if kind is datetime and isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise wrong from None
        if at.tzinfo is None:
            raise wrong
        return at
    if type(value) is not kind:
        raise wrong
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise wrong
    if isinstance(value, str) and not value.isprintable():  # also a NUL, which no parameter of PostgreSQL may have
        raise wrong
    return value


def page(items: Sequence[Any], next_cursor: str | None) -> dict[str, Any]:
    """A page as it is answered."""
    return {"data": list(items), "next_cursor": next_cursor}


def cut(rows: Sequence[Item], limit: int, cursor: Callable[[Item], str]) -> tuple[Sequence[Item], str | None]:
    """The items of a page and the cursor of the next, of up to `limit` + 1 rows: the last says that there is more."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], cursor(rows[limit - 1])
