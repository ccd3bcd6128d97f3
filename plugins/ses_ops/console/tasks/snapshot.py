"""Snapshot of a send task for its page, shared by requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ses_ops.console.charts import sending_chart
from ses_ops.console.database import SnapshotByKey
from ses_ops.console.poll_interval import STILL, pace
from ses_ops.domain.occurrence import RESUME_RUN_PREFIX
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import NotFound
from ses_ops.storage.events import task_feedback
from ses_ops.storage.ledger import progress
from ses_ops.storage.ledger.failures import FailureCounts, Failures
from ses_ops.storage.ledger.progress import ChunkProgress, Counts, LedgerScope, OccurrenceProgress
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.overview import TaskOverview, list_tasks
from ses_ops.storage.tasks.stored_task import StoredTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.console.charts.sending_chart import SendingChart
    from ses_ops.console.tasks.query import TaskView
    from ses_ops.domain.feedback import TaskFeedback
    from ses_ops.storage.ledger.progress import Burst

#: Number of lines of the two lists.
OCCURRENCES, CHUNKS = 10, 10

_FAILURES = FailureCounts()


class _Part(NamedTuple):
    """The part of a task that a view shows."""

    name: str
    task_id: int | None
    run_id: str | None
    occurrence_id: int | None
    before: int | None
    chunk_page: int


@dataclass(frozen=True, kw_only=True)
class TaskSeen:
    """The values of the polled part of the page, whose lists are those of the view."""

    overview: TaskOverview
    #: Row of the task (`send_tasks.find_row`).
    row: StoredTask
    scope: LedgerScope
    #: Counts of the view's part of the task.
    counts: Counts
    occurrences: list[OccurrenceProgress]
    more_occurrences: bool
    #: Id before which the page of newer occurrences begins; None for the newest page, and on the first one.
    newer_before: int | None
    #: The occurrence by which the view is filtered.
    occurrence: OccurrenceProgress | None
    chunks: list[ChunkProgress]
    chart: SendingChart | None
    #: Present speed in messages a second.
    rate: float
    failures: list[Failures]
    #: What became of the sent messages; None for a part of the task, and before anything was sent.
    feedback: TaskFeedback | None

    @property
    def started_late(self) -> bool:
        """Whether the task missed its start and waits for a person."""
        other = self.row.error is not None or self.overview.problem is not None
        return not other and self.overview.error is not None

    @property
    def several_starts(self) -> bool:
        """Whether the task has several starts, which the page then names by number."""
        return self.overview.latest_start is not None

    @property
    def starts_to_choose(self) -> list[OccurrenceProgress]:
        """The starts by which the list of messages can be filtered: those of this page, and the one of the filter."""
        chosen = [self.occurrence] if self.occurrence else []
        return [one for one in {one.id: one for one in [*self.occurrences, *chosen]}.values() if one.frozen_at]

    @property
    def with_seconds(self) -> bool:
        """Whether start times need seconds: two starts are in one minute, as in a rehearsal."""
        minutes = [(one.logical_at or one.created_at).replace(second=0, microsecond=0) for one in self.occurrences]
        return len(set(minutes)) < len(minutes)

    @property
    def left(self) -> timedelta | None:
        """The time that the mail being sent needs at this speed."""
        on_its_way = self.overview.in_progress_count
        return timedelta(seconds=on_its_way / self.rate) if self.rate and on_its_way else None

    @property
    def finished_at(self) -> datetime | None:
        """The time at which its newest occurrence ended."""
        return max((one.finished_at for one in self.occurrences if one.finished_at), default=None)

    @property
    def chunk_pages(self) -> int:
        """Number of pages of the list of chunks."""
        return max(1, -(-self.counts.chunks // CHUNKS))

    @property
    def failures_counted(self) -> int:
        """Number of failed messages with a counted code; less than all while a million of them are being counted."""
        return sum(one.count for one in self.failures)

    @property
    def is_resume(self) -> bool:
        """Whether the run of this view only sends cached mail."""
        return (self.scope.run_id or "").startswith(RESUME_RUN_PREFIX)

    @property
    def every(self) -> int:
        """Seconds until the page polls again. One task is cheap to read, so a start is shown soon."""
        still = STILL if self.overview.status in (TaskStatus.FINISHED, TaskStatus.CANCELLED) else 5
        return min(still, pace([self.overview], now=datetime.now(UTC)))


def task_seen(view: TaskView, *, fresh: bool = False) -> TaskSeen:
    """The part of a task that a view shows; `fresh` without the cache, for a whole page. Raises NotFound."""
    part = _Part(view.name, view.task_id, view.run_id, view.occurrence_id, view.before, view.chunk_page)
    return _SEEN.get(part, fresh=fresh)


def scope_of(
    conn: Connection, name: str, *, task_id: int | None, run_id: str | None, occurrence_id: int | None
) -> LedgerScope:
    """A part of a task; `task_id` is the id of a deleted task. Raises NotFound."""
    task_id = _row(conn, name, task_id).id
    if run_id is not None:
        return progress.scope_of_run(conn, task_id, run_id)
    return LedgerScope(task_id=task_id, occurrence_id=occurrence_id)


def _row(conn: Connection, name: str, task_id: int | None) -> StoredTask:
    row = send_tasks.find_row(conn, name) if task_id is None else send_tasks.row_to_show(conn, name, task_id)
    if not row.type.listed:
        raise NotFound("send task", name)
    return row


def _read(conn: Connection, part: _Part) -> TaskSeen:
    row = _row(conn, part.name, part.task_id)
    (overview,) = list_tasks(conn, task_id=row.id)
    scope = scope_of(conn, part.name, task_id=part.task_id, run_id=part.run_id, occurrence_id=part.occurrence_id)
    counts = progress.counts(conn, scope)
    found = progress.occurrences(conn, scope, limit=OCCURRENCES + 1, before=part.before)
    bursts = progress.bursts(conn, scope)
    waits = bool(counts.cached_count or counts.retrying_count or counts.queued_count or counts.in_progress_count)
    return TaskSeen(
        overview=overview,
        row=row,
        scope=scope,
        counts=counts,
        occurrences=found[:OCCURRENCES],
        more_occurrences=len(found) > OCCURRENCES,
        newer_before=part.before and progress.newer_key(conn, scope, before=part.before, limit=OCCURRENCES),
        occurrence=_occurrence(conn, scope, part.occurrence_id),
        chunks=progress.chunks(conn, scope, limit=CHUNKS, offset=CHUNKS * (part.chunk_page - 1)),
        chart=sending_chart.draw(
            bursts,
            now=datetime.now(UTC),
            waits=waits,
            due_at=_due_at(overview, bursts),
            pauses=progress.pauses(conn, scope.task_id),
        ),
        rate=sum(one.rate for one in bursts if one.alive),
        failures=_FAILURES.by_code(conn, scope) if counts.failed_count else [],
        feedback=task_feedback.counts(conn, row.id) if scope.is_whole and counts.sent_count else None,
    )


def _due_at(overview: TaskOverview, bursts: Sequence[Burst]) -> datetime | None:
    """The time at which pending mail continues; for queued mail the start of the earliest burst."""
    if overview.queued_count and overview.status is TaskStatus.SENDING:
        return min((one.started_at for one in bursts), default=None)
    return overview.next_run_at


def _occurrence(conn: Connection, scope: LedgerScope, wanted: int | None) -> OccurrenceProgress | None:
    if wanted is None:
        return None
    found = progress.occurrences(conn, scope, limit=1, before=wanted + 1)
    if not found or found[0].id != wanted:
        raise NotFound("start of this send task", str(wanted))
    return found[0]


_SEEN: SnapshotByKey[_Part, TaskSeen] = SnapshotByKey(_read)
