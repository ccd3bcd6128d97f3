"""`python -m tests.integration.single_messages.mail_process DSN SMTP QUOTA POINT`: accepts, sends, is killed.

It reads orders from its standard input, one `KEY ADDRESS` a line, and writes one `KEY ID` for each that is accepted.
The POINT-th step that it takes (a statement, a commit, an entry of a journal: before it, then after it) kills it, by a
signal that nobody can catch. POINT 0: none does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from datetime import UTC, datetime

import psycopg2
from psycopg2.extensions import connection, cursor

from ses_ops.domain.mail_tracking import UNTRACKED
from ses_ops.sending.chunk import journal

DOMAIN = "codes.example.com"
_count = 0
_point = 0
_lock = threading.Lock()


def step() -> None:
    """Count one step, and die at the chosen one."""
    global _count
    with _lock:
        _count += 1
        if _count == _point:
            os.kill(os.getpid(), signal.SIGKILL)


class KilledCursor(cursor):
    """A cursor whose statements are steps."""

    def execute(self, *args):
        step()
        try:
            return super().execute(*args)
        finally:
            step()


class KilledConnection(connection):
    """A connection whose commits are steps."""

    def commit(self):
        step()
        super().commit()
        step()


def with_steps() -> None:
    """Have statements, commits and entries of journals counted."""
    connect = psycopg2.connect

    def counted(*args, **options):
        return connect(*args, connection_factory=KilledConnection, cursor_factory=KilledCursor, **options)

    psycopg2.connect = counted
    write = journal.Journal.write

    def noted(self, seq, entry):
        step()
        write(self, seq, entry)
        step()

    journal.Journal.write = noted


class CodeMail:
    """The mail of a stored message, the same for everybody."""

    is_marketing = False
    tracked = UNTRACKED

    def __init__(self, content: bytes) -> None:
        self.content = content

    def made(self, *, occurrence_id: int, seq: int, place: int) -> tuple[str, bytes]:
        return f"codes@{DOMAIN}", b"From: codes@codes.example.com\r\nSubject: code\r\n\r\n4711\r\n"


async def main(dsn: str, smtp: str, variable: str) -> None:
    from ses_ops.application.single_messages.accept import Acceptor
    from ses_ops.application.single_messages.orders import Accepted, Idempotency, Order, Refused
    from ses_ops.domain.address import parse_address, parse_sender
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.single_message import SingleMessage
    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.errors import DatabaseUnavailable
    from ses_ops.sending.single.sender import SingleMailSender
    from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
    from tests.single_mail import new_id

    key = ApiKey(id="AKIDtest", name="shop", scopes=frozenset(), domains=frozenset())
    plans = QuotaPlans.parse(variable)
    settings = smtp_settings_from_connection_uri(smtp)
    sender = SingleMailSender(dsn, smtp=lambda: settings, plans=lambda: plans, remake=CodeMail)
    chunks = sender.begin()
    acceptor = Acceptor(dsn, chunks=chunks, plans=lambda: plans, started=sender.add)
    sender.start()
    acceptor.start()

    def answer(accepted: Accepted) -> dict[str, str]:
        return {"id": str(accepted.id)}

    async def take(line: str) -> None:
        name, address = line.split()
        message = SingleMessage(
            sender=parse_sender(f"codes@{DOMAIN}"), to=(parse_address(address),), subject="code", text="4711"
        )
        while True:
            order = Order(
                message=message,
                key=key,
                source="rest",
                prepared=CodeMail(b""),
                idempotency=Idempotency(key=name, fingerprint=name.encode(), answer=answer),
                id=new_id(datetime.now(UTC)),
            )
            try:
                (found,) = await acceptor.accept([order])
            except DatabaseUnavailable:
                await asyncio.sleep(0.05)
                continue
            if isinstance(found, Refused):
                await asyncio.sleep(0.05)
                continue
            print(name, found.id if isinstance(found, Accepted) else found.answer["id"], flush=True)
            return

    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", "-", flush=True)
    tasks = []
    while line := await reader.readline():
        tasks.append(asyncio.create_task(take(line.decode())))
    await asyncio.gather(*tasks)
    while not sender.idle:
        await asyncio.sleep(0.05)
    await acceptor.stop()
    await sender.stop()


if __name__ == "__main__":
    _point = int(sys.argv[4])
    with_steps()
    asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
