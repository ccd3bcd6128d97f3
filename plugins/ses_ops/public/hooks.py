"""Where providers bring events: `POST /hooks/...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute


def routes() -> list[BaseRoute]:
    """The routes of this module. A handler finds intake and secrets by `services.services_of(request)`."""
    return []
