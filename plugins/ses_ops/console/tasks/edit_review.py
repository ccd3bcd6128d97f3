"""Review of an edit: the changed fields and the messages concerned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.application.task_content import FirstMessage, first_message_left
from ses_ops.application.task_definitions import audience_is_read
from ses_ops.console.tasks.facts import ChangedFact, changed_facts
from ses_ops.console.tasks.review import Review, review
from ses_ops.storage.tasks import editions, send_tasks
from ses_ops.storage.tasks.overview import list_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.console.language import Language
    from ses_ops.domain.send_task import SendTask
    from ses_ops.storage.tasks.editions import MailOfTask


@dataclass(frozen=True, kw_only=True)
class EditReview:
    """The values of the page besides the review of the task."""

    changes: list[ChangedFact]
    #: Counts of the task's mail.
    mail: MailOfTask
    #: Whether the ledger has all mail that the task will ever send.
    audience_is_read: bool
    #: The first message that has not left, as the changed task makes it.
    left: FirstMessage | None
    #: Whether mail leaves at once that an error stopped.
    goes_on: bool
    found: Review


def edit_review(conn: Connection, words: Language, before: SendTask, after: SendTask) -> EditReview:
    """Review a task that has just been changed in this connection's transaction, which the caller rolls back."""
    row = send_tasks.find_row(conn, after.name)
    (overview,) = list_tasks(conn, name=after.name)
    return EditReview(
        changes=changed_facts(words, before, after),
        mail=editions.mail_of_task(conn, row.id),
        audience_is_read=audience_is_read(conn, row),
        left=first_message_left(conn, row.id, after, settings.templates_root()),
        goes_on=editions.due_now(conn, after.name),
        found=review(conn, after, current=overview),
    )
