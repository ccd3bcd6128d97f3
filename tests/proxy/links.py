"""The addresses that stand in a page."""

from __future__ import annotations

from html.parser import HTMLParser

#: Attributes that have an address, and those that our scripts ask for.
ATTRIBUTES = ("href", "src", "action", "formaction", "data-live", "data-look", "data-progress", "data-result")


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(name, value or "") for name, value in attrs if name in ATTRIBUTES]


def addresses(html: str) -> list[tuple[str, str]]:
    """(attribute, address) of everything that leads elsewhere than into the page itself."""
    parser = _Addresses()
    parser.feed(html)
    return [one for one in parser.found if not one[1].startswith("#")]
