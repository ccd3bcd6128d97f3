"""A thread that writes what several callers give at about the same time in one go, and then answers each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread

from ses_ops.errors import SesError
from ses_ops.events.spool import Record

#: Records of one group at most, and callers that may wait before others are refused.
MOST_IN_A_GROUP, MOST_WAITING = 500, 5_000

#: What a caller gave together, and is answered for together.
Given = Sequence[Record]
#: Writes a group; returns for each caller's part None, or the error why that part was not written.
Write = Callable[[Sequence[Given]], Sequence[BaseException | None]]


class TooBusy(SesError):
    """More records wait than can be written soon; the caller repeats later."""


class RecordGroups:
    """One writing thread. While a group is written the next one gathers, so that a commit or fsync serves many."""

    def __init__(self, name: str, write: Write) -> None:
        self._write = write
        self._queue: SimpleQueue[tuple[Given, Future[None]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def give(self, records: Given) -> Future[None]:
        """Take records; the future ends when they are written. Raises TooBusy."""
        if self._queue.qsize() > MOST_WAITING:
            raise TooBusy("too_many_events_wait")
        future: Future[None] = Future()
        self._queue.put((records, future))
        return future

    def close(self, seconds: float) -> None:
        """End the thread once all given records are written, or after `seconds`."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, ends = self._gather(first)
            try:
                errors = self._write([records for records, _ in group])
            except BaseException as cause:  # whatever it is, nobody may wait for ever
                errors = [cause] * len(group)
            for (_, future), error in zip(group, errors, strict=True):
                _answer(future, error)
            if ends:
                return

    def _gather(self, first: tuple[Given, Future[None]]) -> tuple[list[tuple[Given, Future[None]]], bool]:
        group, size = [first], len(first[0])
        while size < MOST_IN_A_GROUP:
            try:
                more = self._queue.get_nowait()
            except Empty:
                break
            if more is None:
                return group, True
            group.append(more)
            size += len(more[0])
        return group, False


def _answer(future: Future[None], error: BaseException | None) -> None:
    if not future.set_running_or_notify_cancel():  # whoever gave it has gone
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
