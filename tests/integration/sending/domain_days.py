"""Days of a sender domain, played on a simulated clock: tasks come, Airflow's runs follow, the mail leaves at once."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from ses_ops.domain.occurrence import RunKind
from tests.integration.sending.simulated_clock import SimulatedClock
from tests.integration.sending_world import DOMAIN, World


@dataclass(frozen=True)
class Promise:
    """What the law says of mail when it is cached: how much is ahead of it, and the number of that quota day."""

    task: str
    occurrence: int
    first_seq: int
    last_seq: int
    ahead: int
    day: int

    def last_day(self, seq: int, allotment: Callable[[int], int]) -> int:
        """The day on which the message must have left: from the next on, all that is ahead and it itself fit in."""
        place, day = self.ahead + seq - self.first_seq + 1, self.day
        while place > 0:
            day += 1
            place -= allotment(day)
        return day


@dataclass
class DomainDays:
    """Plays runs in the order of time as Airflow makes them: each a little late, each resume id once."""

    world: World
    clock: SimulatedClock
    #: How late a run begins.
    latency: timedelta = timedelta(0)
    promises: list[Promise] = field(default_factory=list)
    _queue: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _order: Any = field(default_factory=count)
    _run_ids: set[str] = field(default_factory=set)

    def at(self, moment: datetime, deed: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (moment, next(self._order), deed))

    def play_until(self, end: datetime) -> None:
        while self._queue and self._queue[0][0] < end:
            moment, _, deed = heapq.heappop(self._queue)
            self.clock.set(max(moment, self.clock.now + timedelta(microseconds=1)))
            deed()

    def run(self, task: str, kind: RunKind = RunKind.SCHEDULED, **more: Any) -> None:
        """One DAG run, now: freeze, reserve, send, settle; and the next run for what stays cached."""
        run = self.world.run(task, kind, **more)
        self.world.freeze(run)
        reservation = self.world.reserve(run, chunk_size=25)
        self._promise(task, reservation.day.number if reservation.day else 0)
        self._send(reservation.chunk_ids)
        settlement = self.world.settle(run)
        if settlement.resume_run_id and (task, settlement.resume_run_id) not in self._run_ids:
            self._run_ids.add((task, settlement.resume_run_id))
            resume = settlement.resume_run_id
            self.at(settlement.resume_at + self.latency, lambda: self.run(task, RunKind.RESUME, run_id=resume))

    def sent_on(self) -> dict[tuple[int, int], int]:
        """The number of the quota day on which each message left, by occurrence and seq."""
        rows = self.world.rows(
            "SELECT m.occurrence_id, m.seq, q.number FROM message m JOIN chunk c ON c.occurrence_id = m.occurrence_id"
            " AND m.seq BETWEEN c.first_seq AND c.last_seq JOIN quota_day q ON q.id = c.quota_day_id"
            " WHERE m.state = 'sent' AND c.sender_domain = %s",
            DOMAIN,
        )
        return {(occurrence, seq): day for occurrence, seq, day in rows}

    def _promise(self, task: str, day: int) -> None:
        rows = self.world.rows(
            "SELECT t.name, c.occurrence_id, c.first_seq, c.last_seq, c.pending, c.cached_at = %s FROM chunk c"
            " JOIN send_task t ON t.id = c.task_id WHERE c.state = 'cached' AND c.cached_at IS NOT NULL"
            " ORDER BY c.cached_at, c.occurrence_id, c.first_seq",
            self.clock.now,
        )
        ahead = 0
        for name, occurrence, first, last, pending, new in rows:
            if new:
                self.promises.append(Promise(name, occurrence, first, last, ahead, day))
            ahead += pending

    def _send(self, chunk_ids: list[int]) -> None:
        """What a sender writes when every message of its chunks was accepted."""
        self.world.execute(
            "UPDATE message m SET state = 'sent' FROM chunk c WHERE c.id = ANY(%s) AND m.state = 'queued'"
            " AND m.occurrence_id = c.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq",
            chunk_ids,
        )
        self.world.execute(
            "UPDATE chunk SET sent = sent + pending, pending = 0, sending_through = last_seq WHERE id = ANY(%s)",
            chunk_ids,
        )
