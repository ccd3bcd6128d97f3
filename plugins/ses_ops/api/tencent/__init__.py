"""The reference's API of version 2020-10-02: its names and codes on our use cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


def add_routes(app: FastAPI) -> None:
    """Add its one path; not before stored templates are there."""
    del app
