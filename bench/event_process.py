"""`python -m bench.event_process DSN OCCURRENCE FIRST LAST BATCH`: records events of messages, measured.

As a receiver of provider events does: batch by batch, each a transaction. Most messages are delivered at once; some are
deferred before, some come back, and one event in twenty comes a second time. The process reports that it is ready and
begins at a line on stdin, so that several can begin at once.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from ses_ops.application.record_events import record_events
from ses_ops.domain.message_event import EventKind, MessageEvent, MessageKey
from ses_ops.events.tokens import address_check
from ses_ops.storage.connection import connected

#: Domains of the recipients, by the number of the message.
DOMAINS = (
    *("gmail.com", "gmail.com", "gmail.com", "outlook.com", "yahoo.com", "icloud.com", "qq.com", "163.com"),
    *("gmx.de", "docomo.ne.jp", "shop.example", "company.example"),
)


def address(seq: int) -> str:
    """The address of a message."""
    return f"customer-{seq}@{DOMAINS[seq % len(DOMAINS)]}"


def events(occurrence_id: int, first: int, last: int) -> Iterator[MessageEvent]:
    """The events of some messages, two a message on average."""
    for seq in range(first, last + 1):
        kinds = [EventKind.DEFERRED, EventKind.DELIVERED]
        if seq % 25 == 0:
            kinds[1] = EventKind.BOUNCED
        if seq % 200 == 7:
            kinds.append(EventKind.COMPLAINED)
        if seq % 100 == 3:
            kinds.append(EventKind.UNSUBSCRIBED)
        for kind in kinds:
            yield _event(occurrence_id, seq, kind)
        if seq % 10 == 0:
            yield _event(occurrence_id, seq, kinds[-1])


def _event(occurrence_id: int, seq: int, kind: EventKind) -> MessageEvent:
    to = address(seq)
    return MessageEvent(
        kind=kind,
        source="amazon_ses",
        source_id=f"0100018c{seq:08x}-{kind.value}",
        occurred_at=datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        + timedelta(seconds=seq % 3600),
        message=MessageKey(occurrence_id=occurrence_id, seq=seq, address_check=address_check(to)),
        address=to,
        provider_kind=kind.value.title(),
        hard=seq % 75 == 0,
        diagnostic="smtp; 250 2.0.0 OK 1701234567 a1-20020a170902b58100b001d0 - gsmtp",
        raw='{"eventType": "Delivery", "mail": {"timestamp": "2026-11-29T19:00:00.000Z"}}' * 8,
    )


def main(dsn: str, occurrence_id: str, first: str, last: str, batch: str) -> None:
    """Print the number of events, the seconds and the CPU seconds."""
    given = events(int(occurrence_id), int(first), int(last))
    with connected(dsn) as conn:
        record_events(conn, [])
        print("ready", flush=True)
        sys.stdin.readline()
        count, began, cpu = 0, time.perf_counter(), time.process_time()
        while some := list(islice(given, int(batch))):
            done = record_events(conn, some)
            if done.unmatched:
                raise RuntimeError(f"{done.unmatched} events found no message")
            count += len(some)
        used = time.process_time() - cpu
        print(json.dumps({"events": count, "seconds": time.perf_counter() - began, "cpu": used}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
