"""A TCP proxy that sees how far a client runs ahead of the server's replies: none, group or across the final dot."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress

#: MAIL, RCPT or DATA behind a final dot in one go: RFC 2920 3.1 across messages.
_ACROSS = re.compile(rb"\r\n\.\r\n(?:RSET\r\n)?MAIL FROM:", re.IGNORECASE)
_GROUP = re.compile(rb"MAIL FROM:[^\r\n]*\r\nRCPT TO:", re.IGNORECASE)
_MAIL = re.compile(rb"MAIL FROM:", re.IGNORECASE)
#: From the most careful to the boldest.
_MODES = ("none", "group", "across")
#: Messages at the end that say what the client has come to.
_LAST = 5


class WireTap:
    """Listens on a free loopback port in threads of its own, and passes all on to `target`."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        #: The ways in which messages were begun, in their order; the first of each connection is left out.
        self.modes: list[str] = []
        self._open: set[socket.socket] = {self._listening}

    def __enter__(self) -> WireTap:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    @property
    def seen(self) -> str:
        """For the table: the furthest that the client went, and what it had come to at the end if that is less."""
        if not self.modes:
            return "-"
        furthest = max(self.modes, key=_MODES.index)
        last = max(self.modes[-_LAST:], key=_MODES.index)
        return furthest if last == furthest else f"{furthest}, then {last}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._target), timeout=10)
                server.settimeout(None)
                self._open |= {client, server}
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                dialogue = _Dialogue(self.modes)
                threading.Thread(target=self._pass, args=(client, server, dialogue.client_said), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, dialogue.server_said), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, look: object) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                look(data)  # type: ignore[operator]
                sink.sendall(data)
        # Whichever end went: the other one hears it.
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
            self._open.discard(one)


class _Dialogue:
    """One connection. What the client says between two replies is one turn."""

    def __init__(self, modes: list[str]) -> None:
        self._modes = modes
        self._turn = b""
        self._messages = 0

    def client_said(self, data: bytes) -> None:
        self._turn += data

    def server_said(self, _: bytes) -> None:
        turn, self._turn = self._turn, b""
        if _MAIL.search(turn):
            self._messages += 1
            # The first one has no final dot before it: it says nothing of that.
            if self._messages > 1:
                self._modes.append("across" if _ACROSS.search(turn) else "group" if _GROUP.search(turn) else "none")
