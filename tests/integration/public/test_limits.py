"""What strangers may send: big bodies, slow clients, odd paths."""

from __future__ import annotations

import os
import socket
import time

import httpx
import pytest

from tests.integration.public.conftest import Recipients
from tests.integration.public.listener_process import ListenerProcess
from tests.integration.public.test_unsubscribe import GMAIL, ONE_CLICK


def raw(listener, request: bytes, *, seconds: float = 20) -> bytes:
    """All that the listener answers to these octets until it closes."""
    with socket.create_connection(("127.0.0.1", listener.port), timeout=seconds) as connection:
        connection.sendall(request)
        answer = b""
        while block := connection.recv(65_536):
            answer += block
        return answer


@pytest.mark.parametrize("length", [True, False])
def test_a_body_of_ten_megabytes_is_refused_early(recipients, length):
    body = b"List-Unsubscribe=One-Click&x=" + b"x" * 10_000_000

    def blocks():
        for begin in range(0, len(body), 65_536):
            yield body[begin : begin + 65_536]

    try:
        content = body if length else blocks()
        assert recipients.client.post(recipients.link(1), headers=GMAIL, content=content).status_code == 413
    except httpx.TransportError:  # the listener closed while the rest was still on its way
        pass
    assert recipients.client.post(recipients.link(2), headers=GMAIL, content=ONE_CLICK).status_code == 200
    assert [seq for seq, _, _ in recipients.events()] == [2]


def test_forms_that_are_no_forms_do_no_harm(recipients):
    bodies = {
        "multipart/form-data": b"--x\r\n\r\n",
        "multipart/form-data; boundary=x": b"--y" * 1000,
        'multipart/form-data; boundary="' + "x" * 3000 + '"': b"--x",
        "multipart/form-data; boundary=z": b"--z\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 400,
        "application/x-www-form-urlencoded": b"&".join(b"a%d=1" % n for n in range(2000)),
    }
    for kind, body in bodies.items():
        answer = recipients.client.post(recipients.link(1), headers={"Content-Type": kind}, content=body)
        assert answer.status_code in (400, 413), kind
    assert recipients.events() == []


def test_a_head_that_is_too_large_is_refused(recipients):
    answer = raw(recipients.listener, b"GET /u/x HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert recipients.client.get("/health").status_code == 200


def test_odd_paths_are_not_found(recipients):
    token = recipients.token(1).encode()
    for path in (
        b"/u/../health",
        b"/u/%2e%2e/health",
        b"/u/..%2fhealth",
        b"//health",
        b"/health/",
        b"/u/" + token + b"//",
        b"/u/" + token + b"/x",
        b"/U/" + token,
        b"/u%2f" + token + b"/..",
        b"/u/%ff%fe",
        b"/\x7f",
    ):
        answer = raw(recipients.listener, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.split(b" ")[1] in (b"404", b"400"), path
    assert recipients.events() == []


def test_slow_clients_are_cut_off_and_hold_nobody_up(recipients):
    """All at once, because each of them takes as long as the listener's patience."""
    head = f"POST {recipients.link(1)} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList-".encode()
    begins = [b"", b"POST /u/x HT", b"GET /health HTTP/1.1\r\nHost: x\r\n", *[head] * 50]
    port = recipients.listener.port
    slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in begins]
    later = socket.create_connection(("127.0.0.1", port), timeout=30)
    later.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n")
    robots = b""
    while not robots.endswith(b"Disallow: /\n"):  # head and body may come apart
        robots += later.recv(1) or pytest.fail(f"the listener closed after {robots!r}")
    assert b" 200 " in robots
    later.sendall(b"GET /hea")  # on a connection that had an answer before
    began = time.monotonic()
    for one, begin in zip(slow, begins, strict=True):
        one.sendall(begin)
    assert recipients.client.post(recipients.link(2), headers=GMAIL, content=ONE_CLICK).status_code == 200
    assert time.monotonic() - began < 8
    for one in (*slow, later):
        answer = b""
        while block := one.recv(10_000):
            answer += block
        assert answer == b"" or b" 408 " in answer
        one.close()
    assert time.monotonic() - began < 45
    assert [seq for seq, _, _ in recipients.events()] == [2]


def test_several_processes_share_a_port_and_a_spool_and_end_by_sigterm(shared_world, recipients, tmp_path):
    listener = ListenerProcess(dsn=shared_world.dsn, spool=tmp_path / "spool", arguments=["--workers", "2"])
    listener.start()
    try:
        for seq in (1, 2, 3):
            link = listener.url + recipients.link(seq)
            assert httpx.post(link, content=ONE_CLICK, headers=GMAIL, trust_env=False, timeout=60).status_code == 200
        assert listener.stop() == 0
        # What is in the spool of processes that ended is recorded by whoever starts next.
        listener.start()
        client = httpx.Client(base_url=listener.url, trust_env=False, timeout=60)
        listener_of = Recipients(mailing=recipients.mailing, listener=listener, client=client)
        assert sorted(seq for seq, _, _ in listener_of.events()) == [1, 2, 3]
    finally:
        listener.kill()


def test_a_file_in_the_spool_that_cannot_be_read_is_in_nobodys_way(recipients):
    """Such as one of another user. (Here it is a folder: root may read every file.)"""
    foreign = recipients.listener.spool / "0-foreign.spool"
    foreign.mkdir()
    os.utime(foreign, (0, 0))
    try:
        answer = recipients.client.post(recipients.link(1), data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        end = time.monotonic() + 60
        while not recipients.mailing.world.rows("SELECT FROM message_event"):
            assert time.monotonic() < end
            time.sleep(0.1)
    finally:
        foreign.rmdir()
