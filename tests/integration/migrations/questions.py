"""Questions to a database before and after its upgrade.

Each is a command, whose answer is JSON that must stay the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.integration.sending_world import DOMAIN

SMALL_DOMAIN = "small.example.com"
#: The Variable ses_warmup_quota for the questions.
LIMITS = {
    domain: {"plan": [limit], "started_on": "2026-01-01", "time_zone": "UTC"}
    for domain, limit in ((DOMAIN, 1_000), (SMALL_DOMAIN, 5))
}
#: Tasks of the dump (make_dump.py).
TASKS = (
    *("finished", "over-quota", "edited", "refused", "in-doubt", "interrupted", "retried", "deferred", "daily"),
    *("held", "later", "by-call", "paused", "cancelled", "in-error"),
)
#: Facts that are another at each look: how long ago something was, and what the schedule says of today.
OF_THE_MOMENT = ("next_at", "next_start", "next_start_at", "late", "starts_at", "ends_at", "day", "now")


def commands() -> Iterator[tuple[str, ...]]:
    """Each reads other rows; together all tables but those of the console's imports."""
    yield ("task", "list", "--json")
    yield ("task", "list", "--deleted", "--json")
    for name in TASKS:
        yield ("task", "show", name, "--json")
        yield ("task", "starts", name, "--json")
        yield ("task", "messages", name, "--json")
    yield ("task", "messages", "deleted", "--json")
    yield ("group", "list", "--json")
    for name in ("customers", "small", "appended"):
        yield ("group", "show", name, "--limit", "50", "--json")
    yield ("suppression", "list", "--json")
    yield ("quota", "show", "--json")
    for address in ("customers-2@customers.example", "customers-9@customers.example"):
        yield ("person", "show", address, "--json")


def answers(ses: Callable[[tuple[str, ...]], str]) -> dict[str, Any]:
    """The answer to each command, which `ses` runs and whose output it returns."""
    return {" ".join(command): without_moment(json.loads(ses(command))) for command in commands()}


def without_moment(answer: Any) -> Any:
    """An answer without what depends on when it was asked."""
    if isinstance(answer, dict):
        return {key: without_moment(value) for key, value in answer.items() if key not in OF_THE_MOMENT}
    if isinstance(answer, list):
        return [without_moment(one) for one in answer]
    return answer


def known_part(answer: Any, expected: Any) -> Any:
    """An answer without the facts that the version before did not have."""
    if isinstance(answer, dict) and isinstance(expected, dict):
        return {key: known_part(value, expected[key]) for key, value in answer.items() if key in expected}
    if isinstance(answer, list) and isinstance(expected, list) and len(answer) == len(expected):
        return [known_part(one, other) for one, other in zip(answer, expected, strict=True)]
    return answer
