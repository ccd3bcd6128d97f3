"""What arrives behind each proxy, octet by octet: before a server that says so."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.proxy.echo import Echo
from tests.proxy.front import API, CONSOLE, PUBLIC, Front
from tests.sizes import size

#: Targets that a proxy may be tempted to write anew. A signature of the API is made of its query.
TARGETS = (
    (CONSOLE, "/mail/ses/groups/a%2Fb"),
    (CONSOLE, "/mail/ses/groups/%e3%83%A1%20x+y"),
    (CONSOLE, "/mail/ses//tasks///x/"),
    (CONSOLE, "/mail/ses/tasks/%25/..%2e"),
    (CONSOLE, "/mail/ses/tasks?q=a;b=%2B+%20&&x=%zz&y"),
    (PUBLIC, "/u/abc-_~.%2F?l=ja"),
    (API, "/?Action=SendEmail&Signature=a%2Fb%2Bc%3D%3d&Nonce=1;2"),
    (API, "/v1/messages/a%3Ab//?"),
)
#: `/mail/execution/health`, written otherwise. Airflow decodes a path once.
DISGUISES = (
    "/mail/mail/execution/x",
    "/mail/execution/x",
    "/mail/%65xecution/x",
    "/mail%2Fexecution/x",
    "/mail/execution%2fx",
)


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def proxy(echo: Echo, front: type[Front], tmp_path_factory: Any) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("before-echo")
    server = front(folder, console=echo.port, public=echo.port, api=echo.port)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def _anew(echo: Echo) -> None:
    echo.anew()


@pytest.mark.parametrize(("name", "target"), TARGETS)
def test_a_path_and_a_query_arrive_letter_by_letter(proxy, name, target):
    with proxy.client(name) as client:
        assert client.request("GET", "/", target=target).json()["target"] == target


@pytest.mark.parametrize("target", DISGUISES)
def test_the_way_of_the_workers_is_closed_however_it_is_written(proxy, echo, target):
    with proxy.client() as client:
        assert client.request("GET", "/", target=target).status_code == 404
    assert not echo.targets


@pytest.mark.parametrize("port", [False, True])
def test_what_a_client_says_of_itself_counts_for_nothing(proxy, port):
    said = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-For", "192.0.2.8"), ("X-Forwarded-Proto", "http")]
    with proxy.client(API, port=port) as client:
        del client.headers["Accept-Encoding"]
        sent = [*client.headers.items(), *said, ("Authorization", "Bearer a:b")]
        found = client.post("/v1/messages", headers=sent, content=b"{}").json()["headers"]
    assert [value for name, value in found if name == "x-forwarded-for"] == ["127.0.0.1"]
    assert [value for name, value in found if name == "x-forwarded-proto"] == ["https"]
    assert [value for name, value in found if name == "host"] == [f"{API}:{proxy.port}" if port else API]
    assert ["authorization", "Bearer a:b"] in found
    assert "via" not in dict(found)
    assert "accept-encoding" not in dict(found)


@pytest.mark.parametrize("name", [CONSOLE, PUBLIC, API])
def test_a_name_of_nobody_is_told_so(proxy, echo, name):
    """An unsubscription that went nowhere must not look like one."""
    with proxy.client(name, headers={"Host": "nobody.example"}) as client:
        assert client.post("/u/abc").status_code >= 400
    assert proxy.plain("nobody.example", "/u/abc", "POST").status_code >= 300
    assert not echo.targets


def test_a_head_of_24_kb_passes(proxy):
    """Cookies of other programs on the same name, and a long query."""
    cookies = {f"X-Part-{part}": str(part) * 7_000 for part in range(3)}
    with proxy.client() as client:
        answer = client.get("/mail/ses/tasks?q=" + "x" * 3_000, headers=cookies)
    assert answer.status_code == 200, answer.text
    assert ["x-part-2", "2" * 7_000] in answer.json()["headers"]


@pytest.mark.parametrize(("name", "path"), [(CONSOLE, "/mail/ses/new-group"), (PUBLIC, "/hooks/x"), (API, "/v1/x")])
def test_a_body_without_a_length_arrives_whole(proxy, name, path):
    blocks = [bytes([number]) * 50_000 for number in range(60)]
    with proxy.client(name) as client:
        found = client.post(path, content=iter(blocks)).json()
    assert found["sha256"] == hashlib.sha256(b"".join(blocks)).hexdigest()


def test_a_large_file_goes_to_the_console_and_nowhere_else_in_airflow(proxy, echo):
    block, blocks = bytes(1 << 20), size(300, 30)
    length = {"Content-Length": str(blocks << 20)}
    with proxy.client() as client:
        found = client.post("/mail/ses/new-group", content=(block for _ in range(blocks)), headers=length)
        assert found.json()["octets"] == blocks << 20
    echo.anew()
    head = b"POST /mail/api/v2/x HTTP/1.1\r\nHost: intern.example\r\nContent-Length: %d\r\n\r\n"
    assert raw(proxy, head % (11 << 20)).startswith(b"HTTP/1.1 413 ")
    with proxy.client() as client:
        assert client.post("/mail/api/v2/x", content=bytes(9 << 20)).json()["octets"] == 9 << 20


def test_a_file_arrives_while_it_is_sent(proxy, echo):
    """The page's progress is that of the console, and no disk of the proxy has to have room for it."""

    def blocks() -> Iterator[bytes]:
        yield bytes(100_000)
        assert echo.begun.wait(60), "nothing has arrived yet"
        yield bytes(100_000)

    with proxy.client() as client:
        assert client.post("/mail/ses/new-group", content=blocks()).json()["octets"] == 200_000


@pytest.mark.parametrize("path", ["/mail/api/v2/in-pieces", "/mail/ses/in-pieces"])
def test_a_log_is_shown_as_it_comes(proxy, echo, path):
    with proxy.client() as client, client.stream("GET", path, extensions={"sni_hostname": CONSOLE}) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "first"
        echo.go_on.set()
        assert next(lines) == "last"


def test_a_post_never_goes_out_on_a_connection_that_is_about_to_be_closed(proxy):
    """The listener gives one up after 5 s without a request."""
    with proxy.client(PUBLIC) as client:
        # What the tests before have left open is given up, too.
        for _ in range(2):
            time.sleep(4.5)
            # A proxy that stood still itself sees to its timers once it runs again.
            proxy.plain("nobody.example", "/")
            assert client.post("/u/abc/once").status_code == 200


def test_no_log_has_the_path_of_a_request_that_fails(proxy):
    heads = {
        "a name that is none": b"Host: mail.example.com\r\nBad name: x\r\n",
        "no host": b"X: y\r\n",
        "two hosts": b"Host: mail.example.com\r\nHost: mail.example.com\r\n",
        "odd host": b"Host: mail.example.com.\r\n",
        "two lengths": b"Host: mail.example.com\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        "too large": b"Host: mail.example.com\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 7_000) for n in range(300)),
    }
    for head in heads.values():
        raw(proxy, b"POST /u/the-token HTTP/1.1\r\n" + head + b"\r\n")
    raw(proxy, b"POST /u/the-token HTTP/1.1\r\nHost: mail.example.com\r\nContent-Length: 9\r\n\r\nabc", shut=True)
    for path in ("/u/the-token/cut", "/u/the-token/nothing"):
        raw(proxy, f"GET {path} HTTP/1.1\r\nHost: mail.example.com\r\n\r\n".encode())
    proxy.plain(PUBLIC, "/u/the-token")
    proxy.plain("nobody.example", "/u/the-token")
    assert "the-token" not in proxy.logs(), proxy.logs()[-3000:]


@pytest.mark.full
def test_a_client_that_never_ends_its_head_is_given_up(proxy):
    assert b" 200 " not in raw(proxy, b"GET /u/abc HTTP/1.1\r\nHost: mail.example.com\r\n")


def raw(proxy: Front, octets: bytes, *, shut: bool = False) -> bytes:
    """What is answered to exactly these octets on a new connection, until the proxy ends it; nothing if it is reset."""
    context = ssl.create_default_context(cafile=str(proxy.ca_file))
    with (
        socket.create_connection((proxy.address, proxy.port), timeout=180) as plain,
        context.wrap_socket(plain, server_hostname=PUBLIC) as connection,
    ):
        found = b""
        try:
            connection.sendall(octets)
            if shut:
                return b""
            while b"\r\n\r\n" not in found and (more := connection.recv(65_536)):
                found += more
        except (ConnectionError, ssl.SSLError):
            pass
        return found
