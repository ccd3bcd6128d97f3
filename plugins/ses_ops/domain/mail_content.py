"""The content of a mailing: everything that its messages have in common."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ses_ops.domain.bulk_headers import bulk_headers
from ses_ops.domain.schedule import TaskType

if TYPE_CHECKING:
    from ses_ops.domain.send_task import SendTask


@dataclass(frozen=True, kw_only=True, slots=True)
class MailContent:
    """What every renderer is made from. Texts are as a person wrote them: the renderer refuses what cannot be sent."""

    type: TaskType
    #: The name of a template.
    template: str
    #: `Name <address>` or an address.
    sender: str
    #: The domain in the Message-ID.
    sender_domain: str
    #: In place of the template's, with variables.
    subject: str | None = None
    reply_to: str | None = None
    #: With variables.
    unsubscribe_url: str | None = None
    #: Where the advertisement mark stands in the subject: a value of `Advertisement`, if nobody wrote another by hand.
    advertisement: str = "none"

    @property
    def is_test(self) -> bool:
        """Whether its recipients are those who try the template out."""
        return self.type is TaskType.TEST

    @property
    def headers(self) -> dict[str, str]:
        """Headers that stand in each message besides those of its own."""
        return bulk_headers(self.type)


def content_of_task(task: SendTask) -> MailContent:
    """The content of a send task's mail."""
    return MailContent(**{field.name: getattr(task, field.name) for field in fields(MailContent)})
