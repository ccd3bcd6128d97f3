"""`python -m tests.integration.sending.reserve_race DSN SMTP TEMPLATES QUOTA ROUNDS SEED`: 16 processes, one quota day.

Each round a process reserves for one of the tasks and then settles, sends a chunk, recovers what others left, or dies
where it stands; besides, one after another is killed with SIGKILL in a phase of its round that was chosen. Prints what
happened as JSON. Forks, so it must be a process of its own: without threads and without a connection.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any

from ses_ops.domain.occurrence import Run, RunKind
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.errors import AttemptSuperseded, Conflict
from ses_ops.sending.recover import recover
from ses_ops.sending.reserve import reserve_chunks
from ses_ops.sending.send import send_chunk
from ses_ops.sending.settle import settle
from ses_ops.storage.connection import connected
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri

WORKERS = 16
TASKS = 8
#: Where in its round a process is. It writes this down in shared memory, which outlives it.
PHASES = ("waiting", "reserving", "holding", "sending", "settling")
#: Of 100 rounds: the sender dies while it holds a reservation, sends a chunk, looks for what others left behind.
DIES, SENDS, RECOVERS = 8, 6, 5
#: Chunks that are sent in all, and messages in each: together less than a day, so that some of it is left to the end.
MOST_SENDS, SENT_CHUNK = 30, 20
#: Rounds after which the race ends although a phase has seen no kill, or no message was counted as used.
PATIENT = 3_000
#: Short, so that recovery also takes from those who live.
PATIENCE = timedelta(seconds=0.2)


@dataclass
class Race:
    """The parent's side: keeps 16 workers alive and kills them."""

    arguments: dict[str, Any]
    seed: int
    phase: Any = field(default_factory=lambda: RawArray("i", WORKERS))
    done: Any = field(default_factory=lambda: RawArray("i", WORKERS))
    sends: Any = field(default_factory=lambda: RawArray("i", WORKERS))
    #: Messages that a process sent and saw counted as used, a slot.
    used: Any = field(default_factory=lambda: RawArray("i", WORKERS))
    stop: Any = field(default_factory=lambda: RawArray("i", 1))
    pids: dict[int, int] = field(default_factory=dict)
    born: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    died: int = 0
    failed: int = 0

    def fork(self, slot: int) -> None:
        self.born += 1
        dice = random.Random(f"{self.seed} {self.born}")
        self.phase[slot] = 0
        pid = os.fork()
        if pid:
            self.pids[slot] = pid
            return
        code = 1
        try:
            _Worker(self, slot, self.born, dice).work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def run(self, rounds: int) -> dict[str, Any]:
        dice = random.Random(self.seed)
        for slot in range(WORKERS):
            self.fork(slot)
        missing = list(PHASES[1:])
        while sum(self.done) < (PATIENT if missing or not any(self.used) else rounds) and not self.failed:
            self._reap()
            # Senders are spared from their second kill on until one of them was done.
            aims = missing or [phase for phase in PHASES[1:] if phase != "sending" or any(self.used)]
            self._kill(dice.choice(aims), dice.uniform(0, 0.002))
            missing = [phase for phase in PHASES[1:] if not self.killed[phase]]
        self.stop[0] = 1
        for pid in self.pids.values():
            self._count(os.waitpid(pid, 0)[1])
        counts = {"rounds": sum(self.done), "sends": sum(self.sends), "used": sum(self.used)}
        return {**counts, "killed": dict(self.killed), "died": self.died, "failed": self.failed}

    def _kill(self, phase: str, wait: float) -> None:
        """Kill a worker a moment after it began a phase; none when none comes there soon."""
        give_up_at = time.monotonic() + 0.3
        # One look decides: by the next one the worker may be in another phase.
        while PHASES.index(phase) not in (now := list(self.phase)):
            if time.monotonic() > give_up_at:
                return
            time.sleep(0.0005)
        slot = now.index(PHASES.index(phase))
        time.sleep(wait)
        os.kill(self.pids[slot], signal.SIGKILL)
        os.waitpid(self.pids[slot], 0)
        self.killed[PHASES[self.phase[slot]]] += 1
        self.fork(slot)

    def _reap(self) -> None:
        for slot, pid in list(self.pids.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._count(status)
                self.fork(slot)

    def _count(self, status: int) -> None:
        if os.WIFSIGNALED(status):
            self.died += 1
        elif os.WEXITSTATUS(status):
            self.failed += 1


class _Worker:
    def __init__(self, race: Race, slot: int, birth: int, dice: random.Random) -> None:
        self.race, self.slot, self.birth, self.dice = race, slot, birth, dice

    def enter(self, phase: str) -> None:
        self.race.phase[self.slot] = PHASES.index(phase)

    def work(self) -> None:
        with connected(self.race.arguments["dsn"]) as conn:
            turn = 0
            while not self.race.stop[0]:
                turn += 1
                task = f"t{self.dice.randrange(TASKS)}"
                run = Run(task_name=task, run_id=f"{self.birth}-{turn}", kind=RunKind.TRIGGERED)
                # Another is at the same chunk: Airflow would try again, here recovery finds what is left.
                with suppress(Conflict, AttemptSuperseded):
                    self.round(conn, run)
                self.enter("waiting")
                self.race.done[self.slot] += 1

    def round(self, conn: Any, run: Run) -> None:
        deed = self.dice.randrange(100)
        sends = DIES <= deed < DIES + SENDS and sum(self.race.sends) < MOST_SENDS
        self.enter("reserving")
        size = SENT_CHUNK if sends else self.dice.randint(50, 300)
        plans = QuotaPlans.parse(self.race.arguments["quota"])
        chunks = reserve_chunks(conn, run, plans=plans, chunk_size=size).chunk_ids
        self.enter("holding")
        if deed < DIES and chunks:
            os.kill(os.getpid(), signal.SIGKILL)
        sent = 0
        if sends and chunks:
            self.race.sends[self.slot] += 1
            self.enter("sending")
            sent = self.send(chunks[0], run)
        self.enter("settling")
        settle(conn, run)
        self.race.used[self.slot] += sent
        if deed >= 100 - RECOVERS:
            recover(conn, reserved_timeout=PATIENCE)

    def send(self, chunk_id: int, run: Run) -> int:
        known = self.race.arguments
        smtp = smtp_settings_from_connection_uri(known["smtp"])
        more = {"smtp": smtp, "templates_root": known["templates"], "stop": threading.Event()}
        return send_chunk(known["dsn"], chunk_id, run.run_id, **more).sent


if __name__ == "__main__":
    dsn, smtp, templates, quota, rounds, seed = sys.argv[1:]
    arguments = {"dsn": dsn, "smtp": smtp, "templates": Path(templates), "quota": quota}
    print(json.dumps(Race(arguments, int(seed)).run(int(rounds))))
