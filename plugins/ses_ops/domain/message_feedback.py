"""What events say of a message: a maximum, so that any order and any repetition of them gives the same.

accepted < deferred < dropped < delivered < soft bounce < hard bounce; complaint and unsubscription stand beside it. An
unsubscription is taken back by a newer resubscription, by the source's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from ses_ops.domain.message_event import EventKind
from ses_ops.domain.refusal_class import RefusalClass, refusal_class

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ses_ops.domain.message_event import MessageEvent


class FinalOutcome(IntEnum):
    """What became of a message in the end, as it is stored (`message_feedback.outcome`)."""

    #: Only complaints or unsubscriptions are known of it.
    NONE = 0
    DEFERRED = 1
    DROPPED = 2
    DELIVERED = 3
    SOFT_BOUNCED = 4
    HARD_BOUNCED = 5
    #: A server refused it while it was sent, and events said so too: it counts as failed and as nothing else.
    REFUSED = 6


class Bounce(IntEnum):
    """Whether a message came back."""

    NO = 0
    SOFT = 1
    HARD = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What one event or several say of a message."""

    deferred: bool
    delivered: bool
    dropped: bool
    bounced: Bounce
    #: Of the bounces: one that calls the mail spam, and one of our own side or of a server on the way.
    spam: bool
    infrastructure: bool
    complained: bool
    unsubscribed_at: datetime | None
    resubscribed_at: datetime | None
    first_at: datetime
    last_at: datetime


class BounceAbout(IntEnum):
    """What a bounce says of the reputation, as it is stored (`message_event.about`)."""

    #: Of the recipient, or nothing.
    RECIPIENT = 0
    #: It calls the mail spam.
    SPAM = 1
    #: Our own side, or a server on the way.
    INFRASTRUCTURE = 2


def about(event: MessageEvent) -> BounceAbout:
    """What an event says of the reputation; nothing unless it is a bounce whose reason is known."""
    if event.kind is not EventKind.BOUNCED or event.failure is None:
        return BounceAbout.RECIPIENT
    return _ABOUT.get(refusal_class(event.failure, event.diagnostic), BounceAbout.RECIPIENT)


_ABOUT = {RefusalClass.SPAM: BounceAbout.SPAM, RefusalClass.INFRASTRUCTURE: BounceAbout.INFRASTRUCTURE}


def told(events: Iterable[tuple[EventKind, bool, datetime, BounceAbout]]) -> Told:
    """What events (kind, whether a bounce is hard, moment, what it is about) of one message say; at least one."""
    known = list(events)
    kinds = {kind for kind, _, _, _ in known}
    moments = [moment for _, _, moment, _ in known]
    bounces = [Bounce.HARD if hard else Bounce.SOFT for kind, hard, _, _ in known if kind is EventKind.BOUNCED]
    abouts = {of for _, _, _, of in known}
    return Told(
        deferred=EventKind.DEFERRED in kinds,
        delivered=EventKind.DELIVERED in kinds,
        dropped=EventKind.DROPPED in kinds,
        bounced=max(bounces, default=Bounce.NO),
        spam=BounceAbout.SPAM in abouts,
        infrastructure=BounceAbout.INFRASTRUCTURE in abouts,
        complained=EventKind.COMPLAINED in kinds,
        unsubscribed_at=max((at for kind, _, at, _ in known if kind is EventKind.UNSUBSCRIBED), default=None),
        resubscribed_at=max((at for kind, _, at, _ in known if kind is EventKind.RESUBSCRIBED), default=None),
        first_at=min(moments),
        last_at=max(moments),
    )
