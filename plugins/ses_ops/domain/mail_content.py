"""The content of a mailing: everything that its messages have in common."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ses_ops.domain.bulk_headers import bulk_headers
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage, stored_unsubscribe

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
    #: A value of `UnsubscribeLanguage`, if nobody wrote another by hand: with one, the mail leads to our own page.
    unsubscribe: str = "none"
    #: The address of that page, up to the token of a message. It is the installation's, and not a person's choice.
    unsubscribe_page: str | None = None
    #: Where the advertisement mark stands in the subject: a value of `Advertisement`, if nobody wrote another by hand.
    advertisement: str = "none"
    #: Whether opens and clicks are noticed; None: nobody has looked yet what the sender domain says.
    track_opens: bool | None = None
    track_clicks: bool | None = None
    #: The address of the public listener, for mail that is tracked; like the page it is the installation's.
    public_url: str | None = None

    @property
    def is_test(self) -> bool:
        """Whether its recipients are those who try the template out."""
        return self.type is TaskType.TEST

    @property
    def language(self) -> UnsubscribeLanguage | None:
        """The language of the unsubscribe page and the footer; None for mail that does not lead to our own page."""
        language = stored_unsubscribe(self.unsubscribe)
        return None if language is UnsubscribeLanguage.NONE else language

    @property
    def tracking(self) -> Tracking:
        """What is noticed of its mail."""
        return Tracking(self.track_opens, self.track_clicks)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that stand in each message besides those of its own."""
        return bulk_headers(self.type)


_OF_TASK = frozenset(field.name for field in fields(MailContent)) - {"unsubscribe_page", "public_url"}


def content_of_task(task: SendTask) -> MailContent:
    """The content of a send task's mail."""
    return MailContent(**{name: getattr(task, name) for name in _OF_TASK})
