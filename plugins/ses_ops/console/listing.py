"""The state of a long list on a page: search, order, page; and links that change one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlencode

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

T = TypeVar("T")

SIZES = (25, 50, 100)
#: Number of pages that are linked on either side of the shown page.
AROUND = 2
#: Number of characters of a search text that are used.
LONGEST_TEXT = 320


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The state of a list, read from the address. Invalid parts of the address become defaults, never errors."""

    #: The column of the order; one of the page's columns.
    sort: str
    descending: bool
    #: The number of the page, from 1.
    page: int = 1
    size: int = SIZES[0]
    #: The search text.
    text: str = ""
    #: The filters that are set, by name.
    filters: Mapping[str, str]
    default_sort: str
    default_descending: bool

    @classmethod
    def read(
        cls,
        query: QueryParams,
        *,
        sorts: Sequence[str],
        filters: Mapping[str, Sequence[str] | None] | None = None,
        descending: bool = False,
    ) -> Listing:
        """Read the address. `sorts`: the columns, default first; `filters`: the allowed values, None for any."""
        sort = query.get("sort", "")
        order = query.get("order", "")
        wanted = {name: query.get(name, "").strip()[:LONGEST_TEXT] for name in filters or {}}
        allowed = filters or {}
        return cls(
            sort=sort if sort in sorts else sorts[0],
            descending=order == "desc" if order in ("asc", "desc") else descending,
            page=_number(query.get("page"), 1),
            size=size if (size := _number(query.get("size"), SIZES[0])) in SIZES else SIZES[0],
            text=query.get("q", "").strip()[:LONGEST_TEXT],
            filters={
                name: value
                for name, value in wanted.items()
                if value and ((choices := allowed[name]) is None or value in choices)
            },
            default_sort=sorts[0],
            default_descending=descending,
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of rows a page that a person can choose."""
        return SIZES

    @property
    def narrowed(self) -> bool:
        """Whether the list has a search text or a filter."""
        return bool(self.text or self.filters)

    @property
    def offset(self) -> int:
        """Number of rows before the page, for a statement with OFFSET and LIMIT."""
        return (self.page - 1) * self.size

    def query(self) -> str:
        """This state as the query of an address, without defaults."""
        parts: dict[str, str] = {**({"q": self.text} if self.text else {}), **self.filters}
        if (self.sort, self.descending) != (self.default_sort, self.default_descending):
            parts |= {"sort": self.sort, "order": "desc" if self.descending else "asc"}
        if self.size != SIZES[0]:
            parts["size"] = str(self.size)
        if self.page > 1:
            parts["page"] = str(self.page)
        return "?" + urlencode(parts) if parts else "?"

    def sorted_by(self, column: str) -> Listing:
        """The link to the first page, ordered by a column; for the present column in the opposite order."""
        return replace(self, sort=column, descending=self.sort == column and not self.descending, page=1)

    def at_page(self, page: int) -> Listing:
        """The link to another page."""
        return replace(self, page=page)

    def cut(self, rows: Sequence[T]) -> Page[T]:
        """The page of a list that is in memory; a page beyond the last is the last."""
        pages = max(1, -(-len(rows) // self.size))
        at = replace(self, page=min(self.page, pages))
        return Page(listing=at, rows=rows[at.offset : at.offset + at.size], total=len(rows))


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list. For a list in the database: its rows by `offset` and `size`, and its total."""

    listing: Listing
    rows: Sequence[T]
    total: int

    @property
    def pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.total // self.listing.size))

    @property
    def numbers(self) -> list[int | None]:
        """The pages that are linked; see `page_numbers`."""
        return page_numbers(self.listing.page, self.pages)

    @property
    def first(self) -> int:
        """The number of the first row, from 1; 0 without any."""
        return min(self.listing.offset + 1, self.total)

    @property
    def last(self) -> int:
        """The number of the last row."""
        return min(self.listing.offset + self.listing.size, self.total)


def page_numbers(page: int, pages: int) -> list[int | None]:
    """The numbers of the linked pages: first, last, and those around the shown one; None in the place of a gap.

    A gap of a single page is filled with its number, which is as short as the dots.
    """
    near = {1, pages, *range(page - AROUND, page + AROUND + 1)}
    shown = sorted(one for one in near if 1 <= one <= pages)
    found: list[int | None] = []
    before = 0
    for one in shown:
        if one == before + 2:
            found.append(one - 1)
        elif one > before + 2:
            found.append(None)
        found.append(one)
        before = one
    return found


def _number(given: str | None, default: int) -> int:
    return (
        int(given) if given and given.isascii() and given.isdecimal() and 0 < len(given) < 8 and int(given) else default
    )
