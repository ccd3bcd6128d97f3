"""An installation with a console: what tests put into it, and the people who look at it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from starlette.testclient import TestClient

from ses_ops.domain.occurrence import RunKind
from tests.integration.sending_world import World

#: By name: the role.
USERS = {"viewer": "viewer", "user": "user", "op": "op", "admin": "admin"}
PREFIX = "/ses"
ORIGIN = "http://console.example"
#: What a browser says of a form of our own page.
OWN_PAGE = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


def token(name: str) -> str:
    """A login of Airflow's own auth manager."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return str(get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=USERS[name])))


class Client:
    """A person's browser at the console. Paths are those of the console: `/tasks`."""

    def __init__(self, http: TestClient) -> None:
        self.http = http

    def get(self, path: str, **more: Any) -> Any:
        return self.http.get(PREFIX + path, **more)

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> Any:
        """A form of our own page."""
        return self.http.post(PREFIX + path, data=form, headers={**OWN_PAGE, **(headers or {})})

    def text(self, path: str, **more: Any) -> str:
        """What a person reads on a page, without its tags."""
        answer = self.get(path, **more)
        assert answer.status_code == 200, (answer.status_code, visible_text(answer.text))
        return visible_text(answer.text)


def client(app: Any, name: str | None) -> Iterator[Client]:
    """A browser that is logged in as one of USERS, or not at all."""
    with TestClient(app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=False) as http:
        if name is not None:
            http.cookies.set("_token", token(name))
        yield Client(http)


@dataclass
class ConsoleWorld(World):
    """`World` with the API server and Airflow's database."""

    app: Any = None

    def seed(self, name: str = "hello", *, count: int = 10, group: str = "customers", **changes: Any) -> str:
        """A group (if it is new) and a send task on it; returns the task's name."""
        if not self.rows("SELECT 1 FROM recipient_group WHERE name = %s", group):
            self.group(group, count)
        self.task(name, group=group, **changes)
        return name

    def sent(self, run: Any, chunk_size: int = 50_000) -> None:
        """`whole_run` in a thread of its own: beside Playwright, which has an event loop in this one."""
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self.whole_run, run, chunk_size).result()

    def outcome(self, name: str, **counts: int) -> None:
        """Give a task an occurrence whose only chunk counts sent, failed, suppressed, unknown, cached, in_progress."""
        cached, moving = counts.pop("cached", 0), counts.pop("in_progress", 0)
        assert not (cached and moving), "one chunk is either cached or on its way"
        total = sum(counts.values()) + cached + moving
        self.freeze(self.run(name, RunKind.SCHEDULED))
        columns = {"sent": 0, "failed": 0, "suppressed": 0, "unknown": 0, **counts}
        self.execute(
            "UPDATE occurrence SET request_count = %s WHERE task_id = (SELECT id FROM send_task WHERE name = %s)",
            total,
            name,
        )
        self.execute("DELETE FROM message WHERE seq > %s", total)
        self.execute(
            "UPDATE chunk SET first_seq = 1, last_seq = %s, sent = %s, failed = %s, suppressed = %s, unknown = %s,"
            " pending = %s, cached_at = CASE WHEN %s THEN now() END, due_at = CASE WHEN %s THEN now() + '1 day' END,"
            " reason = CASE WHEN %s THEN 'the quota of the day is used up' END,"
            " state = (CASE WHEN %s + %s = 0 THEN 'settled' ELSE 'cached' END)::chunk_state"
            " WHERE task_id = (SELECT id FROM send_task WHERE name = %s)",
            *(total, *(columns[key] for key in ("sent", "failed", "suppressed", "unknown")), cached + moving),
            *(cached > 0, cached > 0, cached > 0, cached, moving, name),
        )
        if moving:
            self.held_by_a_sender(name)
        if not cached + moving:
            self.execute(
                "UPDATE occurrence SET finished_at = now() WHERE task_id = (SELECT id FROM send_task WHERE name = %s)",
                name,
            )

    def held_by_a_sender(self, name: str) -> None:
        """As if a living process held the task's waiting mail: it is on its way."""
        self.execute(
            "WITH domain AS (INSERT INTO sender_domain (domain) SELECT sender_domain FROM send_task WHERE name = %s"
            " ON CONFLICT DO NOTHING),"
            " day AS (INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment)"
            " SELECT sender_domain, now(), now() + interval '1 hour', 1, 0 FROM send_task WHERE name = %s"
            " RETURNING id),"
            " alive AS (INSERT INTO attempt (chunk_id, run_id, host, pid, heartbeat_at, sent_before, failed_before)"
            " SELECT c.id, 'r', 'here', 1, now() + interval '1 hour', c.sent, c.failed"
            " FROM chunk c JOIN send_task t ON t.id = c.task_id WHERE t.name = %s RETURNING id, chunk_id)"
            " UPDATE chunk c SET state = 'reserved', run_id = 'r', quota_day_id = day.id, attempt_id = alive.id"
            " FROM day, alive WHERE c.id = alive.chunk_id",
            *(name, name, name),
        )

    def audit_log(self) -> list[dict[str, Any]]:
        """Our rows in Airflow's audit log, oldest first: event, owner, dag_id, extra."""
        from airflow.models.log import Log
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            rows = session.scalars(select(Log).where(Log.event.startswith("ses_", autoescape=True)).order_by(Log.id))
            return [
                {"event": row.event, "owner": row.owner, "dag_id": row.dag_id, "extra": json.loads(row.extra or "{}")}
                for row in rows
            ]


class _Text(HTMLParser):
    """Collects what is between tags, without scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def visible_text(html: str) -> str:
    """The text of a page, its white space folded."""
    parser = _Text()
    parser.feed(html)
    return re.sub(r"\s+", " ", " ".join(parser.parts)).strip()
