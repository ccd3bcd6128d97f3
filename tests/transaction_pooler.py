"""A pooler as PgBouncer is with `pool_mode = transaction`: each transaction gets the session that became free last."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

#: What a client asks before its startup message: TLS, GSSAPI.
_QUESTIONS = (80_877_103, 80_877_104)


class TransactionPooler:
    """Listens on a free loopback port; for one database, one user and no password."""

    def __init__(self, server_socket: Path, *, drop_options: bool = False) -> None:
        self._server_socket = server_socket
        self._drop_options = drop_options
        self._free: list[socket.socket] = []
        self._greeting = b""
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> TransactionPooler:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Shut down first: closing alone does not wake who waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        for one in (self._listener, *self._open):
            one.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            startup = _startup(client)
            if self._drop_options:
                startup = _without_options(startup)
            if not self._greeting:  # later clients are greeted without a session
                server, self._greeting = self._connect(startup)
                self._free.append(server)
            client.sendall(self._greeting)
            while True:
                message = _message(client)
                if message[:1] == b"X":
                    return
                try:  # (asking first whether one is free would leave another thread the time to take it)
                    server = self._free.pop()
                except IndexError:
                    server = self._connect(startup)[0]
                while True:  # one transaction
                    server.sendall(message)
                    answer = _until_ready(server)
                    client.sendall(answer)
                    if answer[-1:] == b"I":
                        break
                    message = _message(client)
                    if message[:1] == b"X":
                        server.close()
                        return
                self._free.append(server)
        except OSError:
            return
        finally:
            client.close()

    def _connect(self, startup: bytes) -> tuple[socket.socket, bytes]:
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._server_socket))
        self._open.append(server)
        server.sendall(startup)
        return server, _until_ready(server)


def _startup(client: socket.socket) -> bytes:
    while True:
        (length,) = struct.unpack("!I", _exactly(client, 4))
        rest = _exactly(client, length - 4)
        if struct.unpack("!I", rest[:4])[0] not in _QUESTIONS:
            return struct.pack("!I", length) + rest
        client.sendall(b"N")


def _without_options(startup: bytes) -> bytes:
    words = startup[8:].split(b"\0")
    pairs = [pair for pair in zip(words[::2], words[1::2], strict=False) if pair[0] not in (b"", b"options")]
    body = startup[4:8] + b"".join(name + b"\0" + value + b"\0" for name, value in pairs) + b"\0"
    return struct.pack("!I", len(body) + 4) + body


def _until_ready(server: socket.socket) -> bytes:
    """All messages up to ReadyForQuery, whose last octet is the state: I, T or E."""
    answer = b""
    while True:
        message = _message(server)
        answer += message
        if message[:1] == b"Z":
            return answer


def _message(peer: socket.socket) -> bytes:
    head = _exactly(peer, 5)
    return head + _exactly(peer, struct.unpack("!I", head[1:])[0] - 4)


def _exactly(peer: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = peer.recv(count - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data
