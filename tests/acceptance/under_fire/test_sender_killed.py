"""`kill -9` of the sending process at random moments, with nobody's help but Airflow's: none lost, none twice."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest

from ses_ops.domain.task_status import TaskStatus
from tests.acceptance.under_fire.conftest import CONNECTIONS, FIRE
from tests.acceptance.under_fire.mailing import LOOK_EVERY, Mailing, Sender


@dataclass(eq=False, kw_only=True)
class Killed:
    """So many tasks of so many messages, and what became of them under so many kills of each."""

    tasks: int
    messages: int
    kills_of_task: int
    #: Accepted messages between two kills, at most.
    between: int
    #: Seconds that all of it may take.
    within: float
    seed: int = field(
        default_factory=lambda: int(os.environ.get("SES_FIRE_SEED") or random.SystemRandom().getrandbits(20))
    )
    mailings: list[Mailing] = field(default_factory=list)
    killed: list[Sender] = field(default_factory=list)
    #: Messages in doubt, by the attempt that died.
    unknown: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def kills(self) -> int:
        return self.tasks * self.kills_of_task

    def tell(self, make_mailing: Callable[..., Mailing]) -> None:
        """Send and kill; the outcome is checked when all is finished."""
        began = time.monotonic()
        dice = random.Random(self.seed)
        self.mailings = [make_mailing(f"killed-{number}", self.messages) for number in range(self.tasks)]
        while len(self.killed) < self.kills:
            self.killed.append(self._kill_one(dice, began + self.within))
        # What is left need not take its time.
        self.mailings[0].mail_server.at_once.update(mailing.name for mailing in self.mailings)
        for mailing in self.mailings:
            mailing.wait_until_finished(self.within)
            doubtful = mailing.check_finished()
            assert mailing.unknown_by_command() == doubtful
            self.unknown += unknown_of_attempts(mailing)
        self.seconds = time.monotonic() - began

    def _kill_one(self, dice: random.Random, until: float) -> Sender:
        """Kill a sender after a random number of further messages; all tasks are looked at all the while."""
        target = self._accepted() + dice.randint(0, self.between)
        kills = Counter(sender.task for sender in self.killed)
        while True:
            assert time.monotonic() < until, f"not enough senders to kill: {kills}"
            open_tasks = [one for one in self.mailings if one.look().status is not TaskStatus.FINISHED]
            assert open_tasks, "all was sent too soon"
            candidates = [one for one in open_tasks if kills[one.name] < self.kills_of_task]
            senders = [sender for one in candidates for sender in one.senders()]
            if senders and self._accepted() >= target:
                sender = dice.choice(senders)
                with suppress(psutil.NoSuchProcess):  # it has come to its end just now
                    sender.process.kill()
                    psutil.wait_procs([sender.process], timeout=30)
                    return sender
            time.sleep(LOOK_EVERY)

    def _accepted(self) -> int:
        return sum(len(mailing.accepted()) for mailing in self.mailings)

    def report(self) -> str:
        runs = sum(len(mailing.runs()) for mailing in self.mailings)
        looks = sum(mailing.looks for mailing in self.mailings)
        total, most = sum(self.unknown.values()), max(self.unknown.values(), default=0)
        return (
            f"{len(self.killed)} kills, {self.tasks} x {self.messages} messages, {CONNECTIONS} connections a chunk,"
            f" {self.seconds:.0f} s, {runs} runs, {looks} looks;"
            f" unknown: {total} in all, {most} a kill at most, {total / self.kills:.1f} on average"
        )


def unknown_of_attempts(mailing: Mailing) -> Counter[int]:
    rows = mailing.world.rows(
        "SELECT m.attempt_id, count(*)::int FROM message m JOIN occurrence o ON o.id = m.occurrence_id"
        " JOIN send_task t ON t.id = o.task_id WHERE t.name = %s AND m.state = 'unknown' GROUP BY 1",
        mailing.name,
    )
    return Counter(dict(rows))


#: In `make test` the kills are spread: before each further retry of one task Airflow waits twice as long.
SHORT = Killed(tasks=6, messages=1_250, kills_of_task=2, between=125, within=480.0)
#: `make fire`.
LONG = Killed(tasks=1, messages=20_000, kills_of_task=50, between=300, within=2_700.0)


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("story", [LONG if FIRE else SHORT], ids=["fire" if FIRE else "short"])
def test_kill_9_of_the_sender_loses_nothing_and_doubles_nothing(side_by_side: dict[Any, Future[None]], story: Killed):
    print(f"SES_FIRE_SEED={story.seed}")
    side_by_side[story].result(2 * story.within)
    print(story.report())
    assert len({sender.attempt_id for sender in story.killed}) == story.kills
    assert set(story.unknown) <= {sender.attempt_id for sender in story.killed}, "doubt where nobody was killed"
    # What was between its final dot and the reply: the journal, on the machine of the dead sender, knows all the rest.
    assert max(story.unknown.values(), default=0) <= CONNECTIONS
    story.mailings[0].world.check_ledger()
