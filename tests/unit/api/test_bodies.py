"""Bodies that do not come, or of which too many come at once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from ses_ops.api import bodies
from ses_ops.api.bodies import LARGE, HeldOctets, read_body
from ses_ops.api.problems import Refusal


def request_of(messages, held=None, **headers: str) -> Request:
    """A request whose body comes in these messages; an awaitable among them is waited for."""
    waiting = iter(messages)

    async def receive():
        one = next(waiting)
        if isinstance(one, float):
            await asyncio.sleep(one)
            return {"type": "http.request", "body": b"", "more_body": True}
        body, more = one
        return {"type": "http.request", "body": body, "more_body": more}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    app = SimpleNamespace(state=SimpleNamespace(held=held or HeldOctets()))
    return Request({"type": "http", "headers": raw, "app": app}, receive)


def refused(request: Request, most: int = 1_000_000) -> Refusal:
    with pytest.raises(Refusal) as caught:
        asyncio.run(read_body(request, most))
    return caught.value


def test_a_body_comes_in_pieces():
    assert asyncio.run(read_body(request_of([(b"a", True), (b"", True), (b"b", False)]))) == b"ab"


def test_a_body_that_does_not_come_is_given_up_with_408(monkeypatch):
    monkeypatch.setattr(bodies, "BODY_WITHIN", 0.05)
    problem = refused(request_of([(b"{", True), 5.0]))
    assert (problem.status, problem.code, problem.headers["Connection"]) == (408, "body_too_slow", "close")


@pytest.mark.parametrize("length", ["-1", "1.5", "0x10", "\u0661", "99999999999999999999"])
def test_a_length_that_is_none_is_refused(length):
    request = request_of([(b"", False)])
    request.scope["headers"].append((b"content-length", length.encode("utf-8")))
    assert refused(request).status in (400, 413)


def test_large_bodies_are_counted_until_their_requests_end():
    held = HeldOctets(most=3 * LARGE)
    first = request_of([(b" " * 2 * LARGE, False)], held)
    asyncio.run(read_body(first))
    assert held.now == 2 * LARGE
    assert refused(request_of([(b" " * 2 * LARGE, False)], held)).status == 503
    held.release(first.scope[bodies.HELD])
    assert held.now == 0
    asyncio.run(read_body(request_of([(b" " * 2 * LARGE, False)], held)))


def test_small_bodies_are_not_counted():
    held = HeldOctets(most=1)
    asyncio.run(read_body(request_of([(b" " * LARGE, False)], held)))
    assert held.now == 0
