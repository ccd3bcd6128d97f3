"""An IMAP server that answers as servers other than dovecot do, and that fails on request (RFC 3501)."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class OddImap:
    """One folder, with its mails by UID, and how the server behaves."""

    mails: dict[int, bytes]
    #: The UID stands behind the mail in an answer to FETCH; each server may choose the order (7.4.2).
    uid_last: bool = False
    #: UIDs that FETCH answers NO to, alone and among others; and whether it answers NO to all.
    refused: frozenset[int] = frozenset()
    refuses_all: bool = False
    #: Mails of this number are given as an empty string, not as a literal.
    empty: frozenset[int] = frozenset()
    #: UIDs that another client removes between SEARCH and FETCH.
    vanish: frozenset[int] = frozenset()
    #: Mails after which the connection ends in the middle of a literal.
    dies_after: int | None = None
    moved: dict[str, list[int]] = field(default_factory=dict)
    port: int = 0
    _given: int = 0

    def answer(self, tag: bytes, line: bytes) -> Iterator[bytes]:
        """The lines of an answer. Raises ConnectionError where the server dies."""
        command = line.upper()
        if command.startswith(b"CAPABILITY"):
            yield b"* CAPABILITY IMAP4rev1 MOVE"
        elif command.startswith(b"SELECT"):
            yield b"* %d EXISTS" % len(self.mails)
        elif found := re.match(rb"UID SEARCH (?:(\d+):(\d+) )?UNDELETED", command):
            uids = sorted(self.mails)[int(found[1] or 1) - 1 : int(found[2] or 10**9)]
            yield b"* SEARCH" + b"".join(b" %d" % uid for uid in uids)
        elif found := re.match(rb"UID FETCH ([\d,]+) ", command):
            uids = [int(uid) for uid in found[1].split(b",")]
            for uid in self.vanish:
                self.mails.pop(uid, None)
            if self.refuses_all or self.refused & set(uids):
                yield tag + b" NO [SERVERBUG] Internal error occurred"
                return
            for number, uid in enumerate(uids, 1):
                if uid in self.mails:
                    yield from self._mail(number, uid)
        elif found := re.match(rb'UID MOVE ([\d,]+) "(.*)"', line, re.IGNORECASE):
            uids = [int(uid) for uid in found[1].split(b",")]
            self.moved.setdefault(found[2].decode(), []).extend(
                uid for uid in uids if self.mails.pop(uid, None) is not None
            )
        yield tag + b" OK done"

    def _mail(self, number: int, uid: int) -> Iterator[bytes]:
        mail = self.mails[uid]
        self._given += 1
        if self.dies_after is not None and self._given > self.dies_after:
            yield b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n" % (number, uid, len(mail)) + mail[: len(mail) // 2]
            raise ConnectionError
        if uid in self.empty:
            yield b'* %d FETCH (UID %d BODY[]<0> "")' % (number, uid)
        elif self.uid_last:
            yield b"* %d FETCH (BODY[]<0> {%d}\r\n" % (number, len(mail)) + mail + b" UID %d)" % uid
        else:
            yield b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n" % (number, uid, len(mail)) + mail + b")"


@contextmanager
def serving(odd: OddImap) -> Iterator[OddImap]:
    """Serve until the end of a `with`."""

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            for asked in self.rfile:
                tag, _, line = asked.strip().partition(b" ")
                try:
                    for one in odd.answer(tag, line):
                        self.wfile.write(one + b"\r\n")
                except ConnectionError:
                    return

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Dialogue) as server:
        odd.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield odd
        finally:
            server.shutdown()
            thread.join()
