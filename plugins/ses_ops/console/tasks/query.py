"""The query of a task's page: where it is shown, and which part."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from ses_ops.domain.feedback import Feedback
from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.send_task import dag_id
from ses_ops.storage.ledger.messages import END, TOP, MessagePosition

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

#: Most characters of an address in a search; no address is longer (RFC 5321).
LONGEST_ADDRESS = 320
#: Text in the address in place of the key at which a page of messages ends.
LAST = "last"


class Tab(StrEnum):
    """The place of a task's page: the console, a tab of the DAG, a tab of a DAG run."""

    CONSOLE = ""
    DAG = "dag"
    RUN = "run"


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """The part of a task that a person asked for. Invalid values in the address become the default, never an error."""

    name: str
    #: Id of the task among all that ever had the name; None: the task that has it now.
    task_id: int | None = None
    tab: Tab = Tab.CONSOLE
    #: Id of the DAG run whose tab the page is.
    run_id: str | None = None
    #: Id of the only occurrence shown; None: all.
    occurrence_id: int | None = None
    #: Id of the occurrence before which the list of occurrences begins.
    before: int | None = None
    #: Page of the list of chunks, from 1.
    chunk_page: int = 1
    #: Search of the list of messages.
    status: str | None = None
    feedback: Feedback | None = None
    address: str = ""
    after: MessagePosition = TOP
    #: Key at which the page of messages ends, when it is read backwards.
    through: MessagePosition | None = None

    @classmethod
    def read(cls, query: QueryParams, name: str, *, tab: Tab = Tab.CONSOLE, run_id: str | None = None) -> TaskView:
        """The view of a request's address."""
        status, feedback = query.get("status"), query.get("feedback")
        return cls(
            name=name,
            task_id=_number(query.get("task")),
            tab=tab,
            run_id=run_id,
            occurrence_id=_number(query.get("occurrence")),
            before=_number(query.get("before")),
            chunk_page=min(_number(query.get("chunks")) or 1, 1_000_000),
            status=status if status in set(MessageStatus) else None,
            # A DAG run is known by its chunks, and what became of a message by its task and start.
            feedback=Feedback(feedback) if feedback in set(Feedback) and run_id is None else None,
            address=query.get("address", "").strip()[:LONGEST_ADDRESS],
            after=_key(query.get("after")) or TOP,
            through=END if query.get("through") == LAST else _key(query.get("through")),
        )

    @property
    def path(self) -> str:
        """The path of the page; every character with a meaning in a URL is encoded, as `way_back` requires."""
        if self.tab is Tab.CONSOLE:
            return f"/tasks/{quote(self.name, safe='')}"
        if self.tab is Tab.DAG:
            return f"/dag/{quote(dag_id(self.name), safe='')}"
        return f"/run/{quote(dag_id(self.name), safe='')}/{quote(self.run_id or '', safe='')}"

    @property
    def back(self) -> str:
        """The address to which a form of the page redirects."""
        return self.path + self.query()

    def query(self, **changes: object) -> str:
        """The query of the page's address with some changes; a list with a new filter begins at its first page."""
        parts: dict[str, object] = {
            "task": self.task_id,
            "occurrence": self.occurrence_id,
            "before": self.before,
            "chunks": self.chunk_page if self.chunk_page > 1 else None,
            "status": self.status,
            "feedback": self.feedback,
            "address": self.address,
            "after": f"{self.after.occurrence_id}.{self.after.seq}" if self.after != TOP else None,
            "through": _written(self.through),
        }
        if "occurrence" in changes:
            parts["chunks"] = None
        if changes.keys() & {"occurrence", "status", "feedback", "address", "after", "through"}:
            parts |= {"after": None, "through": None}
        kept = {name: str(value) for name, value in {**parts, **changes}.items() if value not in (None, "")}
        return "?" + urlencode(kept) if kept else ""

    def live_query(self) -> str:
        """The query with which the polled fragment shows the same part of the page."""
        parts = {
            "task": self.task_id,
            "tab": self.tab.value,
            "run": self.run_id,
            "occurrence": self.occurrence_id,
            "before": self.before,
            "chunks": self.chunk_page if self.chunk_page > 1 else None,
        }
        kept = {name: str(value) for name, value in parts.items() if value not in (None, "")}
        return "?" + urlencode(kept) if kept else ""

    def export_query(self) -> str:
        """The query with which the exported file has all messages of the list."""
        parts = {
            "task": self.task_id,
            "run": self.run_id,
            "occurrence": self.occurrence_id,
            "status": self.status,
            "feedback": self.feedback,
            "address": self.address,
        }
        kept = {name: str(value) for name, value in parts.items() if value not in (None, "")}
        return "?" + urlencode(kept) if kept else ""


def _written(key: MessagePosition | None) -> str | None:
    if key is None:
        return None
    return LAST if key == END else f"{key.occurrence_id}.{key.seq}"


def _number(given: str | None) -> int | None:
    return int(given) if given and given.isascii() and given.isdecimal() and len(given) < 19 and int(given) else None


def _key(given: str | None) -> MessagePosition | None:
    occurrence, _, seq = (given or "").partition(".")
    found = _number(occurrence)
    # The database adds 1 to it, in 32 bits.
    return MessagePosition(found, min(_number(seq) or 0, 2**31 - 2)) if found else None
