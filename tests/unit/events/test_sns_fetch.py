"""The fetch of a certificate or a confirmation, from a real HTTPS server that misbehaves."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from ses_ops.events import sns_certificate
from ses_ops.events.sns_certificate import MOST_FETCHED, fetch_https


class Answering(BaseHTTPRequestHandler):
    """Answers as its path says."""

    def do_GET(self) -> None:
        with suppress(OSError):
            getattr(self, f"_{self.path[1:]}")()

    def _certificate(self) -> None:
        self._answer(200, b"-----BEGIN")

    def _redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/certificate")
        self.end_headers()

    def _missing(self) -> None:
        self._answer(404, b"-----BEGIN")

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(200):
            self.wfile.write(b"x" * MOST_FETCHED)

    def _drop(self) -> None:
        """An octet now and then."""
        self.send_response(200)
        self.end_headers()
        for _ in range(600):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[str]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"https://localhost:{http.server_port}"
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setattr(sns_certificate, "FETCH_WITHIN", 60.0)


@pytest.mark.usefixtures("trusted")
def test_a_file_is_fetched(server: str) -> None:
    assert asyncio.run(fetch_https(f"{server}/certificate")) == b"-----BEGIN"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("path", ["redirect", "missing", "endless"])
def test_a_redirect_an_error_and_a_file_without_end_are_refused(server: str, path: str) -> None:
    with pytest.raises(OSError, match=r"the answer is (30|40|too)"):
        asyncio.run(fetch_https(f"{server}/{path}"))


@pytest.mark.usefixtures("trusted")
def test_a_server_that_sends_an_octet_now_and_then_is_left(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sns_certificate, "FETCH_WITHIN", 0.6)
    began = time.monotonic()
    with pytest.raises(OSError, match="TimeoutError"):
        asyncio.run(fetch_https(f"{server}/drop"))
    assert time.monotonic() - began < 30


def test_a_server_whose_certificate_nobody_vouches_for_is_refused(server: str) -> None:
    with pytest.raises(OSError, match="certificate verify failed"):
        asyncio.run(fetch_https(f"{server}/certificate"))
