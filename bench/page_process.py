"""`python -m bench.page_process LARGEST OFTEN RARE COMMON LOOKS`: times what a task's page reads.

The database is that of AIRFLOW_CONN_SES_DB, read as the console does. Each look is all that a request for the page
asks: `task_seen` (the task's line and row, counts, starts, chunks, attempts, failures) and a page of its messages.
Nothing is kept from the look before but counted failures, as in the console. In a process of its own because the
console needs Airflow's code, which the benchmark does not.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from ses_ops.console.database import close_idle, reading
from ses_ops.console.message_lines import SIZE
from ses_ops.console.tasks.query import Tab, TaskView
from ses_ops.console.tasks.snapshot import TaskSeen, task_seen
from ses_ops.domain.message_state import MessageStatus
from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.ledger.messages import MessageKey, MessagePage, MessageSearch, message_page


@dataclass(frozen=True, kw_only=True)
class Look:
    """A part of the page, and what of the task's messages is asked for."""

    view: TaskView
    search: dict[str, Any] = field(default_factory=dict)

    def take(self) -> tuple[TaskSeen, MessagePage]:
        """Read it."""
        seen = task_seen(self.view, fresh=True)
        scope = seen.scope.values
        with reading() as conn:
            return seen, message_page(conn, MessageSearch(**scope, **self.search), size=SIZE)


def main(largest: str, often: str, rare: str, common: str, count: str) -> None:
    """Print, by what was looked at, the seconds of each of so many looks. `rare` and `common` are addresses."""
    seen, messages = Look(view=TaskView(name=largest)).take()
    counts = seen.counts
    complete = (seen.chart or not counts.sent_count) and (seen.failures or not counts.failed_count)
    if not (complete and seen.chunks and counts.cached_count and messages.rows):
        raise RuntimeError(f"the page of {largest} is empty: {seen}")
    looks = _looks(seen, often, rare, common)
    print(json.dumps({what: _seconds(what, look, int(count)) for what, look in looks.items()}))
    close_idle()


def _looks(seen: TaskSeen, often: str, rare: str, common: str) -> dict[str, Look]:
    name, start = seen.overview.name, seen.occurrences[0]
    whole, middle = TaskView(name=name), MessageKey(start.id, start.request_count // 2)
    looks = {
        "the largest task": Look(view=whole),
        "the tab of its DAG run": Look(view=TaskView(name=name, tab=Tab.RUN, run_id=start.run_id)),
        "one start of it": Look(view=TaskView(name=name, occurrence_id=start.id)),
        "its last chunks": Look(view=TaskView(name=name, chunk_page=seen.chunk_pages)),
        "the task with the most starts": Look(view=TaskView(name=often)),
        "its messages to one address": Look(view=whole, search={"address_key": rare}),
        "its messages to an address that every start has": Look(view=whole, search={"address_key": common}),
        "its messages, by a part that some addresses have": Look(view=whole, search={"part": "997@"}),
        "its messages, by a part that no address has": Look(view=whole, search={"part": "nobody"}),
        "its messages, the page that ends in the middle": Look(view=whole, search={"through": middle}),
    }
    return looks | {
        f"its messages that are {status.value}": Look(view=whole, search={"status": status.value})
        for status in MessageStatus
    }


def _seconds(what: str, look: Look, count: int) -> list[float]:
    """Seconds of each look. One that the server ended, because a person would have waited too long, is the last."""
    seconds: list[float] = []
    for _ in range(count):
        began = time.perf_counter()
        try:
            look.take()
        except DatabaseUnavailable as problem:
            print(f"{what}: {problem}", file=sys.stderr)
            return [*seconds, time.perf_counter() - began]
        seconds.append(time.perf_counter() - began)
    return seconds


if __name__ == "__main__":
    main(*sys.argv[1:])
