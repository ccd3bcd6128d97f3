"""Counts of two mailings, for the pages of statistics."""

from __future__ import annotations

from typing import Any

from tests.integration.events.mailing import sent


def two_mailings(world: Any) -> None:
    """Mail of two tasks; that of the first had a pixel and tracked links."""
    for name in ("spring", "autumn"):
        sent(world, name, ["ann@gmail.com"])
    world.execute("DELETE FROM send_count")
    world.execute(
        "INSERT INTO send_count (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, accepted, invalid,"
        " opens_tracked, clicks_tracked)"
        " SELECT a.id, 'google', t.id, t.sender_domain, date_trunc('day', now()), 90, 10, t.name = 'spring',"
        " t.name = 'spring' FROM attempt a JOIN chunk c ON c.id = a.chunk_id JOIN send_task t ON t.id = c.task_id"
    )
    world.execute(
        "INSERT INTO feedback_count (task_id, sender_domain, sent_day, mailbox_provider, soft_bounced)"
        " SELECT id, sender_domain, date_trunc('day', now()), 'google', 10 FROM send_task WHERE name = 'spring'"
    )
    world.execute(
        "INSERT INTO engagement_count (task_id, sender_domain, sent_day, mailbox_provider, opened_people,"
        " opened_machines, opens, clicked_people, clicks)"
        " SELECT id, sender_domain, date_trunc('day', now()), 'google', 20, 60, 99, 8, 9 FROM send_task"
        " WHERE name = 'spring'"
    )
    world.execute(
        "INSERT INTO engagement_hour (task_id, hour, opens_people, clicks_people, opens, clicks)"
        " SELECT id, date_trunc('hour', now()), 20, 8, 99, 9 FROM send_task WHERE name = 'spring'"
    )
    world.execute(
        "WITH l AS (INSERT INTO tracked_link (task_id, target_hash, target)"
        "  SELECT id, sha256('x'), 'https://shop.example/<b>?a=1&b=2' FROM send_task WHERE name = 'spring' RETURNING *)"
        " INSERT INTO link_count (task_id, link_id, clicks, people, machines) SELECT task_id, id, 9, 8, 1 FROM l"
    )
