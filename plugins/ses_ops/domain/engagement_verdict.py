"""Whether a person or a machine opened or clicked: the rules, as a function of all events of one message.

The verdicts depend on the set of events and on the time of delivery alone, never on the order in which events come: a
later event may change the verdict of an earlier one, such as the third link of a scanner. The data of the rules is in
engagement_verdict.toml. An event whose address and user agent were emptied keeps the verdict that it had.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.engagement_rules import Rules, machine_rule, network_of_client, rules, system_of


class EngagementVerdict(IntEnum):
    """Who did it; the numbers are stored."""

    UNKNOWN = 0
    PERSON = 1
    MACHINE = 2


class VerdictByRule(NamedTuple):
    """A verdict, and the name of the rule that it was made by."""

    verdict: EngagementVerdict
    rule: str


NOT_JUDGED = VerdictByRule(EngagementVerdict.UNKNOWN, "")
#: Nothing speaks against a person.
ORDINARY = VerdictByRule(EngagementVerdict.PERSON, "ordinary_client")
#: The names of all rules, in the order in which they are tried; those of `machine` in the file stand between.
RULES = (
    *("told_by_source", "apple_relay", "bare_agent_at_delivery", "bare_agent", "image_proxy_at_delivery"),
    *(
        "image_proxy",
        "no_agent",
        "too_soon",
        "many_links",
        "links_in_order",
        "second_device",
        "passed_on",
        ORDINARY.rule,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """An event of a message as the rules see it."""

    key: str
    kind: EngagementKind
    at: datetime
    #: Of a click: what tells two links apart, and the place in the mail.
    link: int | str | None = None
    place: int | None = None
    ip: str = ""
    #: None: it was emptied with the address, and `stored` holds.
    user_agent: str | None = ""
    told_machine: bool = False
    #: The verdict that is stored; only asked for where the user agent was emptied.
    stored: VerdictByRule = NOT_JUDGED


def verdicts(events: Collection[Happened], delivered_at: datetime | None) -> dict[str, VerdictByRule]:
    """The verdicts of all events of one message, by their keys.

    `delivered_at`: when the recipient's provider took the message, else when it was sent; None: not known, and then the
    rules of time after delivery do not apply.
    """
    data = rules()
    ordered = sorted(events, key=lambda one: (one.at, one.key))
    judged = {one.key: _by_itself(one, delivered_at, data) for one in ordered}
    if len(ordered) > 1:
        clicks = [one for one in ordered if one.kind is EngagementKind.CLICKED]
        _change(judged, _many_links(clicks, data), VerdictByRule(EngagementVerdict.MACHINE, "many_links"))
        _change(judged, _in_order(clicks, data), VerdictByRule(EngagementVerdict.MACHINE, "links_in_order"))
        _second_device(clicks, judged, data)
        _passed_on(ordered, judged, data)
    return {one.key: one.stored if one.user_agent is None else judged[one.key] for one in ordered}


def _by_itself(one: Happened, delivered_at: datetime | None, data: Rules) -> VerdictByRule:
    """The verdict of an event that needs no other event."""
    agent = one.user_agent
    if agent is None:
        return one.stored
    if one.told_machine:
        return VerdictByRule(EngagementVerdict.MACHINE, "told_by_source")
    if (name := machine_rule(agent)) is not None:
        return VerdictByRule(EngagementVerdict.MACHINE, name)
    after = None if delivered_at is None else (one.at - delivered_at).total_seconds()

    def within(seconds: float) -> bool:
        return after is not None and -data.within.clock_skew <= after <= seconds

    if agent in data.bare_agents:
        if data.is_relay(one.ip):
            return VerdictByRule(EngagementVerdict.MACHINE, "apple_relay")
        if within(data.within.bare_agent):
            return VerdictByRule(EngagementVerdict.MACHINE, "bare_agent_at_delivery")
        return VerdictByRule(EngagementVerdict.UNKNOWN, "bare_agent")
    if data.image_proxy.search(agent):
        if within(data.within.image_proxy):
            return VerdictByRule(EngagementVerdict.MACHINE, "image_proxy_at_delivery")
        return VerdictByRule(EngagementVerdict.PERSON, "image_proxy")
    if within(data.within.too_soon):
        return VerdictByRule(EngagementVerdict.MACHINE, "too_soon")
    return ORDINARY if agent else VerdictByRule(EngagementVerdict.UNKNOWN, "no_agent")


def _change(judged: dict[str, VerdictByRule], keys: set[str], to: VerdictByRule) -> None:
    """Change those of which nothing worse is known."""
    for key in keys:
        if judged[key].verdict is not EngagementVerdict.MACHINE:
            judged[key] = to


def _many_links(clicks: Sequence[Happened], data: Rules) -> set[str]:
    """Clicks that are near to clicks of many other links."""
    found: set[str] = set()
    begin = 0
    for end, last in enumerate(clicks):
        while (last.at - clicks[begin].at).total_seconds() > data.within.many_links:
            begin += 1
        near = clicks[begin : end + 1]
        if len({_link(one) for one in near}) >= data.numbers.many_links:
            found |= {one.key for one in near}
    return found


def _in_order(clicks: Sequence[Happened], data: Rules) -> set[str]:
    """Clicks of a row of links, each the next one in the mail, one soon after the other."""
    found: set[str] = set()
    row: list[Happened] = []
    for one in clicks:
        follows = (
            row
            and one.place is not None
            and row[-1].place is not None
            and one.place == row[-1].place + 1
            and (one.at - row[-1].at).total_seconds() <= data.within.in_order
        )
        row = [*row, one] if follows else [one]
        if len(row) >= data.numbers.in_order:
            found |= {member.key for member in row}
    return found


def _second_device(clicks: Sequence[Happened], judged: dict[str, VerdictByRule], data: Rules) -> None:
    """A click of another device seconds after a person's: a scanner that follows what the person has followed."""
    person: Happened | None = None
    for one in clicks:
        if judged[one.key].verdict is not EngagementVerdict.PERSON:
            continue
        soon = person is not None and (one.at - person.at).total_seconds() <= data.within.second_device
        if soon and person is not None and _is_another(one, person):
            judged[one.key] = VerdictByRule(EngagementVerdict.MACHINE, "second_device")
        else:
            person = one


def _passed_on(events: Sequence[Happened], judged: dict[str, VerdictByRule], data: Rules) -> None:
    """Events of more devices than a person has: somebody else's, who got a copy."""
    devices: set[tuple[str, str]] = set()
    for one in events:
        if judged[one.key] != ORDINARY:
            continue
        device = network_of_client(one.ip), system_of(one.user_agent or "")
        if device in devices or len(devices) < data.numbers.devices:
            devices.add(device)
        elif one.user_agent is not None:
            judged[one.key] = VerdictByRule(EngagementVerdict.UNKNOWN, "passed_on")


def _is_another(one: Happened, other: Happened) -> bool:
    """Whether two clicks are of two devices. (A phone has two addresses, IPv4 and IPv6, and one user agent.)"""
    if one.user_agent is None or other.user_agent is None or one.user_agent == other.user_agent:
        return False
    if system_of(one.user_agent) != system_of(other.user_agent):
        return True
    return network_of_client(one.ip) != network_of_client(other.ip)


def _link(one: Happened) -> object:
    return one.place if one.link is None else one.link
