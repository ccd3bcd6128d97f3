"""The reference's API of version 2020-10-02: its names and codes on our use cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops import api_settings
from ses_ops.api.tencent.entry import ReferenceApi

if TYPE_CHECKING:
    from fastapi import FastAPI


def add_routes(app: FastAPI) -> None:
    """Add its one path."""
    api = ReferenceApi(per_second=api_settings.reference_per_second(), zone=api_settings.reference_zone())
    methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
    app.add_route("/", api.answer, methods=methods, include_in_schema=False)
