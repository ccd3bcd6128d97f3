"""1 000 tasks and the counters of 10 000 000 messages: every page of the console answers in under 0.3 s on the server.

Pages read counters, so the messages themselves need not be there; a task that has a million of them is looked at in
test_task_page_speed.py. The pages are those of the access table: a route that is added is measured.
"""

from __future__ import annotations

import json

import pytest

from tests.console.stopwatch import Stopwatch
from tests.console.test_access import LINES
from tests.integration.sending_world import DOMAIN

#: Seconds.
LIMIT = 0.3
#: Other looks at the same routes.
MORE = (
    "/tasks?q=task-05&sort=progress",
    "/tasks?status=paused&sort=next&page=9",
    f"/tasks?domain={DOMAIN}",
    "/domains/other-3.example",
    "/tasks/task-500",
    "/live/task/task-500",
    "/dag/send_task__task-501",
)
DOMAINS = [DOMAIN, *(f"other-{number}.example" for number in range(1, 10))]


@pytest.fixture
def many(world, monkeypatch):
    """Half of the tasks recur; each has 10 000 messages, in chunks as small as a rate limit makes them.

    Beside them `hello`, the task of the access table, which has not begun: what has begun cannot be edited.
    """
    entry = {"plan": "standard", "started_on": "2026-01-01", "time_zone": "America/New_York"}
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(dict.fromkeys(DOMAINS, entry)))
    world.seed("hello", count=100_000)
    world.execute(
        "INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, time_zone, start_at, cron)"
        " SELECT 'task-' || n, CASE WHEN mod(n, 2) = 0 THEN 'recurring' ELSE 'immediate' END, template, sender,"
        " (%s)[mod(n, 10) + 1], group_id, 'Asia/Tokyo', CASE WHEN mod(n, 2) = 0 THEN now() END,"
        " CASE WHEN mod(n, 2) = 0 THEN '30 9 * * MON' END"
        " FROM send_task, generate_series(1, 1000) n",
        DOMAINS,
    )
    world.execute(
        "INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count)"
        " SELECT id, 'once', 'run', now(), 10000 FROM send_task WHERE name <> 'hello'"
    )
    world.execute("INSERT INTO sender_domain (domain) SELECT unnest(%s)", DOMAINS)
    world.execute(
        "INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment, used)"
        " SELECT domain, day, day + interval '1 day', n, 1000000, 30000 FROM generate_series(1, 365) n,"
        " unnest(%s) domain, LATERAL (SELECT date_trunc('day', now()) - n * interval '1 day' AS day) d",
        DOMAINS,
    )
    world.execute(
        "INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent, failed,"
        " sending_through, cached_at, due_at, reserved_at) SELECT o.id, o.task_id, t.sender_domain, 500 * n + 1,"
        " 500 * (n + 1), 'cached', 100, 390, 10, 500 * n, now() - o.id * interval '1 s', now() + o.id * interval '9 s',"
        " now() - n * interval '2 days'"
        " FROM occurrence o JOIN send_task t ON t.id = o.task_id, generate_series(0, 19) n"
    )
    world.execute(
        "INSERT INTO attempt (chunk_id, run_id, host, pid, started_at, heartbeat_at, ended_at, sent, failed)"
        " SELECT id, 'run', 'h', 1, reserved_at, reserved_at, reserved_at + interval '20 s', sent, failed FROM chunk"
    )
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) SELECT a, a, 'manual'"
        " FROM (SELECT 'gone-' || n || '@x.example' AS a FROM generate_series(1, 100000) n) x"
    )
    world.execute("ANALYZE")
    assert world.rows("SELECT count(*), sum(request_count) FROM occurrence") == [(1000, 10_000_000)]
    return world


def test_every_page_is_quick_with_a_thousand_tasks(many, admin, postgres):
    from ses_ops.console.database import forget_snapshots

    def look(path: str, status: int) -> None:
        forget_snapshots()
        answer = admin.get(path)
        assert answer.status_code == status, path
        downloads.update([path] if "attachment" in answer.headers.get("content-disposition", "") else [])

    pages = {line.path: line.admin for key, line in LINES.items() if key.startswith("GET ")}
    watch, slow, downloads = Stopwatch(postgres), {}, set()
    for path, status in {**pages, **dict.fromkeys(MORE, 200)}.items():
        look(path, status)
        # A download takes as long as its rows.
        if path in downloads:
            continue
        took = watch.best(lambda path=path, status=status: look(path, status), limit=LIMIT)
        if took >= LIMIT:
            slow[path] = took
    assert not slow
