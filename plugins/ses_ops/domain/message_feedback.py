"""What events say of a message: a maximum, so that any order and any repetition of them gives the same.

accepted < deferred < dropped < delivered < soft bounce < hard bounce; complaint and unsubscription stand beside it. An
unsubscription is taken back by a newer resubscription, by the source's clock as far as it can be right.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """What one event says, as far as it concerns the state of its message."""

    kind: EventKind
    hard: bool
    about: BounceAbout
    #: By the clock of the source.
    occurred_at: datetime
    #: Of a choice (an unsubscription, a return): `chosen_at`.
    chosen_at: datetime


def chosen_at(occurred_at: datetime, *, frozen_at: datetime, received_at: datetime) -> datetime:
    """The moment at which a recipient made a choice: what the source says, where that can be.

    Nobody chooses before the audience of the mailing was frozen, or after the event came: the clock of a program of
    mail may be years away, and a mail may have no date. Then it is the moment at which the event came first.
    """
    return occurred_at if frozen_at <= occurred_at <= received_at else received_at


def told(events: Iterable[Telling]) -> Told:
    """What events of one message say together; at least one."""
    known = list(events)
    kinds = {one.kind for one in known}
    moments = [one.occurred_at for one in known]
    bounces = [Bounce.HARD if one.hard else Bounce.SOFT for one in known if one.kind is EventKind.BOUNCED]
    abouts = {one.about for one in known}
    return Told(
        deferred=EventKind.DEFERRED in kinds,
        delivered=EventKind.DELIVERED in kinds,
        dropped=EventKind.DROPPED in kinds,
        bounced=max(bounces, default=Bounce.NO),
        spam=BounceAbout.SPAM in abouts,
        infrastructure=BounceAbout.INFRASTRUCTURE in abouts,
        complained=EventKind.COMPLAINED in kinds,
        unsubscribed_at=max((one.chosen_at for one in known if one.kind is EventKind.UNSUBSCRIBED), default=None),
        resubscribed_at=max((one.chosen_at for one in known if one.kind is EventKind.RESUBSCRIBED), default=None),
        first_at=min(moments),
        last_at=max(moments),
    )
