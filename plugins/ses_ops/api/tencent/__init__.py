"""The reference's API of version 2020-10-02: its names and codes on our use cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.api.tencent.entry import ReferenceApi

if TYPE_CHECKING:
    from fastapi import FastAPI


def add_routes(app: FastAPI) -> None:
    """Add its one path."""
    api = ReferenceApi(per_second=settings.reference_per_second(), zone=settings.reference_zone())
    methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
    app.add_route("/", api.answer, methods=methods, include_in_schema=False)
