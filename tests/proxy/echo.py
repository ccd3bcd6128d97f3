"""A server behind a proxy that says what has reached it, and when."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Echo:
    """Answers each request with its target, headers and body; some paths end otherwise (`_Handler`)."""

    #: Whether a body has begun to arrive, and whether an answer in pieces may end.
    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    targets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"echo": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def anew(self) -> None:
        """Forget what was asked."""
        self.begun.clear()
        self.go_on.clear()
        self.targets.clear()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A proxy may reset a connection."""


class _Handler(BaseHTTPRequestHandler):
    echo: Echo
    protocol_version = "HTTP/1.1"
    #: Requests of this connection.
    answered = 0

    def do_POST(self) -> None:
        self.echo.targets.append(self.path)
        if self.path.endswith("/once") and self.answered:
            # As a service that has just closed a connection which was idle for too long.
            self.close_connection = True
            return
        self.answered += 1
        octets, digest = 0, hashlib.sha256()
        for block in self._blocks():
            octets += len(block)
            digest.update(block)
            self.echo.begun.set()
        if self.path.endswith("/in-pieces"):
            self._in_pieces()
            return
        if self.path.endswith(("/cut", "/nothing")):
            self.close_connection = True
            if self.path.endswith("/cut"):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten octets")
            return
        said = {
            "target": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "octets": octets,
            "sha256": digest.hexdigest(),
        }
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST

    def _in_pieces(self) -> None:
        """A line now, and one when the client has it."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"6\r\nfirst\n\r\n")
        self.echo.go_on.wait(60)
        self.wfile.write(b"5\r\nlast\n\r\n0\r\n\r\n")

    def _blocks(self) -> Iterator[bytes]:
        """The body as it comes, by length or in chunks."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left and (block := self.rfile.read1(min(left, 65_536))):
            left -= len(block)
            yield block

    def log_message(self, *_: object) -> None:
        """Into no log."""
