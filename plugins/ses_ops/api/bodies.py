"""Bodies of requests: bounded in size, time and memory before anything is parsed, and strict JSON."""

from __future__ import annotations

import asyncio
import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from ses_ops.api.problems import Refusal

if TYPE_CHECKING:
    from starlette.requests import Request

#: Octets of a body. The reference takes 8 MB.
MOST = 8 << 20
#: Seconds in which a body has to arrive.
BODY_WITHIN = 30.0
#: Octets of larger bodies that one process holds at the same time, and from which on a body is one.
MOST_HELD, LARGE = 96 << 20, 64 << 10
#: Levels of arrays and objects in each other.
DEEPEST = 64
#: Digits of a number.
MOST_DIGITS = 100
#: Octets of a refused body, and seconds, for which it is still read and dropped: a client that has not sent all of it
#: would see a broken connection in place of the answer.
DROPPED, DROP_WITHIN = 64 << 20, 3.0
#: The key of the ASGI scope with the octets that a request holds.
HELD = "ses_ops.held"
_CLOSE = {"Connection": "close"}
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class HeldOctets:
    """The octets of large bodies that this process holds now."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self.now = 0

    def add(self, request: Request, octets: int) -> None:
        """Count octets for a request until it has ended. Raises Refusal 503."""
        if self.now + octets > self._most:
            raise Refusal(503, "too_many_large_bodies", headers=_CLOSE | {"Retry-After": "2"})
        self.now += octets
        request.scope[HELD] = request.scope.get(HELD, 0) + octets

    def release(self, octets: int) -> None:
        """A request has ended."""
        self.now -= octets


async def read_body(request: Request, most: int = MOST) -> bytes:
    """The body of a request. Raises Refusal: 413 too large, 411, 408 too slow, 415 encoded, 503 too many at once."""
    headers = request.headers
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Refusal(415, "body_encoded", headers={**_CLOSE, "Accept-Encoding": "identity"})
    length = headers.get("content-length", "")
    if length and not (length.isascii() and length.isdecimal()):
        raise Refusal(400, "body_length_not_usable", headers=_CLOSE)
    if length and (len(length) > 18 or int(length) > most):
        await _drop(request)
        raise Refusal(413, "body_too_large", most=most, headers=_CLOSE)
    try:
        async with asyncio.timeout(BODY_WITHIN):
            return await _read(request, most)
    except TimeoutError:
        raise Refusal(408, "body_too_slow", headers=_CLOSE) from None


async def read_json(request: Request, most: int = MOST) -> Any:
    """The JSON value of a request. Raises Refusal as `read_body` and `parse_json` do; 415 for another type."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refusal(415, "body_not_json", given=kind[:100])
    return parse_json(await read_body(request, most))


def parse_json(body: bytes) -> Any:
    """A JSON value, strictly (RFC 8259, I-JSON RFC 7493). Raises Refusal 400.

    Refused: another encoding than UTF-8, members twice, NaN and infinities, halves of surrogate pairs, numbers of more
    than `MOST_DIGITS` digits, more than `DEEPEST` levels.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise Refusal(400, "json_not_utf_8", at=cause.start) from None
    if body.count(b"[") + body.count(b"{") > DEEPEST:
        _check_depth(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as cause:
        raise Refusal(400, "json_not_readable", at=cause.pos) from None
    except (ValueError, RecursionError):
        raise Refusal(400, "json_not_readable", at=0) from None
    if _SURROGATE.search(body):
        _check_surrogates(value)
    return value


async def _read(request: Request, most: int) -> bytes:
    body, counted, held = bytearray(), 0, request.app.state.held
    async for block in request.stream():
        body += block
        if len(body) > most:
            await _drop(request)
            raise Refusal(413, "body_too_large", most=most, headers=_CLOSE)
        if len(body) > LARGE:
            held.add(request, len(body) - counted)
            counted = len(body)
    return bytes(body)


async def _drop(request: Request) -> None:
    """Read on for a moment, so that the client gets the answer; not from one that waits for `100 Continue`."""
    if request.headers.get("expect", "").lower() == "100-continue":
        return
    dropped = 0
    try:
        async with asyncio.timeout(DROP_WITHIN):
            while dropped < DROPPED:
                message = await request.receive()
                dropped += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
    except TimeoutError:
        return


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refusal(400, "json_key_twice", name=twice[:100].encode("utf-8", "replace").decode())
    return found


def _no(_: str) -> Any:
    raise Refusal(400, "json_number_not_usable")


def _float(text: str) -> float:
    number = float(text) if len(text) <= MOST_DIGITS else float("inf")
    return number if isfinite(number) else _no(text)


def _int(text: str) -> int:
    return int(text) if len(text) <= MOST_DIGITS else _no(text)


#: Made once: `json.loads` makes one for each call that has hooks.
_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no, parse_float=_float, parse_int=_int)


def _check_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        one = token[0]
        if one in "[{":
            depth += 1
            if depth > DEEPEST:
                raise Refusal(400, "json_too_deep", most=DEEPEST)
        elif one in "]}":
            depth -= 1


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Refusal(400, "json_half_of_a_surrogate_pair") from None
