"""1 000 tasks and the chunks of 10 000 000 messages: pages answer in under 0.3 s on the server."""

from __future__ import annotations

import time

import pytest

#: Seconds.
LIMIT = 0.3
#: Pages that are measured: every page of the console that lists tasks.
PATHS = ("/tasks", "/tasks?q=task-05&sort=progress", "/live/tasks")


@pytest.fixture
def many(world):
    world.seed("task-0")
    world.execute(
        "INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, time_zone, start_at, cron)"
        " SELECT 'task-' || n, CASE WHEN mod(n, 2) = 0 THEN 'recurring' ELSE 'immediate' END, template, sender,"
        " sender_domain, group_id, 'Asia/Tokyo', CASE WHEN mod(n, 2) = 0 THEN now() END,"
        " CASE WHEN mod(n, 2) = 0 THEN '30 9 * * MON' END"
        " FROM send_task, generate_series(1, 999) n"
    )
    world.execute(
        "INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count)"
        " SELECT id, 'once', 'run', now(), 10000 FROM send_task"
    )
    # 10 000 messages a task, in chunks as small as a rate limit makes them.
    world.execute(
        "INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent,"
        " sending_through, cached_at) SELECT o.id, o.task_id, 'mail.example.com', 500 * n + 1, 500 * (n + 1), 'cached',"
        " 100, 400, 500 * n, now() FROM occurrence o, generate_series(0, 19) n"
    )
    world.execute("ANALYZE")
    return world


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_a_thousand_tasks_is_quick(path, many, viewer):
    from ses_ops.console.database import forget_snapshots

    took = []
    for _ in range(5):
        forget_snapshots()
        began = time.perf_counter()
        assert viewer.get(path).status_code == 200
        took.append(time.perf_counter() - began)
    # The best of five: what else the machine does is not the page's fault.
    assert min(took) < LIMIT, took
