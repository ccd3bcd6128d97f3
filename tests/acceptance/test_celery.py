"""CeleryExecutor, Redis and two workers; one loses its power in mid-chunk: none lost, none doubled, limits held."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ses_ops.domain.task_status import TaskStatus
from ses_ops.sending.chunk.journal import remove_journal
from ses_ops.sending.chunk.writer import MOST_MARKED
from ses_ops.storage.connection import connected
from tests.acceptance.celery_machines import Machine, Redis, production_settings, start_cluster, wait_for
from tests.acceptance.stack_process import READS_OFTEN, StackProcess, free_port
from tests.acceptance.under_fire.mailing import Mailing
from tests.integration.sending_world import World, quota
from tests.recording_smtp import RecordingServer

#: Messages a second over all workers. A chunk carries 20 s of work at this rate: 2 000 messages.
RATE = 100
#: Two tasks of one sender domain: together three chunks on the first day, more than one machine has slots for.
LETTER, NOTE = 2_800, 800
#: Messages a day of the domain; a (rehearsal) day lasts long enough for a chunk to be taken over.
ALLOTMENT, DAY_SECONDS = 3_300, 60
#: Connections a chunk. What is under way on them may arrive together when this machine is busy.
CONNECTIONS = 5
#: Seconds until the reply to a message, until all chunks are being sent: none must be over before the last begins.
SLOW_START = 3.0
#: Seconds for which the mail of both machines is watched before one is lost; at first they get in step.
SETTLING, WATCHED = 3.0, 4.0
#: Seconds until another machine sends a lost machine's chunk: about a minute, 39 when nothing else runs.
TAKEN_OVER_WITHIN = 240.0

#: The first of these tests tells the whole story.
pytestmark = pytest.mark.timeout(1_800)


@dataclass
class Story:
    """What happened, told once for all tests of this file. Times are seconds of time.monotonic()."""

    mailings: list[Mailing]
    machines: list[Machine]
    mail_server: RecordingServer
    #: The machine of each attempt, and the attempts that died with theirs.
    machine_of: dict[int, str] = field(default_factory=dict)
    died: set[int] = field(default_factory=set)
    survivor: str = ""
    watched_from: float = 0.0
    power_lost_at: float = 0.0
    #: From the loss until the other machine began to send the first lost chunk.
    taken_over_after: float = 0.0

    def tell(self) -> None:
        world = self.mailings[0].world
        # More, if a day has passed by then: what was cached is sent beside them.
        wait_for(lambda: len(self._alive()) >= 3, "three chunks being sent at once", 240)
        began = time.monotonic()
        self.mail_server.delay = 0.0
        self.watched_from = began + SETTLING
        wait_for(lambda: time.monotonic() > self.watched_from + WATCHED, "passing of time", 60)
        self._lose_a_machine(world)
        wait_for(self._taken_over, "chunk of the lost machine that the other one sends", TAKEN_OVER_WITHIN)
        self.taken_over_after = time.monotonic() - self.power_lost_at
        wait_for(self._finished, "end of the tasks", 300)

    def _finished(self) -> bool:
        self._alive()
        return all(mailing.look().status is TaskStatus.FINISHED for mailing in self.mailings)

    def _alive(self) -> dict[int, str]:
        """The attempts that send now, with their machines."""
        rows = self.mailings[0].world.rows(
            "SELECT a.id, a.pid FROM chunk c JOIN attempt a ON a.id = c.attempt_id"
            " WHERE c.state = 'reserved' AND a.ended_at IS NULL"
        )
        found = {attempt: machine.name for attempt, pid in rows for machine in self.machines if machine.owns(pid)}
        self.machine_of |= found
        return found

    def _lose_a_machine(self, world: World) -> None:
        """The one that has not the largest chunk: what it leaves is sent while the largest still is."""
        ((largest,),) = world.rows(
            "SELECT attempt_id FROM chunk WHERE state = 'reserved' ORDER BY last_seq - first_seq DESC LIMIT 1"
        )
        alive = self._alive()
        self.survivor = alive[largest]
        lost = next(machine for machine in self.machines if machine.name != self.survivor)
        self.died = {attempt for attempt, name in alive.items() if name == lost.name}
        assert self.died, "the other machine sends nothing"
        self.power_lost_at = time.monotonic()
        lost.lose_power()
        # Its memory is lost as well: on one host the other worker would find the journal.
        for (journal_id,) in world.rows("SELECT journal_id::text FROM attempt WHERE id = ANY(%s)", list(self.died)):
            remove_journal(journal_id)

    def _taken_over(self) -> list[Any]:
        self._alive()
        return self.mailings[0].world.rows(
            "SELECT n.id FROM attempt n JOIN attempt o ON o.chunk_id = n.chunk_id AND n.id > o.id WHERE o.id = ANY(%s)",
            list(self.died),
        )

    def times(self) -> list[float]:
        """When the mail server accepted each message, in order."""
        return sorted(self.mail_server.accepted_at.values())

    def sent_by(self) -> Counter[str]:
        """Messages in the ledger that each machine sent."""
        rows = self.mailings[0].world.rows(
            "SELECT attempt_id, count(*)::int FROM message WHERE state = 'sent' GROUP BY 1"
        )
        names = [machine.name for machine in self.machines]
        return Counter({name: sum(n for attempt, n in rows if self.machine_of.get(attempt) == name) for name in names})


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    templates = tmp_path_factory.mktemp("templates")
    with RecordingServer(delay=SLOW_START) as mail_server, Redis() as redis:
        stack = StackProcess(settings=settings(mail_server, redis, templates))
        machines = [Machine(name, stack) for name in ("east", "west")]
        worlds: list[World] = []
        try:
            start_cluster(stack, machines)
            token = stack.token()
            mailings = []
            for name, count in (("letter", LETTER), ("note", NOTE)):
                worlds.append(world := World(dsn=stack.description["db_dsn"], templates=templates))
                world.group(name, count)
                mailings.append(
                    Mailing(stack=stack, token=token, mail_server=mail_server, world=world, name=name, count=count)
                )
            for mailing in mailings:
                mailing.world.task(mailing.name, group=mailing.name)
            told = Story(mailings, machines, mail_server)
            told.tell()
            yield told
        finally:
            for world in worlds:
                world.close()
            for machine in machines:
                machine.remove()
            stack.remove()


def settings(mail_server: RecordingServer, redis: Redis, templates: Path) -> dict[str, str]:
    """Of the stack and, where they are Airflow's or ours, of the other machines."""
    pace = f"connections={CONNECTIONS}&max_messages_per_second={RATE}"
    return {
        **production_settings(),
        **READS_OFTEN,
        "SES_SAMPLE": "off",
        "SES_TEMPLATES": str(templates),
        "SES_DB_PORT": str(free_port()),
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": redis.url,
        "AIRFLOW_CONN_SES_SMTP": f"{mail_server.uri}/?tls=none&{pace}",
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(quota(ALLOTMENT, day_length=f"PT{DAY_SECONDS}S")),
    }


def test_nobody_gets_it_twice_and_nobody_is_lost(story: Story):
    for mailing in story.mailings:
        mailing.wait_until_finished()
        mailing.check_finished()
    story.mailings[0].world.check_ledger()


def test_both_machines_send(story: Story):
    sent = story.sent_by()
    print(f"sent by: {dict(sent)}; taken over {story.taken_over_after:.1f} s after the loss")
    # Two hundred where nothing stands still: a share of the rate for seven seconds.
    assert min(sent.values()) >= 30, sent


def test_only_the_lost_machine_leaves_doubt_and_little_of_it(story: Story):
    world = story.mailings[0].world
    rows = dict(world.rows("SELECT attempt_id, count(*)::int FROM message WHERE state = 'unknown' GROUP BY 1"))
    print(f"unknown: {rows}")
    assert set(rows) <= story.died, "doubt where nobody died"
    assert max(rows.values(), default=0) <= MOST_MARKED


def test_the_other_machine_sends_the_rest_of_its_chunks(story: Story):
    rows = story.mailings[0].world.rows(
        "SELECT o.id, n.id FROM attempt o JOIN attempt n ON n.chunk_id = o.chunk_id AND n.id > o.id"
        " WHERE o.id = ANY(%s)",
        list(story.died),
    )
    assert {old for old, _ in rows} == story.died
    # One that comes after its quota day's end lives for a tenth of a second; a look may miss it.
    assert {story.machine_of[new] for _, new in rows if new in story.machine_of} == {story.survivor}


def test_the_rate_limit_holds_over_both_machines_together(story: Story):
    """As the mail server sees it: from when both send until one is lost, and when the other has taken its mail over."""
    seen = [at for at in story.times() if story.watched_from <= at < story.watched_from + WATCHED]
    mean = len(seen) / WATCHED
    most = most_in_a_second(seen)
    print(f"{mean:.1f} messages/s, most in one second {most}; in the whole story {most_in_a_second(story.times())}")
    assert most <= RATE + 2 * 3 * CONNECTIONS
    afterwards = most_in_a_second([at for at in story.times() if at > story.power_lost_at])
    assert afterwards <= RATE + 2 * 3 * CONNECTIONS, "those who are left do not hold it"
    assert mean <= RATE * 1.05
    # In its best second: a machine may stand still for some of the others.
    assert most >= RATE * 0.6, "the machines do not use what they may"


def test_the_days_quota_holds_over_both_machines_together(story: Story):
    """Whatever moment one looks at, no more was accepted than the days that had begun allow."""
    days = story.mailings[0].world.rows(
        "SELECT extract(epoch FROM starts_at)::float, reserved + used FROM quota_day ORDER BY starts_at"
    )
    offset = time.time() - time.monotonic()
    for number, (starts_at, _) in enumerate(days):
        before = sum(at + offset < starts_at for at in story.times())
        assert before <= number * ALLOTMENT, f"{before} messages before day {number + 1}"
    assert sum(used for _, used in days) == LETTER + NOTE
    assert len([used for _, used in days if used]) >= 2, "one day was enough: this test shows nothing"


def test_the_database_gives_a_machine_up_that_does_not_answer(story: Story):
    """A killed process says goodbye through its kernel; a machine without power does not, and holds its chunk's lock.

    The kernel's own patience is two hours. That these settings end it in 30 s was seen with the link of a network
    namespace taken down, which needs rights that a test has not everywhere.
    """
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    with connected(story.machines[0].environment["AIRFLOW_CONN_SES_DB"]) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
        assert cursor.fetchone() == ("10", "5", "4", "30000")


def most_in_a_second(times: list[float]) -> int:
    """The largest number of moments in any window of one second."""
    most = first = 0
    for index, moment in enumerate(times):
        while times[first] <= moment - 1.0:
            first += 1
        most = max(most, index - first + 1)
    return most
