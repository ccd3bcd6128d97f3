"""Our own engine, measured as an Airflow task runs it: a process of its own, ledger included.

`python -m bench.engine DSN CHUNK RUN PORT` prints the measurement as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from bench.measured import Measured, measured
from ses_ops.domain.occurrence import Run, RunKind
from ses_ops.sending.freeze_audience import freeze_audience
from ses_ops.sending.reserve import reserve_chunks
from ses_ops.sending.send_chunk import send_chunk
from ses_ops.sending.settle import settle
from ses_ops.storage.connection import connected, transaction
from ses_ops.transports.smtp_settings import smtp_settings_from_connection_uri

TEMPLATES = Path(__file__).parents[1] / "include" / "templates"
NAME = "the engine with its ledger"
QUOTA = {"mail.example.com": {"plan": [100_000_000], "started_on": "2026-01-01"}}

_RECIPIENTS = """
INSERT INTO recipient (group_id, position, address, address_key, "values")
SELECT %s, n, 'customer-' || n || '@customers.example', 'customer-' || n || '@customers.example',
       jsonb_build_object('name', 'Person ' || n, 'customer_id', n::text, 'coupon', 'SPRING' || n)
FROM generate_series(1, %s) n
"""


def bench_engine(dsn: str, port: int, messages: int) -> Measured:
    """Freeze, reserve and send `messages` newsletters through a fresh process; the sending alone is measured."""
    name = f"bench-{messages}"
    run = Run(task_name=name, run_id=f"bench {messages}", kind=RunKind.TRIGGERED)
    with connected(dsn) as conn:
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "INSERT INTO recipient_group (name, variables, recipient_count)"
                " VALUES (%s, '{name,customer_id,coupon}', %s) RETURNING id",
                (name, messages),
            )
            row = cursor.fetchone()
            assert row is not None
            cursor.execute(_RECIPIENTS, (row[0], messages))
            cursor.execute(
                "INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, time_zone)"
                " VALUES (%s, 'triggered', 'newsletter', 'Example Shop <news@mail.example.com>', 'mail.example.com',"
                " %s, 'UTC')",
                (name, row[0]),
            )
        freeze_audience(conn, run, templates_root=TEMPLATES)
        chunks = reserve_chunks(conn, run, quota_variable=QUOTA, chunk_size=messages).chunk_ids
        result = Measured(name=NAME, messages=messages, note="rendered for each, text and HTML, every outcome written")
        for chunk in chunks:
            output = subprocess.run(
                [sys.executable, "-m", "bench.engine", dsn, str(chunk), run.run_id, str(port)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            part = json.loads(output.splitlines()[-1])
            result.seconds += part["seconds"]
            result.cpu_seconds += part["cpu_seconds"]
        settlement = settle(conn, run)
    if settlement.sent != messages:
        raise SystemExit(f"the engine sent {settlement.sent} of {messages}")
    return result


def _send(dsn: str, chunk: str, run_id: str, port: str) -> None:
    smtp = smtp_settings_from_connection_uri(f"smtp://127.0.0.1:{port}?connections=20")
    with measured(NAME, 0) as result:
        send_chunk(dsn, int(chunk), run_id, smtp=smtp, templates_root=TEMPLATES, stop=threading.Event())
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    _send(*sys.argv[1:])
