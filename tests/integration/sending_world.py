"""What the tests of sending share: groups, tasks and runs in a real database, and the laws that always hold."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ses_ops.application.event_recount import recount_events
from ses_ops.application.task_changes import apply_task
from ses_ops.domain.occurrence import Run, RunKind
from ses_ops.domain.send_task import parse_send_task
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.sending.freeze import freeze_audience
from ses_ops.sending.reserve import Reservation, reserve_chunks
from ses_ops.sending.send import ChunkReport, send_chunk
from ses_ops.sending.settle import Settlement, settle
from ses_ops.storage.connection import connect, transaction
from ses_ops.storage.tasks.overview import TaskOverview, list_tasks
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.actors import ANYBODY

DOMAIN = "mail.example.com"


def _zone_at(hour: int) -> str:
    """A time zone without clock changes where the clock shows that hour now."""
    ahead = (hour - datetime.now(UTC).hour + 11) % 24 - 11
    # POSIX counts the other way round: Etc/GMT-3 is three hours ahead of UTC.
    return f"Etc/GMT{-ahead:+d}"


#: Where it is late morning as the tests begin: none of them meets the end of a real quota day, whenever they run.
MORNING = _zone_at(10)
#: A message is in exactly one of these counts (domain/message_state.py: MessageStatus).
PARTS = (
    *("sent_count", "failed_count", "suppressed_count", "unknown_count", "cancelled_count", "cached_count"),
    *("retrying_count", "queued_count", "in_progress_count"),
)


def quota(limit: int, *, day_length: str = "PT24H", domain: str = DOMAIN) -> dict[str, Any]:
    """One domain's entry of the Variable, with the same allotment every day."""
    return {domain: {"plan": [limit], "started_on": "2026-01-01", "time_zone": MORNING, "day_length": day_length}}


@dataclass
class World:
    """A `ses` database with templates, driven as Airflow drives it, only without Airflow."""

    dsn: str
    templates: Path
    quota_variable: Any = field(default_factory=lambda: quota(1_000_000))
    smtp_uri: str = ""

    def __post_init__(self) -> None:
        self.conn = connect(self.dsn)
        self.runs = 0
        folder = self.templates / "hello"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "subject.txt").write_text("Hello {{ name }}")
        (folder / "body.html").write_text("<p>Dear {{ name }}, this is for you.</p>")

    def group(self, name: str, count: int) -> None:
        with transaction(self.conn), self.conn.cursor() as cursor:
            cursor.execute(
                "INSERT INTO recipient_group (name, variables, recipient_count) VALUES (%s, '{name}', %s) RETURNING id",
                (name, count),
            )
            (group_id,) = cursor.fetchone()
            cursor.execute(
                "INSERT INTO recipient (group_id, position, address, address_key, values)"
                " SELECT %s, n, a, a, jsonb_build_object('name', 'Person ' || n)"
                " FROM (SELECT n, %s || '-' || n || '@customers.example' AS a FROM generate_series(1, %s) n) x",
                (group_id, name, count),
            )

    def task(self, name: str, *, group: str, **changes: Any) -> None:
        entry = {
            "name": name,
            "type": "immediate",
            "template": "hello",
            "sender": f"Example <news@{DOMAIN}>",
            "group": group,
            **changes,
        }
        with transaction(self.conn):
            apply_task(self.conn, parse_send_task(entry, where=name), now=datetime.now(UTC), where=name)

    def started_at(self, task: str, start: datetime) -> None:
        """As if the task had been made long ago, to start then."""
        self.execute("UPDATE send_task SET start_at = %s, created_at = %s WHERE name = %s", start, start, task)

    def run(self, task: str, kind: RunKind = RunKind.SCHEDULED, *, run_id: str | None = None, **more: Any) -> Run:
        self.runs += 1
        return Run(task_name=task, run_id=run_id or f"{kind}__{self.runs}", kind=kind, **more)

    def freeze(self, run: Run):
        return freeze_audience(self.conn, run, templates_root=self.templates)

    def reserve(self, run: Run, chunk_size: int = 50_000) -> Reservation:
        return reserve_chunks(self.conn, run, plans=QuotaPlans.parse(self.quota_variable), chunk_size=chunk_size)

    def send(
        self, chunk_id: int, run: Run, stop: threading.Event | None = None, plans: QuotaPlans | None = None
    ) -> ChunkReport:
        return send_chunk(
            self.dsn,
            chunk_id,
            run.run_id,
            smtp=smtp_settings_from_connection_uri(self.smtp_uri),
            templates_root=self.templates,
            stop=stop or threading.Event(),
            plans=plans,
        )

    def settle(self, run: Run) -> Settlement:
        return settle(self.conn, run)

    def whole_run(self, run: Run, chunk_size: int = 50_000) -> Settlement:
        self.freeze(run)
        for chunk_id in self.reserve(run, chunk_size).chunk_ids:
            self.send(chunk_id, run)
        return self.settle(run)

    def overview(self, task: str) -> TaskOverview:
        (overview,) = list_tasks(self.conn, name=task)
        self.conn.rollback()
        check_sum(overview)
        return overview

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with transaction(self.conn), self.conn.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    def die_in_mid_send(self, chunk_id: int, *, marked: int) -> None:
        """What a sender leaves that dies after it had marked so many messages, without a journal."""
        self.execute(
            "WITH dead AS (INSERT INTO attempt (chunk_id, run_id, host, pid, quota_day_id)"
            " SELECT id, run_id, 'a lost machine', 1, quota_day_id FROM chunk WHERE id = %s RETURNING id, chunk_id)"
            " UPDATE chunk SET sending_through = first_seq + %s - 1, attempt_id = dead.id FROM dead"
            " WHERE chunk.id = dead.chunk_id",
            chunk_id,
            marked,
        )

    def execute(self, sql: str, *values: Any) -> None:
        with transaction(self.conn), self.conn.cursor() as cursor:
            cursor.execute(sql, values)

    def states(self) -> dict[str, int]:
        return dict(self.rows("SELECT state::text, count(*)::int FROM message GROUP BY 1"))

    def check_ledger(self) -> None:
        """The counters are what a count of the rows says, chunks cover each occurrence, and no day is overdrawn."""
        assert not self.rows(
            """
            SELECT c.id FROM chunk c JOIN LATERAL (
                SELECT count(*) AS total, count(*) FILTER (WHERE state = 'sent') AS sent,
                       count(*) FILTER (WHERE state = 'failed') AS failed,
                       count(*) FILTER (WHERE state = 'suppressed') AS suppressed,
                       count(*) FILTER (WHERE state = 'unknown') AS unknown
                FROM message m WHERE m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq
            ) m ON true
            WHERE (c.sent, c.failed, c.suppressed, c.unknown, c.last_seq - c.first_seq + 1)
                  IS DISTINCT FROM (m.sent, m.failed, m.suppressed, m.unknown, m.total)
            """
        )
        assert not self.rows(
            "SELECT o.id FROM occurrence o WHERE frozen_at IS NOT NULL AND request_count <>"
            " (SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM chunk WHERE occurrence_id = o.id)"
        )
        assert not self.rows("SELECT id FROM quota_day WHERE reserved + used > allotment")
        assert not self.rows(
            "SELECT q.id FROM quota_day q WHERE reserved <>"
            " (SELECT coalesce(sum(reserved), 0) FROM chunk WHERE quota_day_id = q.id AND state = 'reserved')"
        )

        self.check_send_counts()

    def check_send_counts(self) -> None:
        """What is counted of each attempt that has ended is what its messages say; failed ones may be tried again."""
        assert not self.rows(
            """
            SELECT a.id, m.*, n.* FROM attempt a LEFT JOIN LATERAL (
                SELECT count(*) FILTER (WHERE state = 'sent') AS sent,
                       count(*) FILTER (WHERE state = 'failed') AS failed,
                       count(*) FILTER (WHERE state = 'suppressed') AS suppressed,
                       count(*) FILTER (WHERE state = 'unknown') AS unknown
                FROM message WHERE attempt_id = a.id
            ) m ON true LEFT JOIN LATERAL (
                SELECT coalesce(sum(accepted), 0) AS sent,
                       coalesce(sum(invalid + spam_refused + other_refused + infrastructure), 0) AS failed,
                       coalesce(sum(suppressed), 0) AS suppressed, coalesce(sum(unknown), 0) AS unknown
                FROM send_count WHERE attempt_id = a.id
            ) n ON true
            WHERE a.ended_at IS NOT NULL AND a.quota_day_id IS NOT NULL
              AND ((m.sent, m.suppressed, m.unknown) <> (n.sent, n.suppressed, n.unknown) OR m.failed > n.failed
                   OR (m.failed < n.failed AND NOT EXISTS (SELECT FROM message WHERE retried_code IS NOT NULL)))
            """
        )

    def count_anew(self) -> None:
        """After a test has written outcomes itself: what attempts did is counted again."""
        recount_events(self.conn, ANYBODY, repair=True)

    def close(self) -> None:
        self.conn.close()


def check_sum(overview: TaskOverview) -> None:
    """The law of the send task list (domain.md)."""
    assert overview.request_count == sum(getattr(overview, part) for part in PARTS)
