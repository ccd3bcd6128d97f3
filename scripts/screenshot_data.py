"""The data of the screenshots: a shop in the twelfth day of its warm-up.

Groups, tasks and suppressions are made by the `ses` program, as a person makes them, and Airflow sends their mail to
the local mailbox. Only the past is written into the database: quota days and attempts of a month, and one finished
mailing with failures and one message in doubt. All addresses end in `.example` (RFC 2606).
"""

from __future__ import annotations

import csv
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ses_ops.stack import sample_data
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg2.extensions import connection as Connection

    from tests.acceptance.stack_process import StackProcess

VARIABLE = "ses_warmup_quota"
SHOP, CLUB = "mail.example.com", "club.example.com"
CUSTOMERS, MEMBERS = 24_000, 6_400
#: The task whose page is shown: finished, with a few failures and one message in doubt; then its number of messages.
PAST, PAST_COUNT = "winter-sale", 12_000
#: The task that sends while the pictures are taken.
MOVING = "spring-sale"
#: The task that waits for tomorrow's quota.
PAUSED = "club-news"
#: Seconds to wait for a state of a task.
TIMEOUT = 240.0

_SENDERS = {SHOP: f"Example Shop <news@{SHOP}>", CLUB: f"Example Club <hello@{CLUB}>"}
_NEWSLETTER = {"template": "newsletter", "unsubscribe_url": "https://shop.example/unsubscribe?id={{ customer_id }}"}


def warm_up_began(days_ago: int) -> str:
    """The date of a warm-up's begin, for the Variable."""
    return f"{datetime.now(UTC) - timedelta(days=days_ago):%Y-%m-%d}"


def make_past_and_present(stack: StackProcess, folder: Path) -> None:
    """Make all data but the task MOVING, which is made just before the first picture is taken."""
    entries = {
        SHOP: {"plan": "standard", "started_on": warm_up_began(11), "time_zone": "UTC"},
        CLUB: {"plan": "standard", "started_on": warm_up_began(2), "time_zone": "UTC"},
    }
    _set_variable(stack, entries)
    _import(stack, folder, "customers", _people(CUSTOMERS, "shopper"), "Everybody who ordered in the last two years")
    _import(stack, folder, "club-members", _people(MEMBERS, "member"), "The loyalty club")
    _import(stack, folder, "orders", sample_data.orders(), "Orders on their way")
    for number in (7, 19, 42):
        _ses(stack, "suppression", "add", f"shopper-{number}@shoppers.example", "--note", "asked by telephone")
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d} 09:00"
    tasks: list[dict[str, Any]] = [
        {"name": PAST, "type": "triggered", "group": "customers", "sender": _SENDERS[SHOP], **_NEWSLETTER},
        {
            "name": "order-notices",
            "type": "recurring",
            "template": "order-notice",
            "group": "orders",
            "sender": f"Example Shop <orders@{SHOP}>",
            "start_at": tomorrow,
            "time_zone": "Asia/Tokyo",
            "every": "1d",
        },
        {"name": PAUSED, "type": "immediate", "group": "club-members", "sender": _SENDERS[CLUB], **_NEWSLETTER},
    ]
    for task in tasks:
        apply_task(stack, folder, task)
    with connected(stack.description["db_dsn"], application="screenshots") as conn:
        _write_past(conn)
    wait_for(stack, PAUSED, lambda task: task["status"] == "paused")


def start_moving(stack: StackProcess, folder: Path) -> None:
    """Start the mailing that is being sent in the pictures."""
    task = {"name": MOVING, "type": "immediate", "group": "customers", "sender": _SENDERS[SHOP], **_NEWSLETTER}
    apply_task(stack, folder, {**task, "subject": "Spring is here, {{ name }}: 20 % off everything"})
    wait_for(stack, MOVING, lambda task: task["sent_count"] > CUSTOMERS // 5)


def apply_task(stack: StackProcess, folder: Path, task: dict[str, Any]) -> None:
    """Run `ses task apply`; the file may be JSON, because JSON is YAML."""
    file = folder / f"{task['name']}.yaml"
    file.write_text(json.dumps(task), encoding="utf-8")
    _ses(stack, "task", "apply", str(file))


def wait_for(stack: StackProcess, name: str, ready: Any) -> None:
    """Wait until `ready` is true of a task. Raises RuntimeError after TIMEOUT seconds."""
    end = time.monotonic() + TIMEOUT
    while True:
        found = [task for task in json.loads(_ses(stack, "task", "list", "--json")) if task["name"] == name]
        if found and ready(found[0]):
            return
        if time.monotonic() > end:
            raise RuntimeError(f"{name} is not as it should be after {TIMEOUT:.0f} s: {found}\n{stack.output}")
        time.sleep(0.5)


def _set_variable(stack: StackProcess, entries: dict[str, Any]) -> None:
    """Set the Variable, which `make run` has made, as a person edits it in Airflow."""
    body = {"key": VARIABLE, "value": json.dumps(entries, indent=2), "description": "Messages a day by sender domain"}
    status, answer = stack.call("PATCH", f"/api/v2/variables/{VARIABLE}", body, token=stack.token())
    if status != 200:
        raise RuntimeError(f"the Variable could not be set: {status} {answer}")


def _people(count: int, kind: str) -> Iterable[list[str]]:
    yield ["email", "name", "customer_id", "coupon"]
    names = [row[1] for row in sample_data.customers()][1:]
    for number in range(1, count + 1):
        name = names[number % len(names)]
        yield [f"{kind}-{number}@shoppers.example", name, f"C-{number:05}", f"SPRING-{number * 7919 % 9973:04}"]


def _import(stack: StackProcess, folder: Path, group: str, rows: Iterable[list[str]], description: str) -> None:
    file = folder / f"{group}.csv"
    with file.open("w", newline="", encoding="utf-8") as output:
        csv.writer(output).writerows(rows)
    _ses(stack, "group", "import", group, str(file), "--description", description)


def _ses(stack: StackProcess, *arguments: str) -> str:
    done = stack.ses(*arguments)
    if done.returncode != 0:
        raise RuntimeError(f"ses {' '.join(arguments)}: {done.stderr}{done.stdout}")
    return done.stdout


def _write_past(conn: Connection) -> None:
    """Write the past days, which cannot be waited for."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    with conn, conn.cursor() as cursor:
        cursor.execute(statements, {"name": PAST, "count": PAST_COUNT, "shop": SHOP, "club": CLUB})
