"""Send tasks that a dying server catches: at their start, in mid-send, in mid-settle, and while a resume waits."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import connection as Connection

from ses_ops.domain.send_task import dag_id
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.connection import connect
from ses_ops.storage.tasks.overview import TaskOverview, list_tasks
from tests.acceptance.celery_machines import wait_for
from tests.acceptance.separate_components import SeparateComponents
from tests.acceptance.under_fire.mailing import ASK_EVERY, ENDED, LOOK_EVERY, Mailing, has_ended
from tests.integration.sending_world import World, check_sum, quota
from tests.recording_smtp import RecordingServer

#: Seconds of a quota day of the mailings that wait for the next one: it must not begin before the server dies.
DAY_SECONDS = 90
#: Messages a day of those.
ALLOTMENT = 20
#: Accepted messages after which a mailing is in mid-send.
MID_SEND = 30
#: The blow that takes the mail server away.
MAIL_SERVER = "mail-server"
#: A cluster policy, as an administrator has one: the mailing in mid-send of that blow uses its retries up within
#: seconds, so that it is the resume's. All other tasks have the retries that production has.
HASTY_POLICY = f"""
from datetime import timedelta


def task_policy(task):
    if task.dag_id == {dag_id(f"{MAIL_SERVER}-sending")!r} and task.task_id == "send_chunk":
        task.retries = 1
        task.retry_delay = timedelta(seconds=1)
"""
#: Seconds for what takes a few; on a very busy machine, more than 90.
SOON = 400.0
#: Seconds that PostgreSQL may be away.
DATABASE_BACK_WITHIN = 60.0

T = TypeVar("T")


class Moment(StrEnum):
    """Where a mailing is when the server dies."""

    STARTING = "starting"
    SENDING = "sending"
    SETTLING = "settling"
    WAITING = "waiting"


#: Recipients. At 20 messages a second 2 000 are 100 s of mail: more than it takes to bring the others to their moment
#: on a busy machine. What is left a while after the blow leaves at once.
RECIPIENTS = {Moment.STARTING: 40, Moment.SENDING: 2_000, Moment.SETTLING: 2 * ALLOTMENT, Moment.WAITING: 2 * ALLOTMENT}


def task_name(blow: str, moment: Moment) -> str:
    return f"{blow}-{moment}"


def quota_variable(blows: list[str]) -> str:
    """The plans of all mailings' sender domains: some have a day for everything, some need two."""
    plans: dict[str, Any] = {}
    for blow in blows:
        for moment in Moment:
            two_days = moment in (Moment.SETTLING, Moment.WAITING)
            limit, day = (ALLOTMENT, f"PT{DAY_SECONDS}S") if two_days else (1_000_000, "PT24H")
            plans |= quota(limit, day_length=day, domain=_domain(task_name(blow, moment)))
    return json.dumps(plans)


def _domain(name: str) -> str:
    return f"{name}.example.com"


class PatientWorld(World):
    """A World whose questions wait until PostgreSQL is back."""

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._patiently(lambda: super(PatientWorld, self).rows(sql, *values))

    def overview(self, task: str) -> TaskOverview:
        return self._patiently(lambda: super(PatientWorld, self).overview(task))

    def _patiently(self, question: Callable[[], T]) -> T:
        end = time.monotonic() + DATABASE_BACK_WITHIN
        while True:
            try:
                if self.conn.closed:
                    self.conn = connect(self.dsn)
                return question()
            except (DatabaseUnavailable, psycopg2.OperationalError, psycopg2.InterfaceError):
                self.conn.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)


class Lookout:
    """Looks at the whole list all the while: every line adds up, and no task waits for a person."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.looks = 0
        self.wrong: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="lookout", daemon=True)

    def __enter__(self) -> Lookout:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _look(self) -> None:
        conn = None
        while not self._over.wait(LOOK_EVERY):
            try:
                conn = conn if conn is not None and not conn.closed else connect(self._dsn)
                tasks = list_tasks(conn)
                conn.rollback()
            except (DatabaseUnavailable, psycopg2.Error):
                if conn is not None:
                    conn.close()
                continue
            self.looks += 1
            self.wrong += [problem for one in tasks if (problem := _problem(one))]
        if conn is not None:
            conn.close()


def _problem(task: TaskOverview) -> str | None:
    try:
        check_sum(task)
    except AssertionError:
        return f"does not add up: {task}"
    return f"waits for a person: {task}" if task.status is TaskStatus.ERROR or task.error else None


@dataclass
class Caught:
    """The four mailings of one blow; `prepare` returns when each of them is at its moment."""

    blow: str
    stack: SeparateComponents
    world: World
    mail_server: RecordingServer
    mailings: dict[Moment, Mailing] = field(default_factory=dict)
    #: Seconds of time.monotonic().
    struck_at: float = 0.0
    #: Seconds that it took until each mailing was at its moment.
    prepared_within: float = 0.0
    _lock: Any = None

    def prepare(self) -> None:
        """Trigger them, and wait."""
        began = time.monotonic()
        token = self.stack.token()
        for moment in Moment:
            name, count = task_name(self.blow, moment), RECIPIENTS[moment]
            self.mailings[moment] = Mailing(
                stack=self.stack, token=token, mail_server=self.mail_server, world=self.world, name=name, count=count
            )
        for moment in (Moment.SETTLING, Moment.WAITING, Moment.SENDING):
            self.mailings[moment].trigger()
        self._hold_settle()
        self.mailings[Moment.SENDING].wait_for_mail(MID_SEND, SOON)
        waits = {"success", "queued"}
        wait_for(lambda: self._states(Moment.WAITING) == waits, f"waiting resume ({self.blow})", SOON, every=ASK_EVERY)
        self.mailings[Moment.STARTING].trigger()
        self._wait_for_its_start()
        self._check_moments()
        self.prepared_within = time.monotonic() - began

    def strike(self, act: Callable[[], None]) -> None:
        """The server dies; what is held in its settle goes on."""
        self.struck_at = time.monotonic()
        act()
        self._lock.close()

    def hurry(self) -> None:
        """What is left need not take its time."""
        self.mail_server.at_once.update(mailing.name for mailing in self.mailings.values())

    def _hold_settle(self) -> None:
        """Make the settle wait for the row of its task, which a person's command may hold as well."""
        name = self.mailings[Moment.SETTLING].name
        reserved = (
            "SELECT 1 FROM chunk c JOIN send_task t ON t.id = c.task_id"
            " WHERE t.name = %s AND c.quota_day_id IS NOT NULL"
        )
        wait_for(lambda: self.world.rows(reserved, name), f"reservation ({self.blow})", SOON)
        self._lock = psycopg2.connect(self.world.dsn)
        with self._lock.cursor() as cursor:
            cursor.execute("SELECT id FROM send_task WHERE name = %s FOR NO KEY UPDATE", (name,))
        pid = self._lock.info.backend_pid
        waiting = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid)) AND application_name ~ 'settle'"
        wait_for(lambda: self.world.rows(waiting, pid), f"settle that waits ({self.blow})", SOON)

    def _wait_for_its_start(self) -> None:
        """Until it reserves its quota; or has, should all looks have missed it."""
        with closing(psycopg2.connect(self.stack.airflow_dsn)) as conn:
            # Each look at what is true by then, on one connection: they follow each other closely.
            conn.autocommit = True
            reserving = lambda: self._states_of(conn, Moment.STARTING, "reserve_quota") in (["running"], ["success"])  # noqa: E731
            wait_for(reserving, f"start of a mailing ({self.blow})", SOON, every=0.02)

    def _check_moments(self) -> None:
        sending, waiting = self.mailings[Moment.SENDING], self.mailings[Moment.WAITING]
        assert sending.look().unsent_count > 50, "everything was sent before the server died"
        assert waiting.look().status is TaskStatus.PAUSED, "the resume did not wait any more when the server died"

    def _states(self, moment: Moment) -> set[str]:
        return set(self.mailings[moment].runs().values())

    def task_states(self, moment: Moment, task: str) -> list[str]:
        with closing(psycopg2.connect(self.stack.airflow_dsn)) as conn:
            return self._states_of(conn, moment, task)

    def _states_of(self, conn: Connection, moment: Moment, task: str) -> list[str]:
        with conn.cursor() as cursor:
            cursor.execute(
                "SELECT state FROM task_instance WHERE dag_id = %s AND task_id = %s",
                (dag_id(self.mailings[moment].name), task),
            )
            return [str(state) for (state,) in cursor.fetchall()]

    # --- afterwards

    def finished(self) -> bool:
        """Everything has been sent and Airflow has ended all runs."""
        return all(
            has_ended(mailing.look()) and self._states(moment) <= set(ENDED)
            for moment, mailing in self.mailings.items()
        )

    def standstill(self) -> float:
        """The longest time without mail of the mailing in mid-send after the server died, in seconds."""
        times = [self.struck_at, *(at for at in self._times(Moment.SENDING) if at > self.struck_at)]
        return max((b - a for a, b in itertools.pairwise(times)), default=0.0)

    def first_mail(self) -> float:
        """Seconds from the death to the first mail of the mailing that had just been started."""
        return self._times(Moment.STARTING)[0] - self.struck_at

    def resumed_late(self, moment: Moment) -> float:
        """Seconds from the beginning of the second quota day to its first mail."""
        ((begins,),) = self.world.rows(
            "SELECT extract(epoch FROM max(starts_at))::float FROM quota_day WHERE sender_domain = %s",
            _domain(self.mailings[moment].name),
        )
        second = self._times(moment)[ALLOTMENT]
        return second + time.time() - time.monotonic() - begins

    def unknown(self) -> dict[int, int]:
        """Messages in doubt, by the attempt that left them: a later blow may catch a mailing as well."""
        return dict(
            self.world.rows(
                "SELECT m.attempt_id, count(*)::int FROM message m JOIN occurrence o ON o.id = m.occurrence_id"
                " JOIN send_task t ON t.id = o.task_id WHERE t.name = ANY(%s) AND m.state = 'unknown' GROUP BY 1",
                [mailing.name for mailing in self.mailings.values()],
            )
        )

    def wait_for_the_words(self, words: str) -> None:
        """While the mail server is away, whoever looks is told so: one mailing waits for its resume, one for a retry.

        HASTY_POLICY makes the first give its run up at once; the second is in the hands of Airflow's retries.
        """
        hasty, patient = self.mailings[Moment.SENDING], self.mailings[Moment.STARTING]
        waits = hasty.wait_for(
            lambda one: one.status is TaskStatus.RETRYING and one.next_run_at is not None,
            "planned retry while the mail server is away",
            SOON,
        )
        assert words in (waits.reason or ""), waits
        assert waits.unsent_count == waits.request_count - waits.sent_count - waits.unknown_count > 0, waits
        reasons = (
            "SELECT 1 FROM chunk c JOIN send_task t ON t.id = c.task_id"
            " WHERE t.name = %s AND c.state = 'reserved' AND strpos(c.reason, %s) > 0"
        )
        wait_for(lambda: self.world.rows(reasons, patient.name, words), "reason of a chunk that is tried again", SOON)
        assert patient.look().unsent_count == patient.count, "the run was given up after one try"

    def _times(self, moment: Moment) -> list[float]:
        return self.mailings[moment].accepted_times()


def create_tasks(world: World, blows: list[str]) -> None:
    """The groups and tasks of all blows, to be triggered when their time comes."""
    for blow in blows:
        for moment in Moment:
            name = task_name(blow, moment)
            world.group(name, RECIPIENTS[moment])
            world.task(name, group=name, type="triggered", sender=f"Example <news@{_domain(name)}>")
