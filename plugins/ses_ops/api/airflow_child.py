"""A child process with Airflow, which copies its settings for the API and does what the API asks of it.

The API's own process never imports Airflow: that takes two seconds of CPU and 150 MB.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from contextlib import suppress

from ses_ops import airflow_configuration
from ses_ops.application.airflow_copy import AirflowCopy

#: Seconds between the ends of two children, and the seconds that one may take.
PAUSE, LONGEST = 2.0, 120.0
#: Seconds after which entries of the audit log are written that nothing else waits for.
ENTRIES_WITHIN = 60.0
_log = logging.getLogger(__name__)


class AirflowChild:
    """Runs `ses airflow-sync`, one at a time, soon after it was asked for."""

    def __init__(self, copy: AirflowCopy) -> None:
        self._copy = copy
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = asyncio.Event()
        self._due = 0.0
        self._task: asyncio.Task[None] | None = None
        self._child: asyncio.subprocess.Process | None = None

    def start(self) -> None:
        """Begin, with a first run, if this machine has Airflow's settings."""
        if not airflow_configuration.is_configured() and not airflow_configuration.has_secrets_backend():
            _log.info("no Airflow is configured here: settings come from the environment and from ses_maintenance")
            return
        self._loop = asyncio.get_running_loop()
        self._wanted.set()
        self._task = self._loop.create_task(self._run())

    def soon(self) -> None:
        """Something was asked of Airflow; from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wanted.set)

    def later(self) -> None:
        """An entry of the audit log was written, which is in no hurry; from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._want_later, self._loop)

    async def close(self) -> None:
        """End the child that runs."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._child is not None and self._child.returncode is None:
            with suppress(ProcessLookupError):
                self._child.terminate()
            await self._child.wait()

    def _want_later(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        if self._due <= now:
            self._due = now + ENTRIES_WITHIN
            loop.call_later(ENTRIES_WITHIN, self._wanted.set)

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._sync()
            await asyncio.to_thread(self._copy.read)
            await asyncio.sleep(PAUSE)

    async def _sync(self) -> None:
        command = (sys.executable, "-m", "ses_ops.cli.main", "airflow-sync", "--in-turn")
        try:
            self._child = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=dict(os.environ),
            )
            _, said = await asyncio.wait_for(self._child.communicate(), LONGEST)
        except TimeoutError:
            if self._child is not None:
                self._child.kill()
            _log.warning("Airflow did not answer within %.0f s", LONGEST)
            return
        except OSError as problem:
            _log.warning("the process for Airflow does not start: %s", problem)
            return
        if self._child.returncode:
            lines = said.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
            _log.warning("Airflow was not asked: %s", lines[-1][:500])
