"""A change of a send task: which fields differ, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass

from ses_ops.domain.send_task import SendTask

#: The fields that a task's mail is made of, each of which can be corrected for mail that has not left.
CONTENT = (
    "template",
    "subject",
    "sender",
    "reply_to",
    "unsubscribe_url",
    "unsubscribe",
    "advertisement",
    "track_opens",
    "track_clicks",
)
#: The fields that say when mail leaves. A change to a later start counts too: nobody with the right to start mail has
#: agreed to that start.
WHEN = ("type", "schedule", "start_grace")


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskChange:
    """A task before and after a change."""

    before: SendTask
    after: SendTask

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that differ."""
        return tuple(
            name for name in SendTask.__dataclass_fields__ if getattr(self.before, name) != getattr(self.after, name)
        )

    @property
    def of_content(self) -> bool:
        """Whether the content of mail that has not left changes."""
        return not set(CONTENT).isdisjoint(self.fields)

    @property
    def of_when(self) -> bool:
        """Whether the starts of the task change."""
        return not set(WHEN).isdisjoint(self.fields)

    @property
    def of_domain(self) -> bool:
        """Whether the mail counts for another sender domain's quota."""
        return self.before.sender_domain != self.after.sender_domain

    def starts_mail(self, *, stands: bool) -> bool:
        """Whether the change needs the right to start mail; `stands`: it releases mail that an error holds."""
        return self.of_when or stands
