"""Silence of the feeds: much mail has left, and nobody tells what became of it.

A subscription that was never confirmed, or a mailbox that nobody reads: the page shows no bounces for months, and all
looks well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ses_ops.domain.feedback import Feedback, tells_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: The time that is looked at, and the number of messages of that time from which silence is suspicious: of 10 000
#: messages some come back, whatever the list.
SPAN = timedelta(days=1)
SENT = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """What is known of the last SPAN."""

    #: Number of messages that servers accepted.
    sent: int
    #: Feeds of bounces that were heard before SPAN and not since.
    silent: tuple[str, ...]
    #: Whether any feed of bounces was heard in SPAN.
    heard: bool

    @property
    def alarms(self) -> bool:
        """Whether a person should look: enough was sent, and no feed of bounces was heard."""
        return self.sent >= SENT and not self.heard


def silence(sent: int, last_events: Mapping[str, datetime], *, now: datetime) -> Silence:
    """Judge the feeds by their last events. `sent`: messages of the last SPAN.

    Only feeds of bounces are judged: that nobody complains or unsubscribes in a day can be true.
    """
    bounces = {source: at for source, at in last_events.items() if tells_of(Feedback.HARD_BOUNCED, (source,))}
    silent = tuple(sorted(source for source, at in bounces.items() if at < now - SPAN))
    return Silence(sent=sent, silent=silent, heard=len(silent) < len(bounces))
