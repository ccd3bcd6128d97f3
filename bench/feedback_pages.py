"""Reads of the pages of what came back, each with all queries of one request, for `page_process`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ses_ops.application.mail_statistics import MOST_DAYS, hours_of_task, links_of_task, statistics
from ses_ops.console.database import reading
from ses_ops.console.feedback.page import MOST_COUNTED
from ses_ops.console.tasks.messages import SIZE
from ses_ops.domain.feed_silence import SPAN
from ses_ops.domain.mail_statistics import Dimension
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.storage.events import feeds, task_feedback, timeline, unmatched
from ses_ops.storage.suppression import entries, held
from ses_ops.storage.tasks import send_tasks


@dataclass(frozen=True, kw_only=True)
class FeedbackRead:
    """The page of the feeds."""

    def take(self) -> object:
        """Read it."""
        with reading() as conn:
            sent = feeds.sent_since(conn, datetime.now(UTC) - SPAN)
            rows = unmatched.page(conn, limit=SIZE + 1)
            total = unmatched.count_open(conn, most=MOST_COUNTED + 1)
            return feeds.feeds(conn), sent, rows, total, held.by_provider(conn)


@dataclass(frozen=True, kw_only=True)
class PersonRead:
    """All mail to one address, the page before a key."""

    address: str
    before: tuple[int, int] = timeline.NEWEST

    def take(self) -> object:
        """Read it."""
        with reading() as conn:
            keys = timeline.keys_of_person(conn, self.address)
            rows = timeline.messages_to(conn, keys, before=self.before, limit=SIZE + 1)
            outcomes = task_feedback.outcomes(conn, [row.key for row in rows])
            return rows, outcomes, timeline.count_to(conn, keys), entries.find(conn, self.address)


@dataclass(frozen=True, kw_only=True)
class MessageRead:
    """One message with its events."""

    occurrence_id: int
    seq: int

    def take(self) -> object:
        """Read it."""
        with reading() as conn:
            found = timeline.message(conn, self.occurrence_id, self.seq)
            return found, timeline.events(conn, self.occurrence_id, self.seq, with_raw=True)


@dataclass(frozen=True, kw_only=True)
class StatisticsRead:
    """The page of statistics: the rows, and those of its chart."""

    by: Dimension
    days: int

    def take(self) -> object:
        """Read it."""
        with reading() as conn:
            plans = QuotaPlans.parse(None)
            return [statistics(conn, plans, by=(by,), days=self.days) for by in {self.by, Dimension.DAY}]


@dataclass(frozen=True, kw_only=True)
class TaskStatisticsRead:
    """The statistics of one task: its sums, links and hours."""

    task: str

    def take(self) -> object:
        """Read it."""
        with reading() as conn:
            task = send_tasks.find_row(conn, self.task).id
            sums = statistics(conn, QuotaPlans.parse(None), by=(), days=MOST_DAYS, task_ids=[task])
            return sums, links_of_task(conn, task), hours_of_task(conn, task)


@dataclass(frozen=True, kw_only=True)
class SuppressionRead:
    """The suppression list, perhaps of one source."""

    source: str | None = None
    search: str | None = None

    def take(self) -> object:
        """Read it."""
        with reading() as conn:
            asked = {"search": self.search, "reason": None, "source": self.source}
            return entries.page(conn, **asked, offset=0, limit=SIZE)
