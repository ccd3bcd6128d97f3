"""What nobody expected: the client hears so, and the log has where it came from and none of its words."""

from __future__ import annotations

import logging
from types import SimpleNamespace

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from ses_ops.api.front import ApiFront

SECRET = "Key (address)=(ann@people.example) already exists"


def _fails(_) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as cause:
        raise RuntimeError(SECRET) from cause


def test_an_error_is_logged_by_its_place_and_not_by_its_words(caplog):
    services = SimpleNamespace(held=None, rates=None)
    front = ApiFront(Starlette(routes=[Route("/v1/odd", _fails)]), services)
    with caplog.at_level(logging.INFO), TestClient(front) as client:
        answer = client.get("/v1/odd")
    assert answer.status_code == 500
    assert "ann@" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text
    assert "ValueError" in caplog.text
    assert "test_faults.py" in caplog.text
