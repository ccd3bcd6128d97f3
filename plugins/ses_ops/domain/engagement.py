"""Opens and clicks of a message: what the tracking of our own and providers tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ses_ops.domain.message_event import MessageKey

#: The feed of our own pixel and links.
TRACKING = "tracking"
#: Characters that are kept of a user agent; the longest of browsers have some 300.
MAX_USER_AGENT = 500
#: Events that are kept of one message. A person who opens a mail every day comes to a thousand in three years.
MOST_OF_A_MESSAGE = 1_000


class EngagementKind(StrEnum):
    """What somebody did with a message."""

    #: The pixel was loaded.
    OPENED = "opened"
    #: A link was followed.
    CLICKED = "clicked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Engagement:
    """An open or a click, normalised."""

    kind: EngagementKind
    #: The name of the feed: TRACKING, `amazon_ses`, ...
    source: str
    #: The source's own id of the event: an event of the same source and id is a repetition.
    source_id: str
    #: By the clock of the source; aware of its zone. A repetition has the same.
    occurred_at: datetime
    #: None: the source carried no valid token.
    message: MessageKey | None
    #: The Message-ID as the source gives it, and whether the source is authenticated, so that it may find the message.
    message_id: str = ""
    authenticated: bool = False
    #: The address as the source names it.
    address: str = ""
    #: Of a click: where the link leads, and its place in the mail from 0; None: not known.
    target: str = ""
    place: int | None = None
    #: Of the client, in text form; "": not known.
    ip: str = ""
    #: As the client gave it, at most MAX_USER_AGENT characters.
    user_agent: str = ""
    #: The source's own word that no person did this.
    told_machine: bool = False
