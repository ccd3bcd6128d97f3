"""Where the page of a task is shown, and which part of the task: the console, a tab of the DAG, a tab of a DAG run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.send_task import dag_id
from ses_ops.storage.ledger.messages import END, TOP, MessageKey

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

#: Characters of an address that are looked at; no address is longer (RFC 5321).
LONGEST_ADDRESS = 320
#: In the address, in place of the key at which a page of messages ends.
LAST = "last"


class Tab(StrEnum):
    """Where it is shown."""

    CONSOLE = ""
    DAG = "dag"
    RUN = "run"


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """What a person asked for. Anything odd in the address falls back to the default, never to an error."""

    name: str
    #: The task of this id, among all that ever had the name; None: the one that has it.
    task_id: int | None = None
    tab: Tab = Tab.CONSOLE
    #: The DAG run whose tab it is.
    run_id: str | None = None
    #: Only this occurrence.
    occurrence_id: int | None = None
    #: Of the list of occurrences: those before this one.
    before: int | None = None
    #: Of the list of chunks, from 1.
    chunk_page: int = 1
    #: Of the list of messages.
    status: str | None = None
    address: str = ""
    after: MessageKey = TOP
    #: The page of messages that ends here, instead of one that begins somewhere.
    through: MessageKey | None = None

    @classmethod
    def read(cls, query: QueryParams, name: str, *, tab: Tab = Tab.CONSOLE, run_id: str | None = None) -> TaskView:
        """From the address."""
        status = query.get("status")
        return cls(
            name=name,
            task_id=_number(query.get("task")),
            tab=tab,
            run_id=run_id,
            occurrence_id=_number(query.get("occurrence")),
            before=_number(query.get("before")),
            chunk_page=min(_number(query.get("chunks")) or 1, 1_000_000),
            status=status if status in set(MessageStatus) else None,
            address=query.get("address", "").strip()[:LONGEST_ADDRESS],
            after=_key(query.get("after")) or TOP,
            through=END if query.get("through") == LAST else _key(query.get("through")),
        )

    @property
    def path(self) -> str:
        """The page's own path; every character that means something elsewhere is encoded (`way_back` asks for it)."""
        if self.tab is Tab.CONSOLE:
            return f"/tasks/{quote(self.name, safe='')}"
        if self.tab is Tab.DAG:
            return f"/dag/{quote(dag_id(self.name), safe='')}"
        return f"/run/{quote(dag_id(self.name), safe='')}/{quote(self.run_id or '', safe='')}"

    @property
    def back(self) -> str:
        """Where a form of the page leads back to."""
        return self.path + self.query()

    def query(self, **changes: object) -> str:
        """The page as the query of an address, some of it changed; a list that is narrowed anew begins at its top."""
        parts: dict[str, object] = {
            "task": self.task_id,
            "occurrence": self.occurrence_id,
            "before": self.before,
            "chunks": self.chunk_page if self.chunk_page > 1 else None,
            "status": self.status,
            "address": self.address,
            "after": f"{self.after.occurrence_id}.{self.after.seq}" if self.after != TOP else None,
            "through": _written(self.through),
        }
        if "occurrence" in changes:
            parts["chunks"] = None
        if changes.keys() & {"occurrence", "status", "address", "after", "through"}:
            parts |= {"after": None, "through": None}
        kept = {name: str(value) for name, value in {**parts, **changes}.items() if value not in (None, "")}
        return "?" + urlencode(kept) if kept else ""

    def live_query(self) -> str:
        """What the fragment needs to be the same part of the same page."""
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
        """What the file needs to hold the messages of the list, all of them."""
        parts = {
            "task": self.task_id,
            "run": self.run_id,
            "occurrence": self.occurrence_id,
            "status": self.status,
            "address": self.address,
        }
        kept = {name: str(value) for name, value in parts.items() if value not in (None, "")}
        return "?" + urlencode(kept) if kept else ""


def _written(key: MessageKey | None) -> str | None:
    if key is None:
        return None
    return LAST if key == END else f"{key.occurrence_id}.{key.seq}"


def _number(given: str | None) -> int | None:
    return int(given) if given and given.isascii() and given.isdecimal() and len(given) < 19 and int(given) else None


def _key(given: str | None) -> MessageKey | None:
    occurrence, _, seq = (given or "").partition(".")
    found = _number(occurrence)
    # The database counts the message behind it, in 32 bits.
    return MessageKey(found, min(_number(seq) or 0, 2**31 - 2)) if found else None
