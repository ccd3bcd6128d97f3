"""What a person changes of a send task: which fields, and whether that can make mail leave sooner."""

from __future__ import annotations

from dataclasses import dataclass

from ses_ops.domain.send_task import SendTask

#: What a task's mail is made of: all of it can be corrected for mail that has not left.
CONTENT = ("template", "subject", "sender", "reply_to", "unsubscribe_url", "advertisement")
#: When mail leaves. A later start is one too: it is a start that nobody who may start mail has agreed to.
WHEN = ("type", "schedule", "start_grace")


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskChange:
    """A task as it is, and as it is to be."""

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
        """Whether mail that has not left becomes another."""
        return not set(CONTENT).isdisjoint(self.fields)

    @property
    def of_when(self) -> bool:
        """Whether its starts change."""
        return not set(WHEN).isdisjoint(self.fields)

    @property
    def of_domain(self) -> bool:
        """Whether the mail counts for another sender domain's quota."""
        return self.before.sender_domain != self.after.sender_domain

    def starts_mail(self, *, stands: bool) -> bool:
        """Whether it needs the right to start mail; `stands`: an error holds mail back, which the change lets go."""
        return self.of_when or stands
