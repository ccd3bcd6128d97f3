"""The supervisor of the stack: starts, watches and stops its components.

No process is left behind, whatever ends the run.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

import psutil

from ses_ops.errors import SesError
from ses_ops.stack.leftovers import write_down
from ses_ops.stack.places import Places
from ses_ops.stack.postgres import EmbeddedPostgres
from ses_ops.stack.processes import (
    Component,
    adopt_orphans,
    descendants,
    end_all,
    reap_orphans,
    wait_for_end,
)

#: Seconds between two checks of the components.
TICK = 0.25
#: Seconds between two records of all processes.
NOTE_EVERY = 5.0
#: Seconds that a component has to end after SIGTERM.
STOP_TIMEOUT = 10.0
#: Seconds that Airflow tasks have to end: a task that sends mail ends within its micro-batch, on a busy machine in some
#: seconds. A task that is killed leaves messages in doubt.
SENDER_STOP_TIMEOUT = 20.0
#: Seconds after which a task that has not ended gets SIGTERM again: at its very beginning a task has no handler for it.
_ASK_AGAIN = 1.0
#: The components that a sender needs to end in order, besides PostgreSQL; they are stopped after the senders, in order.
NEEDED_BY_SENDERS = ("api-server", "mailbox")


class StopRequested(Exception):
    """Raised at a checkpoint after SIGINT, SIGTERM or SIGHUP."""


class ComponentDied(SesError):
    """A component ended by itself; all other components are stopped then."""

    def __init__(self, component: Component) -> None:
        self.component = component.name
        code = component.exit_code() or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        super().__init__(f"{component.name} {how}; the end of {component.log}:\n{component.tail()}")


class Supervisor:
    """The processes of one running stack, in the order in which they started."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.components: list[Component] = []
        self.postgres: EmbeddedPostgres | None = None
        self._stops = 0
        self._noted = 0.0

    def take_signals(self) -> None:
        """Make Ctrl-C, SIGTERM and a closed terminal stop the stack in an orderly way."""
        adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores SIGHUP
            signal.signal(signal.SIGHUP, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stops += 1

    def checkpoint(self) -> None:
        """Raise StopRequested when the person wants to stop, ComponentDied when a component has ended."""
        if self._stops:
            raise StopRequested
        for component in self.components:
            if component.exit_code() is not None:
                raise ComponentDied(component)
        reap_orphans()
        if time.monotonic() - self._noted > NOTE_EVERY:
            self._note()

    def start_postgres(self, postgres: EmbeddedPostgres) -> None:
        """Start the database, which is stopped last."""
        self.postgres = postgres
        self.components.append(postgres.start())
        self._note()

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Component:
        """Start a component that runs until the stack stops."""
        component = self._launch(name, command, env)
        self.components.append(component)
        self._note()
        return component

    def run_to_end(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Run a program that ends by itself. Raises ComponentDied if it fails."""
        component = self._launch(name, command, env)
        while component.exit_code() is None:
            self.checkpoint()
            time.sleep(TICK)
        if component.exit_code():
            raise ComponentDied(component)

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until `ready` is true. Raises SesError with `what` when that takes longer than `seconds`."""
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise SesError(f"{what} within {seconds:.0f} s; see {self.places.logs}")
            self.pause(TICK)

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`; a signal or the end of a component ends the sleep by an error (`checkpoint`)."""
        end = time.monotonic() + seconds
        self.checkpoint()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(TICK, left))
            self.checkpoint()

    def stop(self, step: Callable[[str], None] = lambda _: None) -> None:
        """Stop all processes: senders first, then the components that they need, PostgreSQL last. Never raises.

        A second Ctrl-C while this runs shortens all waits.
        """
        seen = self._stops
        hurry = lambda: self._stops > seen  # noqa: E731
        if self.components:
            step(
                f"Stopping; what is being sent has up to {SENDER_STOP_TIMEOUT:.0f} s to end (Ctrl-C again: at once) ..."
            )
        needed = [one for name in NEEDED_BY_SENDERS for one in self.components if one.name == name]
        self._end_senders([one for one in self.components if one not in needed and one.name != "postgres"], hurry)
        for component in needed:
            self._stop_one(component, hurry)
        self._end_rest(seconds=0.5 if hurry() else 3)
        if self.postgres is not None:
            self.postgres.stop(seconds=5 if hurry() else 30)
        end_all(descendants(), seconds=3)
        self.places.pids.unlink(missing_ok=True)
        if self.components:
            step("Stopped.")
        self.components.clear()

    def _launch(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Component:
        log = self.places.logs / f"{name}.log"
        return Component.start(name, command, env=env, log=log, cwd=Path(self.places.airflow))

    def _note(self) -> None:
        write_down(self.places, self.components)
        self._noted = time.monotonic()

    def _end_senders(self, components: Sequence[Component], hurry: Callable[[], bool]) -> None:
        """End these components and all Airflow tasks, also tasks that begin meanwhile."""
        lonely = [one for one in components if one.name == "triggerer" and descendants(one.identity.pid)]
        for component in components:
            component.signal(component.stop_signal)
        began = time.monotonic()
        asked: dict[psutil.Process, float] = {}
        while (senders := self._senders()) or any(one.exit_code() is None for one in components):
            reap_orphans()
            now = time.monotonic()
            if hurry() or now - began > SENDER_STOP_TIMEOUT:
                break
            for process in senders:
                if now - asked.get(process, began - _ASK_AGAIN) >= _ASK_AGAIN:
                    asked[process] = now
                    _send(process, signal.SIGTERM)
            # Airflow's triggerer waits 10 s more for a runner that has ended; a second signal ends the triggerer.
            for component in [one for one in lonely if not descendants(one.identity.pid)]:
                component.signal(component.stop_signal)
                lonely.remove(component)
            if now - began > STOP_TIMEOUT:
                _kill(components)
            time.sleep(0.1)
        _kill(components)
        wait_for_end(lambda: any(one.exit_code() is None for one in components), 5)
        # The senders are listed anew at each turn: a process can have been forked since the last list.
        wait_for_end(lambda: sum(_send(one, signal.SIGKILL) for one in self._senders()) > 0, 5)

    def _senders(self) -> list[psutil.Process]:
        """The processes of Airflow's tasks: all descendants of the scheduler, and all that lost their parent."""
        others = {one.identity.pid for one in self.components}
        for component in self.components:
            if component.name != "scheduler":
                others.update(one.pid for one in descendants(component.identity.pid))
        return [one for one in descendants() if one.pid not in others]

    def _stop_one(self, component: Component, hurry: Callable[[], bool]) -> None:
        family = descendants(component.identity.pid)
        component.signal(component.stop_signal)
        wait_for_end(lambda: component.exit_code() is None, STOP_TIMEOUT, hurry)
        component.signal(signal.SIGKILL)
        wait_for_end(lambda: component.exit_code() is None, 5)
        end_all(family, seconds=0.5 if hurry() else 3)

    def _end_rest(self, seconds: float) -> None:
        end_all([one for one in descendants() if not self._is_database(one)], seconds=seconds)

    def _is_database(self, process: psutil.Process) -> bool:
        if self.postgres is None or self.postgres.component is None:
            return False
        server = self.postgres.component.identity.pid
        try:
            return process.pid == server or server in [parent.pid for parent in process.parents()]
        except psutil.Error:
            return False


def _send(process: psutil.Process, number: int) -> bool:
    """Send a signal; returns whether the process still existed."""
    try:
        process.send_signal(number)
    except psutil.Error:
        return False
    return True


def _kill(components: Sequence[Component]) -> None:
    for component in components:
        component.signal(signal.SIGKILL)
