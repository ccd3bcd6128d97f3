"""A mailing that has left, and its opens and clicks, for the tests of tracking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ses_ops.application.record_engagement import RecordedEngagement, record_engagement
from ses_ops.domain.engagement import TRACKING, Engagement, EngagementKind
from tests.integration.events.mailing import Mailing, sent
from tests.integration.sending_world import World

#: When the mailings of these tests were sent, a whole second: some minutes ago.
SENT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=50)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
)
BARE = "Mozilla/5.0"
RELAY = "104.28.10.7"

STATE = (
    "SELECT event_key, occurred_at, happened_at, occurrence_id, seq, kind, verdict, rule FROM engagement ORDER BY 1, 2",
    "SELECT * FROM message_engagement ORDER BY occurrence_id, seq",
    "SELECT * FROM engagement_count WHERE (opened_people, opened_machines, opened_unknown, clicked_people,"
    " clicked_machines, clicked_unknown, engaged_people, opens, clicks) <> (0, 0, 0, 0, 0, 0, 0, 0, 0)"
    " ORDER BY 1, 2, 3, 4",
    "SELECT l.target, c.clicks, c.people, c.machines FROM link_count c JOIN tracked_link l ON l.id = c.link_id"
    " WHERE (c.clicks, c.people, c.machines) <> (0, 0, 0) ORDER BY c.task_id, 1",
    "SELECT * FROM engagement_hour WHERE (opens_people, clicks_people, opens, clicks) <> (0, 0, 0, 0) ORDER BY 1, 2",
)


@dataclass
class Opens:
    """A mailing, and its opens and clicks."""

    mailing: Mailing

    @property
    def world(self) -> World:
        return self.mailing.world

    def open(self, seq: int, after: float, agent: str = PHONE, ip: str = "192.0.2.7", **more: Any) -> Engagement:
        """An open so many seconds after the mail was sent."""
        return Engagement(
            kind=more.pop("kind", EngagementKind.OPENED),
            source=more.pop("source", TRACKING),
            source_id=more.pop(
                "source_id", f"{self.mailing.occurrence_id}-{seq}-{after}-{agent}-{ip}-{sorted(more.items())}"
            ),
            occurred_at=SENT + timedelta(seconds=after),
            message=more.pop("message", self.mailing.key(seq)),
            user_agent=agent,
            ip=ip,
            **more,
        )

    def click(
        self, seq: int, after: float, place: int = 0, agent: str = PHONE, ip: str = "192.0.2.7", **more: Any
    ) -> Engagement:
        """A click on the link of a place."""
        target = more.pop("target", f"https://shop.example/{place}?a=1&b=2#c")
        return self.open(seq, after, agent, ip, kind=EngagementKind.CLICKED, place=place, target=target, **more)

    def record(self, *events: Engagement) -> RecordedEngagement:
        return record_engagement(self.world.conn, list(events))

    def verdicts(self, seq: int = 1) -> list[tuple[str, int, str]]:
        """(kind, verdict, rule) of a message's events in the order of time."""
        return self.world.rows(
            "SELECT kind::text, verdict, rule FROM engagement WHERE occurrence_id = %s AND seq = %s"
            " ORDER BY happened_at, event_key",
            self.mailing.occurrence_id,
            seq,
        )


def opens_of(world: World, task: str, addresses: list[str]) -> Opens:
    """A mailing that was sent at SENT."""
    mailing = sent(world, task, addresses)
    world.execute("UPDATE message SET changed_at = %s WHERE occurrence_id = %s", SENT, mailing.occurrence_id)
    return Opens(mailing=mailing)


def state(world: World) -> list[list[tuple[Any, ...]]]:
    """All that is stored of opens and clicks, apart from numbers that depend on the order in which rows were made."""
    return [world.rows(sql) for sql in STATE]


def cleared(world: World) -> None:
    world.execute(
        "TRUNCATE engagement, message_engagement, engagement_count, link_count, engagement_hour, tracked_link,"
        " event_feed, message_event, message_feedback, feedback_count"
    )
