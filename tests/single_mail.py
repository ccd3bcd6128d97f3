"""Single messages in a database as the API writes them, for tests of what shows them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg2.extensions import connection as Connection

from ses_ops.domain.address import Sender, parse_address
from ses_ops.domain.single_message import SingleMessage

#: State, tries, SMTP code, the server's words.
Outcome = tuple[str, int, int | None, str | None]
SENT: Outcome = ("sent", 1, 250, "2.0.0 queued")
FAILED: Outcome = ("failed", 1, 550, "5.1.1 unknown user")
SUPPRESSED: Outcome = ("suppressed", 0, None, "hard bounce")
UNKNOWN: Outcome = ("unknown", 1, None, "the connection was lost")
WAITING: Outcome = ("queued", 0, None, None)


def new_id(moment: datetime) -> UUID:
    """An id of version 7 (RFC 9562) of a moment."""
    milliseconds = int(moment.timestamp() * 1000)
    value = (milliseconds << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
    return UUID(int=value)


@dataclass
class SingleMail:
    """Writes single messages of one process."""

    conn: Connection

    def _value(self, sql: str, *values: Any) -> Any:
        with self.conn.cursor() as cursor:
            cursor.execute(sql, values)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def occurrence(self, domain: str) -> int:
        """The occurrence of this process for a sender domain, made at first use."""
        name = f"api:{domain}"
        task = self._value("SELECT id FROM send_task WHERE name = %s", name) or self._value(
            "INSERT INTO send_task (name, type, template, sender, sender_domain, time_zone)"
            " VALUES (%s, 'api', '', %s, %s, 'UTC') RETURNING id",
            *(name, f"news@{domain}", domain),
        )
        return self._value("SELECT id FROM occurrence WHERE task_id = %s", task) or self._value(
            "INSERT INTO occurrence (task_id, key, run_id, frozen_at) VALUES (%s, 'a-process', 'a-process', now())"
            " RETURNING id",
            task,
        )

    def message(
        self,
        *recipients: tuple[str, Outcome],
        domain: str = "mail.example.com",
        ago: timedelta = timedelta(minutes=5),
        cc: int = 0,
        bcc: int = 0,
        scheduled: bool = False,
        refused: dict[str, Any] | None = None,
        cancelled: bool = False,
        content: bytes | None = None,
        **columns: Any,
    ) -> UUID:
        """Write a message with its rows of the ledger; a scheduled one (also refused or cancelled) has none."""
        accepted = datetime.now(UTC) - ago
        message_id = new_id(accepted)
        first = None if scheduled else self._rows(self.occurrence(domain), recipients, accepted)
        row = {
            "id": str(message_id),
            "key_id": "AKIDtest",
            "source": "rest",
            "sender_domain": domain,
            "sender": f"Shop <news@{domain}>",
            "subject": "Your code",
            "recipient_count": len(recipients),
            "cc_count": cc,
            "bcc_count": bcc,
            "accepted_at": accepted,
            "first_seq": first,
            "occurrence_id": None if first is None else self.occurrence(domain),
            "refused": json.dumps(refused) if refused else None,
            "cancelled_at": datetime.now(UTC) if cancelled else None,
            **columns,
        }
        if scheduled:
            row["address_keys"] = [address.lower() for address, _ in recipients]
            row["send_at"] = columns.get("send_at", datetime.now(UTC) + timedelta(hours=1))
            row["due_at"] = None if refused or cancelled else row["send_at"]
        names = ", ".join(row)
        places = ", ".join("%s::uuid" if name == "repeats" else "%s" for name in row)
        self._value(f"INSERT INTO single_message ({names}) VALUES ({places})", *row.values())
        if content is not None:
            self._value("INSERT INTO single_message_content VALUES (%s, %s, %s)", str(message_id), accepted, content)
        self.conn.commit()
        return message_id

    def _rows(self, occurrence: int, recipients: tuple[tuple[str, Outcome], ...], moment: datetime) -> int:
        first = int(self._value("SELECT coalesce(max(seq), 0) + 1 FROM message WHERE occurrence_id = %s", occurrence))
        for seq, (address, (state, tries, code, text)) in enumerate(recipients, first):
            self._value(
                "INSERT INTO message (occurrence_id, seq, state, tries, smtp_code, smtp_text, address, address_key,"
                ' "values", changed_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, jsonb_build_object(), %s)',
                *(occurrence, seq, state, tries, code, text, address, address.lower()),
                None if state == "queued" else moment + timedelta(seconds=1),
            )
        self._chunk(occurrence, first, [outcome[0] for _, outcome in recipients])
        return first

    def _chunk(self, occurrence: int, first: int, states: list[str]) -> None:
        counts = [states.count(state) for state in ("queued", "sent", "failed", "suppressed", "unknown")]
        self._value(
            "INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent,"
            " failed, suppressed, unknown, sending_through)"
            " SELECT o.id, t.id, t.sender_domain, %s, %s, %s, %s, %s, %s, %s, %s, %s"
            " FROM occurrence o JOIN send_task t ON t.id = o.task_id WHERE o.id = %s",
            *(first, first + len(states) - 1, "cached" if counts[0] else "settled", *counts, first - 1, occurrence),
        )

    def counted(self, accepted: int, *, provider: str = "google") -> None:
        """Count so many accepted messages today, of one that is written for it."""
        self.message(("ann@gmail.com", SENT))
        self._value(
            "WITH a AS (INSERT INTO attempt (chunk_id, run_id, host, pid) SELECT c.id, 'r', 'h', 1 FROM chunk c"
            "  JOIN send_task t ON t.id = c.task_id WHERE t.type = 'api' LIMIT 1 RETURNING id, chunk_id)"
            " INSERT INTO send_count (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, accepted)"
            " SELECT a.id, %s, c.task_id, c.sender_domain, date_trunc('day', now()), %s"
            " FROM a JOIN chunk c ON c.id = a.chunk_id",
            *(provider, accepted),
        )
        self.conn.commit()


def said(to: str, **more: Any) -> SingleMessage:
    """What a message to one address says."""
    sender = Sender(display_name="Shop", address="news@mail.example.com", domain="mail.example.com")
    plain = {"sender": sender, "to": (parse_address(to),), "subject": "Your code", "text": "It is 123456."}
    return SingleMessage(**{**plain, **more})
