"""The sample data of the first `make run`: recipient groups, send tasks, and the quota of three sender domains.

The warm-up of the first domain (the second: sample_reputation.py) is a rehearsal whose day lasts a minute, so that a
person can watch the quota run out, the tasks pause and the next run continue. All addresses end in `.example` (RFC
2606): none can ever be a real mailbox. Some are simulator addresses of the local mailbox, so that bounces, a complaint
and an unsubscription come back.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from psycopg2.extensions import connection as Connection

from ses_ops import settings
from ses_ops.application.group_import import import_group
from ses_ops.application.ports import Actor
from ses_ops.application.sender_domains import set_bounce_domain
from ses_ops.application.task_changes import apply_task
from ses_ops.audience.csv.reader import Rejected
from ses_ops.domain.bounce_domain import proposed_bounce_domain
from ses_ops.domain.send_task import parse_send_task
from ses_ops.domain.warmup import VARIABLE
from ses_ops.errors import SesError
from ses_ops.stack import api_service, sample_reputation
from ses_ops.stack.mailbox.simulated import Simulated
from ses_ops.stack.web_client import WebClient
from ses_ops.storage.connection import connected, transaction
from ses_ops.storage.tasks import send_tasks

SENDER_DOMAIN = "mail.example.com"
CUSTOMERS, ORDERS = 1_200, 200
#: Customers, by number, who are simulator addresses. All but the last leave with the quota of the first day.
SIMULATED = {
    20: Simulated.OK,
    40: Simulated.BOUNCE,
    60: Simulated.SOFT_BOUNCE,
    80: Simulated.COMPLAINT,
    100: Simulated.UNSUBSCRIBE,
    1_180: Simulated.UNKNOWN,
}
#: The length of a rehearsal day (ISO 8601).
DAY_LENGTH = "PT60S"
_WHERE = "sample data"

_GIVEN = ("Ana", "Björn", "Chiara", "Dmitri", "Émilie", "Fatima", "Grace", "Hiroshi", "Ines", "José", "Kwame", "Łucja")
_FAMILY = (
    "Müller",
    "Okafor",
    "Tanaka",
    "García",
    "Novák",
    "Smith",
    "Rossi",
    "Yılmaz",
    "Dubois",
    "Larsen",
    "王",
    "Silva",
)


@dataclass(kw_only=True, slots=True)
class Loaded:
    """The loaded sample: notes for the person, a line each, the names of the send tasks, and the Variable if made."""

    variable: str | None = None
    notes: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)


def load(db_dsn: str, client: WebClient) -> Loaded:
    """Load the sample data into an empty database, once.

    The Variable is made before the tasks, and only if it does not exist. Raises SesError.
    """
    loaded = Loaded()
    now = datetime.now(UTC)
    if not os.environ.get(settings.WARMUP_QUOTA, "").strip() and not client.variable_exists(VARIABLE):
        loaded.variable = json.dumps(warmup_quota(now), indent=2)
        client.create_variable(VARIABLE, loaded.variable, _DESCRIPTION)
        loaded.notes.append(f"Variable  {VARIABLE}: a rehearsal in which a day of the warm-up lasts a minute")
        loaded.notes.append(sample_reputation.NOTE)
    with connected(db_dsn, application="make run") as conn:
        if settings.sample_wanted() and not _ever_had_tasks(conn):
            loaded.tasks = load_groups_and_tasks(conn, now)
    return loaded


def load_groups_and_tasks(conn: Connection, now: datetime) -> list[str]:
    """Make the groups and the tasks: one at once, one in a minute, one every hour from two minutes on.

    Those of the second domain begin after two and four minutes. Returns the names of the tasks.
    """
    groups = (
        ("customers", customers(), "Sample customers"),
        ("orders", orders(), "Sample orders on their way"),
        ("members", sample_reputation.members(_name), "Sample people who asked for offers"),
        ("bought-list", sample_reputation.bought(_name), "Sample list that somebody has bought"),
    )
    for name, rows, description in groups:
        import_group(conn, name, [_csv(rows)], where=_WHERE, description=description, strict=True, report=_refused)
    tasks = [parse_send_task(entry, where=_WHERE) for entry in all_task_entries(now)]
    with transaction(conn):
        for task in tasks:
            apply_task(conn, task, now=now, where=_WHERE)
    for domain in (SENDER_DOMAIN, sample_reputation.SENDER_DOMAIN, api_service.SENDER_DOMAIN):
        set_bounce_domain(conn, Actor(name=_WHERE), domain, proposed_bounce_domain(domain))
    return [task.name for task in tasks]


def warmup_quota(now: datetime) -> dict[str, object]:
    """The value of the Variable, from today on: the standard plan (500 on the first day), and the reputation."""
    entry = {"plan": "standard", "started_on": f"{now:%Y-%m-%d}", "time_zone": "UTC", "day_length": DAY_LENGTH}
    return {
        SENDER_DOMAIN: entry,
        sample_reputation.SENDER_DOMAIN: sample_reputation.warmup_entry(now, DAY_LENGTH),
        api_service.SENDER_DOMAIN: api_service.warmup_entry(f"{now:%Y-%m-%d}"),
    }


def all_task_entries(now: datetime) -> list[dict[str, object]]:
    """The definitions of the tasks of both domains."""
    return [*task_entries(now), *sample_reputation.task_entries(now)]


def task_entries(now: datetime) -> list[dict[str, object]]:
    """The definitions of the tasks of the first domain, as a YAML file would have them."""
    news = {
        "template": "newsletter",
        "sender": f"Example Shop <news@{SENDER_DOMAIN}>",
        "group": "customers",
        "reply_to": "help@example.com",
    }
    in_a_minute, in_two = (f"{now + timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}" for minutes in (1, 2))
    return [
        # The first leads to the own unsubscribe page, the second to one of the shop's.
        {"name": "spring-sale", "type": "immediate", "unsubscribe": "en", **news},
        {
            "name": "spring-reminder",
            "type": "scheduled",
            "start_at": in_a_minute,
            "time_zone": "UTC",
            "subject": "Last days, {{ name }}: your code {{ coupon }}",
            "unsubscribe_url": "https://shop.example/unsubscribe?id={{ customer_id }}",
            **news,
        },
        {
            "name": "order-notices",
            "type": "recurring",
            "template": "order-notice",
            "sender": f"Example Shop <orders@{SENDER_DOMAIN}>",
            "group": "orders",
            "start_at": in_two,
            "time_zone": "UTC",
            "every": "1h",
        },
    ]


def customers() -> Iterator[list[str]]:
    """The rows of the group `customers`, header first; every call gives the same rows."""
    yield ["email", "name", "customer_id", "coupon"]
    for number in range(1, CUSTOMERS + 1):
        yield [
            _address(number),
            _name(number),
            f"C{number:05}",
            f"SPRING-{number * 7919 % 9973:04}",
        ]


def orders() -> Iterator[list[str]]:
    """The rows of the group `orders`, header first."""
    yield ["email", "name", "order_id", "total", "tracking_url"]
    for number in range(1, ORDERS + 1):
        order = f"A-{20_000 + number}"
        total = f"€ {number * 37 % 190 + 9}.{number * 13 % 100:02}"
        yield [_address(number), _name(number), order, total, f"https://shop.example/track/{order}"]


_DESCRIPTION = "Warm-up quota of each sender domain (ses-ops). day_length other than PT24H is a rehearsal."


def _address(number: int) -> str:
    return f"{SIMULATED.get(number, f'customer-{number:04}')}@shoppers.example"


def _name(number: int) -> str:
    return f"{_GIVEN[number % len(_GIVEN)]} {_FAMILY[number // len(_GIVEN) % len(_FAMILY)]}"


def _csv(rows: Iterator[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _refused(rejected: Rejected) -> None:
    raise SesError(f"{_WHERE}, line {rejected.line}: {rejected.reason}")


def _ever_had_tasks(conn: Connection) -> bool:
    """Whether a send task was ever made, also if it was deleted since: the sample data is loaded only once."""
    with transaction(conn):
        return send_tasks.ever_any(conn)
