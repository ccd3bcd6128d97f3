"""What an edit changes and for whom: seen inside of a transaction in which it has been made, and which is undone."""

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
    """Everything that the page shows besides the look ahead."""

    changes: list[ChangedFact]
    #: The mail of the task as it stands.
    mail: MailOfTask
    #: Nothing but what is in the ledger will ever be sent.
    audience_is_read: bool
    #: The first message that has not left, as the changed task makes it.
    left: FirstMessage | None
    #: Mail leaves now that an error held back.
    goes_on: bool
    found: Review


def edit_review(conn: Connection, words: Language, before: SendTask, after: SendTask) -> EditReview:
    """Look at a task that has just been changed on this connection."""
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
