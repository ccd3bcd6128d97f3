"""A token endpoint of OAuth 2 on a real HTTPS socket (RFC 6749 4.4), which misbehaves on request."""

from __future__ import annotations

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us, or does not wait, breaks off: tests ask for that."""


class TokenEndpoint:
    """Gives out token-1, token-2, ...; keeps the questions."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.questions: list[dict[str, str]] = []
        #: The tokens that were given out: shared with a mail server, so that it knows them.
        self.given: set[str] = set()
        #: Answers in place of the right one, in order: status and body.
        self.instead: list[tuple[int, Any]] = []
        self.expires_in: object = 3600
        #: Seconds before each answer.
        self.delay = 0.0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                asked = {name: value[0] for name, value in parse_qs(self.rfile.read(length).decode()).items()}
                status, answer = endpoint.answer(asked)
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                time.sleep(endpoint.delay)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}/oauth2/token"

    def answer(self, asked: dict[str, str]) -> tuple[int, Any]:
        self.questions.append(asked)
        if self.instead:
            return self.instead.pop(0)
        token = f"token-{len(self.given) + 1}"
        self.given.add(token)
        answer = {"token_type": "Bearer", "access_token": token, "expires_in": self.expires_in}
        return 200, {name: value for name, value in answer.items() if value is not None}

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)
