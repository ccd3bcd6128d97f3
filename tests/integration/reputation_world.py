"""What the tests of the reputation share: a domain with a plan, days of mail as counts, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg2.extensions import connection as Connection

from ses_ops.domain.reputation import DayFigures, Figures
from ses_ops.domain.warmup import STANDARD_PLAN, QuotaPlans, ReputationPlan, WarmupPlan
from ses_ops.storage.connection import transaction
from tests.integration.sending_world import MORNING

DAY = timedelta(days=1)
#: The beginning of the day on which the tests run, where it is late morning: none of them meets the end of a day.
TODAY = datetime.now(ZoneInfo(MORNING)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)

_ATTEMPT = """
WITH o AS (
    INSERT INTO occurrence (task_id, key, run_id) VALUES (%s, gen_random_uuid()::text, 'r') RETURNING id
), c AS (
    INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent,
                       sending_through)
    SELECT id, %s, %s, 1, 1, 'settled', 0, 1, 1 FROM o RETURNING id
)
INSERT INTO attempt (chunk_id, run_id, host, pid, sent_before, failed_before)
SELECT id, 'r', 'h', 1, 0, 0 FROM c RETURNING id
"""
_SEND_COUNT = """
INSERT INTO send_count (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, is_test, opens_tracked,
                        accepted, invalid, spam_refused, other_refused, infrastructure)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def plan_of(domain: str, reputation: ReputationPlan | None = None, **changes: Any) -> WarmupPlan:
    """A plan led by the reputation, whose first day was long ago."""
    began = TODAY - 100 * DAY
    values: dict[str, Any] = {
        "domain": domain,
        "steps": STANDARD_PLAN,
        "started_on": f"{began.astimezone(ZoneInfo(MORNING)):%Y-%m-%d}",
        "started_at": began,
        "time_zone": MORNING,
        "reputation": reputation or ReputationPlan(),
    }
    return WarmupPlan(**values | changes)


def plans_of(*plans: WarmupPlan) -> QuotaPlans:
    return QuotaPlans(entries={one.domain: {} for one in plans}, checked={one.domain: one for one in plans})


def days_of(*figures: Figures) -> list[DayFigures]:
    """Consecutive days, of which the last is today."""
    first = TODAY - (len(figures) - 1) * DAY
    return [DayFigures(first + n * DAY, first + (n + 1) * DAY, one) for n, one in enumerate(figures)]


@dataclass
class ReputationWorld:
    """A sender domain in a real database, whose mail is written as counts."""

    conn: Connection
    domain: str = "mail.example.com"
    tasks: int = 0
    _task: dict[str, int] = field(default_factory=dict)

    def execute(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with transaction(self.conn), self.conn.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def task(self, kind: str = "immediate") -> int:
        """The id of a task of the domain, made at the first call."""
        if kind not in self._task:
            self.execute("INSERT INTO sender_domain (domain) VALUES (%s) ON CONFLICT DO NOTHING", self.domain)
            ((group,),) = self.execute(
                "INSERT INTO recipient_group (name, variables) VALUES (%s, '{}') RETURNING id",
                f"g-{self.domain}-{kind}",
            )
            ((self._task[kind],),) = self.execute(
                "INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, time_zone)"
                " VALUES (%s, %s, 't', %s, %s, %s, 'UTC') RETURNING id",
                *(f"t-{self.domain}-{kind}", kind, f"a@{self.domain}", self.domain, group),
            )
        return self._task[kind]

    def day(self, days_ago: int = 0, *, kind: str = "immediate", provider: str = "gmail", **counts: int) -> None:
        """Add a day's mail: numbers of messages by the names of `Figures`."""
        task, day = self.task(kind), TODAY - days_ago * DAY
        ((attempt,),) = self.execute(_ATTEMPT, task, task, self.domain)
        figures = Figures(**counts)
        self.execute(
            _SEND_COUNT,
            *(attempt, provider, task, self.domain, day, kind == "test", figures.opens_tracked > 0),
            *(figures.accepted, figures.invalid_refused, figures.spam_refused, figures.other_refused),
            figures.infrastructure_refused,
        )
        self.feedback(days_ago, kind=kind, provider=provider, figures=figures)

    def feedback(
        self, days_ago: int = 0, *, kind: str = "immediate", provider: str = "gmail", figures: Figures
    ) -> None:
        """Add what events told of a day's mail."""
        names = (
            *("deferred", "dropped", "hard_bounced", "soft_bounced", "spam_bounced", "infrastructure_bounced"),
            "complained",
        )
        self.execute(
            "INSERT INTO feedback_count AS c (task_id, sender_domain, sent_day, mailbox_provider, "
            + ", ".join(names)
            + ")"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (task_id, sender_domain, sent_day,"
            " mailbox_provider) DO UPDATE SET " + ", ".join(f"{one} = c.{one} + excluded.{one}" for one in names),
            *(self.task(kind), self.domain, TODAY - days_ago * DAY, provider),
            *(getattr(figures, one) for one in names),
        )

    def measured(self) -> None:
        """Let the domain have a bounce domain whose feed is heard."""
        self.task()
        self.execute("UPDATE sender_domain SET bounce_domain = 'b.' || domain WHERE domain = %s", self.domain)
        self.execute(
            """INSERT INTO event_feed (source, events) VALUES ('bounce_mail', 1)
               ON CONFLICT (source) DO UPDATE SET last_at = now()"""
        )
