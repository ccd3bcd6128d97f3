"""Starts components, watches them, and stops all of them: none is left behind, whatever ended the run."""

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
    any_alive,
    descendants,
    end_all,
    reap_orphans,
    wait_for_end,
)

#: Seconds between two looks at the components.
TICK = 0.25
#: Seconds between two notes of all processes.
NOTE_EVERY = 5.0
#: Seconds that a component has to end after SIGTERM. A task that sends mail ends within its micro-batch.
SCHEDULER_PATIENCE, PATIENCE = 10.0, 10.0


class StopRequested(Exception):
    """Raised at a checkpoint after SIGINT, SIGTERM or SIGHUP."""


class ComponentDied(SesError):
    """A component ended by itself; everything else is stopped then."""

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
        """From now on Ctrl-C, SIGTERM and a closed terminal stop the stack in an orderly way."""
        adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stops += 1

    def checkpoint(self) -> None:
        """Raises StopRequested when the person wants to stop, ComponentDied when a component has ended."""
        if self._stops:
            raise StopRequested
        for component in self.components:
            if component.exit_code() is not None:
                raise ComponentDied(component)
        reap_orphans()
        if time.monotonic() - self._noted > NOTE_EVERY:
            self._note()

    def start_postgres(self, postgres: EmbeddedPostgres) -> None:
        """Start the database; it is the last to be stopped."""
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
        """Wait for something. Raises SesError when it takes too long."""
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise SesError(f"{what} within {seconds:.0f} s; see {self.places.logs}")
            self.pause(TICK)

    def pause(self, seconds: float) -> None:
        """Sleep, but not through a signal or the death of a component."""
        end = time.monotonic() + seconds
        self.checkpoint()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(TICK, left))
            self.checkpoint()

    def stop(self, step: Callable[[str], None] = lambda _: None) -> None:
        """Stop everything: the scheduler first (its workers end with it), PostgreSQL last. Never raises.

        A second Ctrl-C while this runs takes the patience away.
        """
        seen = self._stops
        hurry = lambda: self._stops > seen  # noqa: E731
        if self.components:
            step("Stopping; what is being sent just now has 10 s to end (Ctrl-C again: at once) ...")
        others = [one for one in self.components if one.name != "postgres"]
        schedulers = [one for one in others if one.name == "scheduler"]
        self._stop_together(schedulers, SCHEDULER_PATIENCE, hurry)
        self._stop_together([one for one in others if one not in schedulers], PATIENCE, hurry)
        end_all([one for one in descendants() if not self._is_database(one)], seconds=0.5 if hurry() else 3)
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

    def _stop_together(self, components: Sequence[Component], seconds: float, hurry: Callable[[], bool]) -> None:
        families = {one.name: descendants(one.identity.pid) for one in components}
        for component in components:
            component.signal(component.stop_signal)
        lonely = [one for one in components if one.name == "triggerer" and families[one.name]]

        def still_there() -> bool:
            # When its runner has ended, Airflow's triggerer waits ten seconds more for that; a second signal ends it.
            for component in [one for one in lonely if not any_alive(families[one.name])]:
                component.signal(component.stop_signal)
                lonely.remove(component)
            return any(one.exit_code() is None for one in components)

        wait_for_end(still_there, seconds, hurry)
        for component in components:
            component.signal(signal.SIGKILL)
        wait_for_end(lambda: any(one.exit_code() is None for one in components), 5)
        end_all([one for family in families.values() for one in family], seconds=0.5 if hurry() else 3)

    def _is_database(self, process: psutil.Process) -> bool:
        if self.postgres is None or self.postgres.component is None:
            return False
        server = self.postgres.component.identity.pid
        try:
            return process.pid == server or server in [parent.pid for parent in process.parents()]
        except psutil.Error:
            return False
