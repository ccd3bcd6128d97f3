"""A small SMTP server on a real socket whose faults are chosen a test at a time.

    with ScriptedServer(Script(faults=(Fault("final", DROP, at=3),))) as server:
        ... send to server.host, server.port ...
    assert server.accepted["someone@example.com"] == 1

It runs in a thread with a loop of its own, so synchronous and asynchronous tests can use it; with `async with` it runs
in the loop that is running, which is cheaper by the hundred. It counts what it accepted, recipient by recipient: that
is what a test compares the sender's claims with.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from tests.integration.smtp_servers.script import Act, Behind, Group, Script, Step


@dataclass
class Message:
    """A message that the server accepted."""

    sender: str
    recipients: list[str]
    content: bytes
    parameters: str = ""


@dataclass
class _Session:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encrypted: bool = False
    login: str | None = None
    mail: str | None = None
    parameters: str = ""
    recipients: list[str] = field(default_factory=list)
    messages: int = 0


class _Gone(Exception):
    pass


class ScriptedServer:
    """See the module's docstring."""

    host = "127.0.0.1"

    def __init__(self, script: Script | None = None, *, port: int = 0, listening: socket.socket | None = None) -> None:
        self.script = script or Script()
        #: How many messages were accepted, by recipient.
        self.accepted: Counter[str] = Counter()
        self.messages: list[Message] = []
        #: Every command line, without CRLF, in the order of arrival.
        self.commands: list[str] = []
        self.logins: list[str] = []
        self.connections = 0
        self.open_connections = 0
        self.most_connections = 0
        self.empty_messages = 0
        #: Messages behind whose final dot, and MAIL commands behind which, more stood already.
        self.behind_dots = 0
        self.grouped = 0
        #: MAIL commands over the limit of messages a connection.
        self.refused_mails = 0
        #: How often a fault was played.
        self.misbehaved = 0
        self._reached: Counter[tuple[str, str | None]] = Counter()
        #: A socket that is bound already may be given in place of a port.
        self._socket = listening or socket.create_server((self.host, port), backlog=128)
        if self.script.slow_reading:
            # Else the kernel takes megabytes before the reader's slowness shows.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self.port: int = self._socket.getsockname()[1]
        self._loop: asyncio.AbstractEventLoop
        self._server: asyncio.Server
        self._accepting: asyncio.Task[None]
        self._writers: set[asyncio.StreamWriter] = set()
        self._sessions: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted-smtp", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.__aenter__(), self._loop).result(60)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.__aexit__(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    async def __aenter__(self) -> Self:
        if self.script.implicit_tls is None:
            self._server = await asyncio.start_server(self._session, sock=self._socket, limit=1 << 16)
        else:
            self._socket.setblocking(False)
            self._accepting = asyncio.create_task(self._accept(self.script.implicit_tls))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.script.implicit_tls is None:
            self._server.close()
        else:
            self._accepting.cancel()
            self._socket.close()
        for session in list(self._sessions):
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    def close_listening(self) -> None:
        """Refuse new connections from now on."""
        closed = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (self._server.close(), closed.set()))
        assert closed.wait(60)

    def close_connections(self, say: bytes = b"") -> None:
        """Close all connections from this side, after saying so if `say` is given."""

        def close() -> None:
            for writer in list(self._writers):
                writer.write(say)
                writer.close()

        self._loop.call_soon_threadsafe(close)

    async def _accept(self, context: ssl.SSLContext) -> None:
        """TLS from the first byte, or the fault in its place: which of them must be known when a client comes."""
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._socket)
            instead = self._act("tls", None)
            reader = asyncio.StreamReader(limit=1 << 16)
            protocol = asyncio.StreamReaderProtocol(reader, partial(self._session, encrypted=True, instead=instead))
            opening = loop.connect_accepted_socket(
                lambda protocol=protocol: protocol, client, ssl=None if instead else context
            )
            opened = loop.create_task(opening)
            # Whether the client likes what it gets is its own affair; what it says then is in the task's result.
            opened.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _session(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        encrypted: bool = False,
        instead: Act | None = None,
    ) -> None:
        session = _Session(reader, writer, encrypted=encrypted)
        # (asyncio does it by itself only for sockets that it has made.) Else each reply waits 40 ms for an ACK.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections += 1
        self.open_connections += 1
        self.most_connections = max(self.most_connections, self.open_connections)
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            if instead is not None:
                await self._in_place_of_tls(session, instead)
            await self._talk(session)
        except (_Gone, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self.open_connections -= 1
            self._writers.discard(writer)
            self._sessions.discard(task)
            if not session.writer.is_closing():
                session.writer.close()

    async def _talk(self, session: _Session) -> None:
        limit = self.script.max_connections
        if limit is not None and self.open_connections > limit:
            session.writer.write(b"421 4.7.0 too many connections\r\n")
            await session.writer.drain()
            return
        await self._answer(session, "banner", b"220 %b\r\n" % self.script.greeting.encode())
        while True:
            line = (await session.reader.readuntil(b"\n")).decode("utf-8", "replace").rstrip("\r\n")
            self.commands.append(line)
            verb, _, rest = line.partition(" ")
            handler = getattr(self, f"_do_{verb.lower()}", None)
            if handler is None:
                session.writer.write(b"500 5.5.1 what?\r\n")
                continue
            await handler(session, rest)
            if verb.upper() == "QUIT":
                return

    async def _do_ehlo(self, session: _Session, rest: str) -> None:
        script = self.script
        if not script.esmtp:
            await self._answer(session, "ehlo", b"502 5.5.1 no EHLO\r\n")
            return
        lines = [script.hello]
        lines += ["PIPELINING"] * script.pipelining
        lines += ["8BITMIME"] * script.eight_bit_mime
        lines += ["SMTPUTF8"] * script.smtp_utf8
        lines += [f"SIZE {script.size}"] * (script.size is not None)
        lines += ["STARTTLS"] * (script.starttls is not None and not session.encrypted)
        lines += [f"AUTH {' '.join(script.mechanisms)}"] * (script.logins is not None)
        text = "".join(f"250{' ' if line is lines[-1] else '-'}{line}\r\n" for line in lines)
        again = script.starttls is not None and session.encrypted
        await self._answer(session, "ehlo again" if again else "ehlo", text.encode())

    async def _do_helo(self, session: _Session, rest: str) -> None:
        await self._answer(session, "helo", b"250 scripted\r\n")

    async def _do_starttls(self, session: _Session, rest: str) -> None:
        if not await self._answer(session, "starttls", b"220 2.0.0 go\r\n" + self.script.injected):
            return
        assert self.script.starttls is not None
        if (instead := self._act("tls", None)) is not None:
            await self._in_place_of_tls(session, instead)
        await session.writer.start_tls(self.script.starttls)
        session.encrypted = True

    async def _in_place_of_tls(self, session: _Session, act: Act) -> None:
        await session.reader.read(1)  # The client began the handshake: what comes now is no answer to STARTTLS.
        await self._do(session, act)
        raise _Gone

    async def _do_auth(self, session: _Session, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if mechanism.upper() == "PLAIN":
            if not initial:
                if not await self._answer(session, "login", b"334 \r\n"):
                    return
                initial = (await session.reader.readuntil(b"\n")).decode().strip()
            _, login, password = base64.b64decode(initial).decode().split("\0")
        else:
            answers = []
            prompts: tuple[tuple[Step, bytes], ...] = (("login", b"VXNlcm5hbWU6"), ("password", b"UGFzc3dvcmQ6"))
            for step, prompt in prompts:
                if not await self._answer(session, step, b"334 " + prompt + b"\r\n"):
                    return
                answers.append(base64.b64decode(await session.reader.readuntil(b"\n")).decode())
            login, password = answers
        self.logins.append(login)
        if (self.script.logins or {}).get(login) == password:
            if await self._answer(session, "auth", b"235 2.7.0 welcome\r\n"):
                session.login = login
        else:
            await self._answer(session, "auth", f"535 5.7.8 wrong: AUTH {rest} {password}\r\n".encode())

    async def _do_mail(self, session: _Session, rest: str) -> None:
        limit = self.script.max_messages_per_connection
        if limit is not None and session.messages >= limit:
            self.refused_mails += 1
            await self._do(session, Act("last words", self.script.last_words, self.script.last_act))
            return
        if self.script.logins is not None and session.login is None:
            session.writer.write(b"530 5.7.0 log in first\r\n")
            return
        if session.mail is not None:
            session.writer.write(b"503 5.5.1 nested MAIL\r\n")
            return
        address, _, parameters = rest.partition("<")[2].partition(">")
        self.grouped += bool(self._buffered(session))
        if self.script.group == "crash" and self._buffered(session):
            raise _Gone
        if self.script.group == "mail refused" and self._buffered(session):
            self._buffered(session).clear()
            await self._say(session, self.script.out_of_step)
            if self.script.out_of_step.startswith((b"421", b"554")):
                raise _Gone
            return
        taken = await self._answer(session, "mail", b"250 2.1.0 Ok\r\n", address)
        if self.script.group not in ("borne", "thrown away") and self._buffered(session):
            await self._bear_not(session, self.script.group)
        if taken or self.script.mail_despite_refusal:
            session.mail, session.parameters, session.recipients = address, parameters.strip(), []

    async def _do_rcpt(self, session: _Session, rest: str) -> None:
        if session.mail is None:
            session.writer.write(b"503 5.5.1 MAIL first\r\n")
            return
        address = rest.partition("<")[2].rpartition(">")[0]
        if await self._answer(session, "rcpt", b"250 2.1.5 Ok\r\n", address):
            session.recipients.append(address)
        elif self.script.group == "thrown away":
            self._buffered(session).clear()

    async def _do_data(self, session: _Session, rest: str) -> None:
        if not session.recipients and not self.script.data_without_recipient:
            session.writer.write(b"554 5.5.1 no valid recipients\r\n")
            return
        recipient = session.recipients[0] if session.recipients else None
        if not await self._answer(session, "data", b"354 go ahead\r\n", recipient):
            return
        lines: list[bytes] = []
        interruption = None
        while (line := await session.reader.readuntil(b"\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
            if len(lines) == 1 and (interruption := self._act("content", recipient)) is not None:
                await self._do(session, interruption)
            if self.script.slow_reading and len(lines) % 64 == 0:
                await asyncio.sleep(self.script.slow_reading)
        content = b"".join(lines)
        self.behind_dots += bool(self._buffered(session))
        message = Message(session.mail or "", session.recipients, content, session.parameters)
        session.mail, session.recipients = None, []
        session.messages += 1
        if interruption is not None:
            return  # The reply was given before its time.
        if self.script.delay:
            await asyncio.sleep(self.script.delay)
        if not message.recipients:
            self.empty_messages += 1
            await self._answer(session, "final", b"554 5.5.1 no valid recipients\r\n")
            return
        if self.script.behind == "crash" and self._buffered(session):
            self.accepted.update(message.recipients)
            self.messages.append(message)
            raise _Gone
        taken = await self._answer(session, "final", b"250 2.0.0 Ok: queued\r\n", recipient, message)
        if self.script.behind != "borne" and self._buffered(session):
            await self._bear_not(session, self.script.behind)
        if self.script.keeps_refused and not taken:
            session.mail, session.recipients = message.sender, message.recipients

    @staticmethod
    def _buffered(session: _Session) -> bytearray:
        return session.reader._buffer  # type: ignore[attr-defined, no-any-return]

    async def _bear_not(self, session: _Session, how: Behind | Group) -> None:
        """What servers do with commands that came before they were asked for."""
        buffered = self._buffered(session)
        if how == "refused":
            for _ in range(buffered.count(b"\n")):
                await self._say(session, b"503 Bad sequence of commands\r\n")
        del buffered[: len(buffered) // 2 if how == "halved" else None]

    async def _do_rset(self, session: _Session, rest: str) -> None:
        if self.script.group == "thrown away":
            self._buffered(session).clear()
        if await self._answer(session, "rset", b"250 2.0.0 Ok\r\n"):
            session.mail, session.recipients = None, []

    async def _do_quit(self, session: _Session, rest: str) -> None:
        await self._answer(session, "quit", b"221 2.0.0 bye\r\n")

    async def _answer(
        self, session: _Session, step: Step, reply: bytes, recipient: str | None = None, message: Message | None = None
    ) -> bool:
        """Give the right reply, or do what the script says for this moment. True: the step is done as it should be."""
        act = self._act(step, recipient)
        if message is not None and (act is None or act.accept):
            self.accepted.update(message.recipients)
            self.messages.append(message)
        if act is None:
            unasked = self._act("between", recipient) if message is not None else None
            await self._say(session, reply + (unasked.say if unasked else b""))
            if unasked is not None:
                await self._do(session, unasked._replace(say=b""))
            return not reply.startswith((b"4", b"5"))
        await self._do(session, act)
        return False

    def _act(self, step: Step, recipient: str | None) -> Act | None:
        self._reached[step, None] += 1
        if recipient is not None:
            self._reached[step, recipient] += 1
        for fault in self.script.faults:
            if fault.step == step and fault.recipient in (None, recipient):
                nth = self._reached[step, fault.recipient] - fault.at
                if nth >= 0 and (fault.times is None or nth < fault.times):
                    self.misbehaved += 1
                    return fault.act
        return None

    async def _do(self, session: _Session, act: Act) -> None:
        if act.say:
            await self._say(session, act.say)
        if act.then == "hang":
            while await session.reader.read(65536):
                pass
            raise _Gone
        while act.then == "drip":
            await asyncio.sleep(self.script.drip)
            await self._say(session, b"5")
        if act.then == "freeze":
            session.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.Event().wait()
        raw = session.writer.get_extra_info("socket")
        if act.then == "drop":
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            session.writer.transport.abort()
            raise _Gone
        if act.then in ("truncate", "garble"):
            with socket.socket(fileno=os.dup(raw.fileno())) as under_tls:
                if act.then == "garble":
                    under_tls.send(b"\x17\x03\x03 this is not TLS\r\n")
                under_tls.shutdown(socket.SHUT_WR)
            raise _Gone
        if act.then == "close":
            raise _Gone

    async def _say(self, session: _Session, text: bytes) -> None:
        if not self.script.dribble:
            session.writer.write(text)
        else:
            for one in text:
                session.writer.write(bytes((one,)))
                await asyncio.sleep(0)
        await session.writer.drain()
