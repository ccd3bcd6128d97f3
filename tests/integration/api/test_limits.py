"""Requests that are too large, too slow, too many or of a form that nobody needs: refused, and others are served."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.integration.api.api_process import bearer, new_key
from tests.sizes import size

MESSAGE = {"from": "a@example.com", "to": ["b@example.com"], "subject": "s", "text": "t"}


@pytest.fixture
def made(api_dsn):
    return new_key(api_dsn, f"limits {uuid4()}")


def head(made, api, *more: str, method: str = "POST") -> bytes:
    lines = [f"{method} /v1/messages HTTP/1.1", f"Host: 127.0.0.1:{api.port}", f"Authorization: {bearer(made)}"]
    return ("\r\n".join([*lines, "Content-Type: application/json", *more]) + "\r\n\r\n").encode()


def dialled(api, timeout: float = 60) -> socket.socket:
    return socket.create_connection(("127.0.0.1", api.port), timeout)


def answer_of(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):  # as happens to a client that sends on after the answer
        while block := connection.recv(65536):
            received += block
    return received


def octets_of(api) -> int:
    status = Path(f"/proc/{api.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def test_a_body_of_50_mb_is_answered_with_413_before_it_is_held(api, made):
    before = octets_of(api)
    with api.client(made) as client:
        answer = client.post("/v1/messages", content=b" " * (50 << 20), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert octets_of(api) - before < 30 << 20


def test_who_asks_first_is_not_told_to_go_on_with_50_mb(api, made):
    with dialled(api) as connection:
        connection.sendall(head(made, api, "Content-Length: 52428800", "Expect: 100-continue"))
        received = answer_of(connection)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in received


def test_a_chunked_body_without_end_is_ended(api, made):
    sent = 0
    with dialled(api) as connection:
        connection.sendall(head(made, api, "Transfer-Encoding: chunked"))
        block = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        answered = threading.Event()
        received = []

        def listen():
            received.append(answer_of(connection))
            answered.set()

        threading.Thread(target=listen, daemon=True).start()
        try:
            while not answered.is_set() and sent < 200 << 20:
                connection.sendall(block)
                sent += len(block)
        except OSError:
            pass
        assert answered.wait(30)
    assert received[0] == b"" or received[0].startswith(b"HTTP/1.1 413 "), received[0][:200]
    assert sent < 150 << 20
    assert octets_of(api) < 150_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_nothing_is_decompressed(api, made, encoding):
    body = gzip.compress(json.dumps(MESSAGE).encode())
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    with api.client(made) as client:
        answer = client.post("/v1/messages", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "body_encoded")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_only_json_is_a_message(api, made, kind):
    with api.client(made) as client:
        answer = client.post("/v1/messages", content=json.dumps(MESSAGE), headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "body_not_json")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b"1", b'"x"', b"{", b"NaN", b"\xff\xfe", b"[" * 1_000 + b"]" * 1_000),
        b'{"from":"a@example.com","from":"b@example.com"}',
        b'{"from":"\\ud800"}',
        b'{"values":' + b'{"a":' * 1_000 + b"1" + b"}" * 1_001,
        b'{"values":{"a":1e999}}',
        b'{"values":{"a":' + b"9" * 5_000 + b"}}",
    ],
)
def test_what_is_no_message_is_refused_with_400_and_a_code(api, made, body):
    with api.client(made) as client:
        answer = client.post("/v1/messages", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_head_without_end_is_refused(api):
    with dialled(api) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        received = b""
        try:
            for _ in range(2_000):
                connection.sendall(b"X-Padding: " + b"a" * 1_000 + b"\r\n")
        except OSError:
            pass
        try:
            received = answer_of(connection)
        except OSError:
            return
    assert received == b"" or received.startswith(b"HTTP/1.1 431 ")


def test_a_client_that_sends_an_octet_now_and_then_holds_no_connection(api):
    with dialled(api) as connection:
        began = time.monotonic()
        try:
            for octet in b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " + b"a" * 500:
                connection.sendall(bytes([octet]))
                time.sleep(0.2)
        except OSError:
            pass
        assert time.monotonic() - began < 40


def test_a_request_behind_another_on_the_same_connection_is_answered(api, made):
    with dialled(api) as connection:
        one = head(made, api, "Content-Length: 2") + b"{}"
        last = head(made, api, "Content-Length: 2", "Connection: close") + b"{}"
        connection.sendall(one * 20 + last)
        received = answer_of(connection)
    assert received.count(b"HTTP/1.1 400 ") == 21


def test_many_connections_that_say_nothing_stop_nobody(api, made):
    wanted = size(10_000, 2_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted + 500:
        wanted = max(500, hard - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 500), hard))
    idle = []
    try:
        for _ in range(wanted):
            idle.append(dialled(api))
        with api.client(made) as client:
            began = time.monotonic()
            assert client.get("/v1/key").status_code == 200
            assert time.monotonic() - began < 30
    finally:
        for one in idle:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(f"{wanted} connections, {octets_of(api) / 1e6:.0f} MB")


def test_large_bodies_of_many_at_once_are_not_all_held(api, made):
    """Each client sends most of 8 MB and waits: beyond what one process holds, they are asked to come again."""

    async def one() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(head(made, api, "Content-Length: 8000000", "Connection: close"))
        try:
            writer.write(b" " * 7_900_000)
            await asyncio.wait_for(writer.drain(), 20)
            await asyncio.sleep(1)
            writer.write(b" " * 100_000)
            return await asyncio.wait_for(reader.read(), 40)
        except (OSError, TimeoutError):
            return b"HTTP/1.1 503 (closed)"
        finally:
            writer.close()

    async def all_of_them() -> list[bytes]:
        return await asyncio.gather(*(one() for _ in range(24)))

    statuses = [received[9:12] for received in asyncio.run(all_of_them())]
    assert set(statuses) <= {b"400", b"503"}, statuses
    assert statuses.count(b"400") >= 8
    with api.client(made) as client:
        assert client.get("/v1/key").status_code == 200
        answer = client.post("/v1/messages", content=b" " * 7_000_000, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, "what was held is released"


def test_what_there_is_not_is_a_problem_too(api, made):
    with api.client(made) as client:
        for answer, status in ((client.get("/v2/x"), 404), (client.delete("/health"), 405), (client.get("/v1/"), 404)):
            assert answer.status_code == status
            assert answer.json()["code"]
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["x-content-type-options"] == "nosniff"
    assert httpx.request("TRACE", api.url + "/", timeout=30).status_code in (404, 405)
