"""The second sample domain of `make run`: its reputation leads the quota, as what becomes of its mail decides.

A list of people who asked for mail raises its level twice within one rehearsal day. A list that somebody has bought, of
which one address in seven does not exist, is blocked in mid-run, and lowers the level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from ses_ops.stack.mailbox.simulated import Simulated

SENDER_DOMAIN = "offers.example.com"
MEMBERS, BOUGHT = 1_100, 900
#: Each of the bought list that has this number, or a multiple of it, does not exist.
ONE_IN = 7
#: Minutes after the begin at which the two lists are mailed: what the first sample shows comes before.
MEMBERS_AFTER, BOUGHT_AFTER = 2, 4

NOTE = (
    f"Reputation  {SENDER_DOMAIN}: in {MEMBERS_AFTER} minutes a good list raises its level, in {BOUGHT_AFTER} a bought "
    "one is blocked (Mail, Sender domains)"
)


def warmup_entry(now: datetime, day_length: str) -> dict[str, object]:
    """The entry of the quota Variable: a rehearsal that the reputation leads from level 1 on."""
    return {"plan": "reputation", "started_on": f"{now:%Y-%m-%d}", "time_zone": "UTC", "day_length": day_length}


def members(name_of: Callable[[int], str]) -> Iterator[list[str]]:
    """The rows of the group `members`, header first: everybody exists."""
    return _rows(MEMBERS, "member", name_of, missing=0)


def bought(name_of: Callable[[int], str]) -> Iterator[list[str]]:
    """The rows of the group `bought-list`, header first: one in `ONE_IN` does not exist."""
    return _rows(BOUGHT, "stranger", name_of, missing=ONE_IN)


def task_entries(now: datetime) -> list[dict[str, object]]:
    """The definitions of the tasks: the good list, and the bad one two minutes later."""
    chosen = (("member-offer", "members", MEMBERS_AFTER), ("bought-list-offer", "bought-list", BOUGHT_AFTER))
    return [
        {
            "name": name,
            "type": "scheduled",
            "start_at": f"{now + timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}",
            "time_zone": "UTC",
            "template": "newsletter",
            "sender": f"Example Offers <hello@{SENDER_DOMAIN}>",
            "group": group,
            "subject": "An offer for you, {{ name }}: {{ coupon }}",
            "unsubscribe": "en",
        }
        for name, group, minutes in chosen
    ]


def _rows(count: int, local_part: str, name_of: Callable[[int], str], *, missing: int) -> Iterator[list[str]]:
    yield ["email", "name", "customer_id", "coupon"]
    for number in range(1, count + 1):
        exists = not missing or number % missing
        address = f"{local_part if exists else Simulated.UNKNOWN}-{number}@shoppers.example"
        yield [address, name_of(number), f"M{number:05}", f"OFFER-{number * 6131 % 9973:04}"]
