"""Errors that only the native API has."""

from __future__ import annotations

from ses_ops.errors import SesError


class PreconditionFailed(SesError):
    """The object is not in the state that the request names (If-Match): somebody has changed it since."""

    def __init__(self) -> None:
        super().__init__("precondition_failed")
