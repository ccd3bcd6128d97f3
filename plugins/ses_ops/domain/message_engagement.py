"""What the opens and clicks of one message change in the counts, as a pure function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.engagement_verdict import EngagementVerdict

_OF_KIND = {EngagementKind.OPENED: ("opens", "opened"), EngagementKind.CLICKED: ("clicks", "clicked")}
_OF_VERDICT = {
    EngagementVerdict.PERSON: "people",
    EngagementVerdict.MACHINE: "machines",
    EngagementVerdict.UNKNOWN: "unknown",
}
#: The numbers that are kept of a message: events by kind and verdict.
NUMBERS = tuple(f"{events}_{who}" for events, _ in _OF_KIND.values() for who in _OF_VERDICT.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An event with the verdict that it had, and has."""

    kind: EngagementKind
    at: datetime
    link_id: int | None
    #: None: it is new.
    before: EngagementVerdict | None
    after: EngagementVerdict


@dataclass(kw_only=True, slots=True)
class EngagementChanges:
    """What is added to the numbers of a message and to the counts."""

    numbers: Counter[str] = field(default_factory=Counter)
    #: By column of `engagement_count`.
    counts: Counter[str] = field(default_factory=Counter)
    #: By link and column of `link_count`.
    links: Counter[tuple[int, str]] = field(default_factory=Counter)
    #: By the beginning of the hour and column of `engagement_hour`.
    hours: Counter[tuple[datetime, str]] = field(default_factory=Counter)


def counted_as(numbers: Mapping[str, int]) -> set[str]:
    """The columns of `engagement_count` in which a message with these numbers counts, once in each."""
    found = set()
    for events, counted in _OF_KIND.values():
        for who in ("people", "unknown", "machines"):
            if numbers[f"{events}_{who}"] > 0:
                found.add(f"{counted}_{who}")
                break
    if numbers["opens_people"] > 0 or numbers["clicks_people"] > 0:
        found.add("engaged_people")
    return found


def changes_of(events: Iterable[Seen], numbers: Mapping[str, int]) -> EngagementChanges:
    """What all events of a message change; `numbers` are those that are stored of it."""
    known = list(events)
    found = EngagementChanges()
    for one in known:
        name, _ = _OF_KIND[one.kind]
        hour = one.at.replace(minute=0, second=0, microsecond=0)
        if one.before is None:
            found.counts[name] += 1
            found.hours[hour, name] += 1
        else:
            found.numbers[f"{name}_{_OF_VERDICT[one.before]}"] -= 1
        found.numbers[f"{name}_{_OF_VERDICT[one.after]}"] += 1
        found.hours[hour, f"{name}_people"] += (one.after is EngagementVerdict.PERSON) - (
            one.before is EngagementVerdict.PERSON
        )
    after = {name: numbers[name] + found.numbers[name] for name in NUMBERS}
    for column in counted_as(numbers):
        found.counts[column] -= 1
    for column in counted_as(after):
        found.counts[column] += 1
    _count_links(known, found.links)
    return found


def _count_links(events: Iterable[Seen], links: Counter[tuple[int, str]]) -> None:
    before: dict[int, set[EngagementVerdict]] = {}
    after: dict[int, set[EngagementVerdict]] = {}
    for one in events:
        if one.link_id is None:
            continue
        after.setdefault(one.link_id, set()).add(one.after)
        if one.before is None:
            links[one.link_id, "clicks"] += 1
        else:
            before.setdefault(one.link_id, set()).add(one.before)
    for found, sign in ((before, -1), (after, 1)):
        for link_id, who in found.items():
            if EngagementVerdict.PERSON in who:
                links[link_id, "people"] += sign
            elif who == {EngagementVerdict.MACHINE}:
                links[link_id, "machines"] += sign
