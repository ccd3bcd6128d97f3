"""The sample that a first `make run` shows."""

from __future__ import annotations

from ses_ops.stack.web_client import WebClient


def load(db_dsn: str, client: WebClient) -> list[str]:
    """Load it once; returns what the person should know about it, a line each."""
    del db_dsn, client
    return []
