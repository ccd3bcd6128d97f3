"""What many unsubscriptions at once cost: as many rows as there are people, however many left before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ses_ops.domain.message_event import EventKind
from ses_ops.storage.connection import transaction
from ses_ops.storage.events import recording
from ses_ops.storage.named_sql import statements
from ses_ops.storage.suppression import from_events
from tests.integration.events.mailing import sent
from tests.integration.sending_world import DOMAIN

#: Messages of the mailing, people who have left, and those of them who left together.
ALL, LEFT, TOGETHER = 20_000, 1_200, 50


def test_what_people_chose_is_found_by_their_messages_and_never_by_reading_all_feedback(world):
    mailing = sent(world, "spring", [f"customer-{number}@shop.example" for number in range(ALL)])
    mailing.record(*(mailing.event(seq, EventKind.UNSUBSCRIBED, source="one_click") for seq in range(1, LEFT + 1)))
    # As in the minutes after the first mailing: the planner knows the feedback, and of the messages not much.
    world.conn.commit()
    with transaction(world.conn), world.conn.cursor() as cursor:
        cursor.execute("ANALYZE message_feedback")
    with transaction(world.conn), world.conn.cursor() as cursor:
        recording.begin(world.conn)
        explain = "EXPLAIN (ANALYZE, FORMAT JSON) " + statements(from_events.__file__)["newest_choices"]
        keys = [address.lower() for address in mailing.addresses[LEFT - TOGETHER : LEFT]]
        cursor.execute(explain, {"keys": keys, "scopes": [DOMAIN] * TOGETHER})
        ((plan,),) = cursor.fetchall()
    read: Counter[str] = Counter()
    for node in nodes(plan[0]["Plan"]):
        read[node.get("Relation Name", "")] += rows_read(node)
    assert (read["message"], read["message_feedback"]) == (TOGETHER, TOGETHER)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def rows_read(node: dict[str, Any]) -> int:
    return round(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))
