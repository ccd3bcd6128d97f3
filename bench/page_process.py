"""`python -m bench.page_process LARGEST OFTEN RARE COMMON LOOKS`: times the pages that read messages and events.

The database is that of AIRFLOW_CONN_SES_DB, read as by the console. Each look makes all queries of one request for a
page. For the page of a task these are `task_seen` (the task's line and row, counts, starts, chunks, attempts, failures,
what came back) and a page of its messages; the other pages are in `feedback_pages`. Only counted failures are kept
between two looks, as in the console. This is a process of its own because the console needs Airflow's code, which the
benchmark does not.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.feedback_pages import (
    FeedbackRead,
    MessageRead,
    PersonRead,
    StatisticsRead,
    SuppressionRead,
    TaskStatisticsRead,
)
from ses_ops.console.database import close_idle, reading
from ses_ops.console.tasks.messages import SIZE
from ses_ops.console.tasks.query import Tab, TaskView
from ses_ops.console.tasks.snapshot import TaskSeen, task_seen
from ses_ops.domain.feedback import Feedback
from ses_ops.domain.mail_statistics import Dimension
from ses_ops.domain.message_state import MessageStatus
from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.events import task_feedback
from ses_ops.storage.ledger.messages import MessagePage, MessagePosition, MessageSearch, message_page


class Look(Protocol):
    """A page that can be read."""

    def take(self) -> object:
        """Read it, with all queries of one request."""
        ...


@dataclass(frozen=True, kw_only=True)
class PageRead:
    """A view of the page, and a search of the task's messages."""

    view: TaskView
    search: dict[str, Any] = field(default_factory=dict)

    def take(self) -> tuple[TaskSeen, MessagePage]:
        """Read the view and the messages."""
        seen = task_seen(self.view, fresh=True)
        scope = seen.scope.values
        with reading() as conn:
            page = message_page(conn, MessageSearch(**scope, **self.search), size=SIZE)
            keys = [(row.occurrence_id, row.seq) for row in page.rows]
            task_feedback.outcomes(conn, keys)
            if "feedback" in self.search:
                task_feedback.words(conn, keys)
            return seen, page


def main(largest: str, often: str, rare: str, common: str, count: str) -> None:
    """Print the seconds of each look, by the kind of look, in `count` repetitions.

    `rare` and `common` are addresses.
    """
    seen, messages = PageRead(view=TaskView(name=largest)).take()
    counts = seen.counts
    complete = (seen.chart or not counts.sent_count) and (seen.failures or not counts.failed_count)
    if not (complete and seen.chunks and counts.cached_count and messages.rows):
        raise RuntimeError(f"the page of {largest} is empty: {seen}")
    if counts.sent_count and (seen.feedback is None or not seen.feedback.hard_bounced):
        raise RuntimeError(f"nothing came back of {largest}")
    looks: dict[str, Look] = {**_looks(seen, often, rare, common), **_other_looks(seen, rare, common)}
    print(json.dumps({what: _seconds(what, look, int(count)) for what, look in looks.items()}))
    close_idle()


def _looks(seen: TaskSeen, often: str, rare: str, common: str) -> dict[str, PageRead]:
    name, start = seen.overview.name, seen.occurrences[0]
    whole, middle = TaskView(name=name), MessagePosition(start.id, start.request_count // 2)
    looks = {
        "the largest task": PageRead(view=whole),
        "the tab of its DAG run": PageRead(view=TaskView(name=name, tab=Tab.RUN, run_id=start.run_id)),
        "one start of it": PageRead(view=TaskView(name=name, occurrence_id=start.id)),
        "its last chunks": PageRead(view=TaskView(name=name, chunk_page=seen.chunk_pages)),
        "the task with the most starts": PageRead(view=TaskView(name=often)),
        "its messages to one address": PageRead(view=whole, search={"address_key": rare}),
        "its messages to an address that every start has": PageRead(view=whole, search={"address_key": common}),
        "its messages, by a part that some addresses have": PageRead(view=whole, search={"part": "997@"}),
        "its messages, by a part that no address has": PageRead(view=whole, search={"part": "nobody"}),
        "its messages, the page that ends in the middle": PageRead(view=whole, search={"through": middle}),
    }
    return looks | {
        f"its messages that are {status.value}": PageRead(view=whole, search={"status": status.value})
        for status in MessageStatus
    }


def _other_looks(seen: TaskSeen, rare: str, common: str) -> dict[str, Look]:
    start = seen.occurrences[0]
    return {
        **{
            f"its messages, those {one.value}": PageRead(
                view=TaskView(name=seen.overview.name), search={"feedback": one}
            )
            for one in Feedback
        },
        "its messages, those hard_bounced and a part that no address has": PageRead(
            view=TaskView(name=seen.overview.name), search={"feedback": Feedback.HARD_BOUNCED, "part": "nobody"}
        ),
        "its messages, those delivered and a part that no address has": PageRead(
            view=TaskView(name=seen.overview.name), search={"feedback": Feedback.DELIVERED, "part": "nobody"}
        ),
        "the page of the feeds": FeedbackRead(),
        "a message": MessageRead(occurrence_id=start.id, seq=10),
        "a person with few messages": PersonRead(address=rare),
        "a person who has a message of every start": PersonRead(address=common),
        "the same person, the last page": PersonRead(address=common, before=(30, 1)),
        **{
            f"statistics by {by.value}, {days} days": StatisticsRead(by=by, days=days)
            for by in Dimension
            for days in (30, 365)
        },
        "statistics of the largest task": TaskStatisticsRead(task=seen.overview.name),
        "the suppression list": SuppressionRead(),
        "the suppression list, of one source": SuppressionRead(source="bounce_mail"),
        "the suppression list, of a source without entries": SuppressionRead(source="custom"),
        "the suppression list, by a part that no address has": SuppressionRead(search="nobody"),
    }


def _seconds(what: str, look: Look, count: int) -> list[float]:
    """Seconds of each look. A look that the server ended, because a person would not wait that long, is the last."""
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
