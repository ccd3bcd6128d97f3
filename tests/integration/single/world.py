"""What the tests of sending single messages share: a stand-in for acceptance on a real database, and the laws."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from ses_ops.domain.mail_tracking import UNTRACKED, Tracking
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.errors import TransportUnavailable
from ses_ops.sending.reserve import lock_quota_day
from ses_ops.sending.single.open_chunk import Admitted, Mail, OpenChunks
from ses_ops.sending.single.sender import SingleMailSender
from ses_ops.storage.connection import connect, transaction
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.integration.sending_world import DOMAIN, World, quota


@dataclass(frozen=True)
class TestMail:
    """A mail whose text is a few words, for any number of recipients."""

    __test__ = False
    words: str = "Your code is 123456"
    is_marketing: bool = False
    tracked: Tracking = UNTRACKED

    def made(self, *, occurrence_id: int, seq: int, place: int) -> tuple[str, bytes]:
        head = f"From: news@{DOMAIN}\r\nSubject: code\r\nMessage-ID: <{occurrence_id}.{seq}.{place}@{DOMAIN}>\r\n\r\n"
        return f"news@{DOMAIN}", f"{head}{self.words}\r\n".encode()

    @property
    def stored(self) -> bytes:
        return self.words.encode()

    @classmethod
    def read(cls, stored: bytes) -> TestMail:
        return cls(stored.decode())


@dataclass
class Acceptance:
    """Writes what acceptance writes, a message a transaction, in the calling thread."""

    dsn: str
    chunks: OpenChunks
    plans: QuotaPlans
    block: int = 16
    conn: object = field(init=False)

    def __post_init__(self) -> None:
        self.conn = connect(self.dsn)

    def accept(
        self, *addresses: str, mail: Mail | None = None, domain: str = DOMAIN, stored: bytes | None = None
    ) -> list[Admitted]:
        mail, rows = mail or TestMail(), len(addresses)
        chunk = self.chunks.take(domain, rows=rows)
        reserved = 0
        with transaction(self.conn), self.conn.cursor() as cursor:
            if chunk is None or chunk.places < rows:
                day = lock_quota_day(self.conn, self.plans[domain])
                reserved = min(day.left, max(rows, self.block))
                assert reserved >= rows, "the day has no room"
                cursor.execute(
                    "UPDATE quota_day SET reserved = reserved + %s, single = single + %s WHERE id = %s",
                    (reserved, reserved, day.id),
                )
                chunk = chunk or self.chunks.open(self.conn, domain, quota_day_id=day.id)
            first, of = chunk.last_seq + 1, chunk.attempt
            cursor.execute(
                "INSERT INTO message (occurrence_id, seq, address, address_key, values)"
                " SELECT %s, %s + n - 1, a, lower(a), '{}' FROM unnest(%s) WITH ORDINALITY AS x (a, n)",
                (of.occurrence_id, first, list(addresses)),
            )
            id_ = str(uuid.uuid4())
            cursor.execute(
                "WITH made AS (INSERT INTO single_message (id, key_id, source, sender_domain, sender, subject,"
                " recipient_count, occurrence_id, first_seq) VALUES (%s, 'key', 'rest', %s, %s, 'code', %s, %s, %s)"
                " RETURNING id, accepted_at) INSERT INTO single_message_content SELECT id, accepted_at, %s FROM made",
                (
                    id_,
                    domain,
                    f"news@{domain}",
                    rows,
                    of.occurrence_id,
                    first,
                    mail.stored if stored is None else stored,
                ),
            )
            cursor.execute(
                "UPDATE chunk SET last_seq = last_seq + %s, sending_through = last_seq + %s, pending = pending + %s,"
                " reserved = reserved + %s WHERE id = %s AND attempt_id = %s AND state = 'reserved'",
                (rows, rows, rows, reserved, of.chunk_id, of.id),
            )
            assert cursor.rowcount == 1
        self.chunks.grown(chunk, rows=rows, leaving=rows, places=reserved)
        return [Admitted(chunk, first + n, address, n, mail) for n, address in enumerate(addresses)]

    def day(self, domain: str = DOMAIN) -> int:
        """The number of the present quota day, whose row is locked until the transaction ends."""
        return lock_quota_day(self.conn, self.plans[domain]).id

    def close(self) -> None:
        self.conn.close()


@dataclass
class SingleWorld(World):
    """A `ses` database in which senders of single messages work."""

    def sender(self, *, options: str = "") -> SingleMailSender:
        uri = self.smtp_uri + (f"/?{options}" if options else "")
        settings = smtp_settings_from_connection_uri(uri)
        return SingleMailSender(
            self.dsn,
            smtp=lambda: settings,
            plans=lambda: QuotaPlans.parse(self.quota_variable),
            remake=TestMail.read,
        )

    def acceptance(self, chunks: OpenChunks) -> Acceptance:
        return Acceptance(self.dsn, chunks, QuotaPlans.parse(self.quota_variable))

    def check_places(self) -> None:
        """The laws of the ledger, and that single messages have exactly their part of each day."""
        self.check_ledger()
        assert not self.rows(
            "SELECT q.id, q.single, q.reserved, q.used FROM quota_day q WHERE q.single <> q.reserved + q.used"
        )


async def until(what: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Wait until something holds, while the event loop goes on."""
    give_up_at = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up_at, "it did not come to be"
        await asyncio.sleep(0.01)


__all__ = ["DOMAIN", "Acceptance", "Admitted", "SingleWorld", "TestMail", "TransportUnavailable", "quota", "until"]
