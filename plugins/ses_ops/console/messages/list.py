"""The list of single messages: search and keyset paging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ses_ops.application.single_messages import find
from ses_ops.console import feedback_labels
from ses_ops.console.access import reads_shared
from ses_ops.console.database import reading
from ses_ops.console.forms import Form
from ses_ops.console.language import language_of
from ses_ops.console.messages import labels
from ses_ops.console.page import render
from ses_ops.domain.address import domain_key
from ses_ops.domain.feedback import Feedback
from ses_ops.domain.single_message_status import SingleMessageStatus
from ses_ops.errors import InvalidInput
from ses_ops.storage.single_messages import finding

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from starlette.datastructures import QueryParams

    from ses_ops.application.single_messages.find import FoundMessages

router = APIRouter()

#: Number of messages on a page.
SIZE = 25
#: Characters of a search text that are used.
_LONGEST = 320
_NAMES = ("address", "tag", "reference", "status", "domain", "key")


@dataclass(frozen=True, kw_only=True)
class MessageList:
    """What the address of the page asks for; what cannot be used of it becomes a default."""

    given: dict[str, str]
    after: str

    @classmethod
    def read(cls, query: QueryParams) -> MessageList:
        """Read the address's query."""
        given = {name: query.get(name, "").replace("\0", "").strip()[:_LONGEST] for name in _NAMES}
        if given["status"] not in labels.CHOICES:
            given["status"] = ""
        return cls(given=given, after=query.get("cursor", "")[:_LONGEST])

    @property
    def narrowed(self) -> bool:
        """Whether something is searched for."""
        return any(self.given.values())

    @property
    def status(self) -> SingleMessageStatus | Feedback | None:
        """The status that is asked for."""
        wanted = self.given["status"]
        if not wanted:
            return None
        return SingleMessageStatus(wanted) if wanted in labels.STATUS else Feedback(wanted)

    def search(self, conn: Connection) -> FoundMessages:
        """The page of messages. Raises InvalidInput."""
        given = self.given
        return find.search(
            conn,
            domains=[domain_key(given["domain"])] if given["domain"] else None,
            address=given["address"] or None,
            tag=given["tag"] or None,
            reference=given["reference"] or None,
            status=self.status,
            key_id=given["key"] or None,
            cursor=self.after or None,
            limit=SIZE,
        )


@router.get("/messages", dependencies=[Depends(reads_shared)])
def messages(request: Request) -> Response:
    """The page."""
    asked = MessageList.read(request.query_params)
    form = Form.of(**asked.given)
    found: FoundMessages | None = None
    with reading() as conn:
        domains, keys = finding.sender_domains(conn), finding.names_of_keys(conn)
        try:
            found = asked.search(conn)
        except InvalidInput as problem:
            form.problem_of(language_of(request), problem)
    return render(
        request,
        "messages/list.html",
        status=422 if found is None else 200,
        form=form,
        asked=asked,
        found=found,
        domains=domains,
        keys=keys,
        choices=labels.CHOICES,
        status_label=labels.STATUS,
        dots=labels.DOTS,
        outcome_labels=feedback_labels.OF_MESSAGE,
        outcome_badges=feedback_labels.BADGES,
    )
