"""The list of a task's messages on its page: found by address or status, a page at a time by key; and the words for it.

The same search as CSV is pages/message_export.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.console.language import N_
from ses_ops.domain.address import parse_address
from ses_ops.domain.message_state import MessageStatus
from ses_ops.errors import InvalidInput
from ses_ops.storage.message_list import TOP, MessageKey, MessagePage, MessageSearch, message_page

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.console.forms import Form
    from ses_ops.console.language import Language
    from ses_ops.console.task_view import TaskView
    from ses_ops.storage.task_progress import Scope

#: Messages on a page.
SIZE = 25
#: RFC 2606: nobody's.
EXAMPLE = "ann@example.com"

LABELS: dict[MessageStatus, str] = {
    MessageStatus.SENT: N_("sent"),
    MessageStatus.FAILED: N_("failed"),
    MessageStatus.SUPPRESSED: N_("suppressed"),
    MessageStatus.UNKNOWN: N_("in doubt"),
    MessageStatus.CACHED: N_("cached"),
    MessageStatus.QUEUED: N_("waiting for its turn"),
    MessageStatus.SENDING: N_("leaving now"),
}


@dataclass(frozen=True, kw_only=True)
class MessageLines:
    """A page of the list."""

    page: MessagePage
    #: Something is searched for or filtered.
    narrowed: bool
    first: bool

    @property
    def next(self) -> str | None:
        """The key of the next page, for its address."""
        key = self.page.next
        return f"{key.occurrence_id}.{key.seq}" if key else None


def list_messages(conn: Connection, scope: Scope, view: TaskView, form: Form, words: Language) -> MessageLines:
    """The page that a view asks for; an address that is none is noted in the form, and nothing is found."""
    narrowed = bool(view.status or view.address)
    first = view.after == TOP
    try:
        search = search_of(scope, view)
    except InvalidInput:
        form.problem("address", words.gettext("Type the whole address, such as ann@example.com."))
        return MessageLines(page=MessagePage(rows=[], next=None), narrowed=narrowed, first=first)
    return MessageLines(page=message_page(conn, search, size=SIZE), narrowed=narrowed, first=first)


def search_of(scope: Scope, view: TaskView, *, after: MessageKey | None = None) -> MessageSearch:
    """The messages that a view asks for. Raises InvalidInput for an address that is none."""
    return MessageSearch(
        task_id=scope.task_id,
        status=view.status,
        address_key=parse_address(view.address).key if view.address else None,
        occurrence_id=scope.occurrence_id,
        chunk_ids=scope.chunk_ids,
        after=view.after if after is None else after,
    )


def answer(row: dict[str, Any]) -> str:
    """What the server said, or why the message waits."""
    if row["status"] == MessageStatus.CACHED:
        return str(row["chunk_reason"])
    return f"{row['smtp_code'] or ''} {row['smtp_text'] or ''}".strip()
