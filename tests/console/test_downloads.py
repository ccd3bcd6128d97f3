"""A download that nobody reads: it ends, the statement behind it too, and others get theirs meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from ses_ops.console import database, download
from tests.console.console_world import PREFIX, token

ROWS = 60_000


@pytest.fixture
def server(console_app) -> Iterator[uvicorn.Server]:
    """A real server: only it waits for who does not read."""
    config = uvicorn.Config(console_app, host="127.0.0.1", port=0, log_level="critical")
    one = uvicorn.Server(config)
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    wait_until(lambda: one.started)
    yield one
    one.should_exit = True
    thread.join(20)


def wait_until(condition, *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)


def unread(server: uvicorn.Server, path: str, person: str) -> socket.socket:
    """Asks for a download and reads nothing of it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(server.servers[0].sockets[0].getsockname())
    sock.sendall(
        f"GET {PREFIX}{path} HTTP/1.1\r\nHost: console.example\r\nCookie: _token={token(person)}\r\n\r\n".encode()
    )
    return sock


def statements(world) -> int:
    return world.rows(
        "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'ses-ops export'"
        " AND datname = current_database()"
    )[0][0]


@pytest.fixture
def large(world):
    world.group("customers", 1)
    world.execute(
        "INSERT INTO recipient (group_id, position, address, address_key, values) SELECT group_id, n,"
        " n || '@a.example', n || '@a.example', jsonb_build_object('name', repeat('x', 200))"
        f" FROM recipient, generate_series(2, {ROWS}) n"
    )
    return world


def test_unread_downloads_of_one_person_end_and_keep_nobody_else_out(large, server, user, admin, monkeypatch):
    monkeypatch.setattr(download, "PIECE_TIMEOUT", 10.0)
    path = "/groups/customers/recipients.csv"
    sockets = [unread(server, path, "user") for _ in range(download.EXPORTS_EACH)]
    wait_until(lambda: statements(large) == download.EXPORTS_EACH)
    refused = user.get("/suppression/export")
    assert refused.status_code == 503
    assert "you are downloading 2 files now" in refused.text.lower()
    assert admin.get("/suppression/export").status_code == 200, "one person's do not keep others out"
    assert download.EXPORTS_EACH < database.EXPORTS
    wait_until(lambda: statements(large) == 0)
    wait_until(lambda: user.get("/suppression/export").status_code == 200)
    for sock in sockets:
        sock.close()


def test_a_download_that_is_broken_off_ends_its_statement(large, server, user):
    sock = unread(server, "/groups/customers/recipients.csv", "user")
    wait_until(lambda: statements(large) == 1)
    sock.close()
    wait_until(lambda: statements(large) == 0)
    assert user.get("/suppression/export").status_code == 200


def test_a_download_that_takes_too_long_ends(large, server, monkeypatch):
    monkeypatch.setattr(download, "LONGEST", 0.0)
    sock = unread(server, "/groups/customers/recipients.csv", "user")
    sock.settimeout(60)
    received = b""
    while not received.endswith(b"0\r\n\r\n") and (piece := sock.recv(65536)):
        received += piece
    assert b"200 OK" in received
    assert len(received) < 1_000_000, "it is cut off"
    assert b"ses-ops: this file is not complete; it was read too slowly" in received
    sock.close()


def test_all_of_a_file_arrives(large, user):
    answer = user.get("/groups/customers/recipients.csv")
    assert answer.status_code == 200
    assert answer.content.count(b"\r\n") == ROWS + 1
    assert not download._running
