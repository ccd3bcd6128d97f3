"""Who opened or clicked: each rule from both sides, and the laws of all of them together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.engagement_rules import machine_rule, network_of_client, rules, system_of
from ses_ops.domain.engagement_verdict import RULES, EngagementVerdict, Happened, VerdictByRule, verdicts

DELIVERED = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
)
EDGE = CHROME + " Edg/139.0.0.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
RELAYS = [
    "17.58.1.1",
    "104.28.57.9",
    "172.226.0.1",
    "146.75.200.1",
    "2a02:26f7:c8c0::1",
    "2606:54c0::9",
    "2620:149:af0::10",
]
PERSON, MACHINE, UNKNOWN = EngagementVerdict.PERSON, EngagementVerdict.MACHINE, EngagementVerdict.UNKNOWN


def opened(after: float, agent: str | None = IPHONE, ip: str = "192.0.2.7", **more) -> Happened:
    at = DELIVERED + timedelta(seconds=after)
    more.setdefault("key", f"{after}-{agent}-{ip}")
    return Happened(kind=EngagementKind.OPENED, at=at, user_agent=agent, ip=ip, **more)


def clicked(after: float, place: int = 0, agent: str | None = IPHONE, ip: str = "192.0.2.7", **more) -> Happened:
    at = DELIVERED + timedelta(seconds=after)
    more.setdefault("key", f"{after}-{place}-{agent}-{ip}")
    return Happened(kind=EngagementKind.CLICKED, at=at, place=place, link=place, user_agent=agent, ip=ip, **more)


def judged(*events: Happened, delivered: datetime | None = DELIVERED) -> list[tuple[EngagementVerdict, str]]:
    found = verdicts(events, delivered)
    return [tuple(found[one.key]) for one in events]


@pytest.mark.parametrize(
    ("event", "verdict", "rule"),
    [
        (opened(3_600), PERSON, "ordinary_client"),
        (clicked(3_600, agent=CHROME), PERSON, "ordinary_client"),
        # Apple loads ahead hours after delivery too; the same from elsewhere is then Outlook, or an unknown relay.
        *((opened(after, "Mozilla/5.0", ip), MACHINE, "apple_relay") for ip in RELAYS for after in (0, 30_000)),
        (opened(3_600, IPHONE, RELAYS[1]), PERSON, "ordinary_client"),
        (opened(30, "Mozilla/5.0"), MACHINE, "bare_agent_at_delivery"),
        (opened(30.1, "Mozilla/5.0"), UNKNOWN, "bare_agent"),
        (opened(30, "Mozilla/5.0 "), PERSON, "ordinary_client"),
        (opened(-5, "Mozilla/5.0"), MACHINE, "bare_agent_at_delivery"),
        (opened(-5.1, "Mozilla/5.0"), UNKNOWN, "bare_agent"),
        *((opened(10, agent), MACHINE, "image_proxy_at_delivery") for agent in (GMAIL, YAHOO)),
        *((opened(10.1, agent), PERSON, "image_proxy") for agent in (GMAIL, YAHOO)),
        (opened(2, CHROME), MACHINE, "too_soon"),
        (opened(2.1, CHROME), PERSON, "ordinary_client"),
        (clicked(60, agent=""), UNKNOWN, "no_agent"),
        (clicked(60, told_machine=True), MACHINE, "told_by_source"),
    ],
)
def test_an_event_by_itself(event, verdict, rule):
    assert judged(event) == [(verdict, rule)]


def test_without_a_time_of_delivery_no_rule_of_time_applies():
    events = [opened(0, CHROME), opened(1, GMAIL), opened(2, "Mozilla/5.0"), opened(3, "Mozilla/5.0", RELAYS[0])]
    assert [rule for _, rule in judged(*events, delivered=None)] == [
        *("ordinary_client", "image_proxy", "bare_agent", "apple_relay")
    ]


@pytest.mark.parametrize(
    ("agent", "rule"),
    [
        ("Barracuda Sentinel (EE)", "mail_scanner"),
        ("Mozilla/5.0 (compatible; Mimecast; +https://mimecast.com)", "mail_scanner"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "link_preview"),
        ("WhatsApp/2.23.20.0", "link_preview"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "link_preview"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", "assistant"),
        ("python-requests/2.32.3", "program"),
        ("curl/8.5.0", "program"),
        ("Go-http-client/2.0", "program"),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/139.0 Safari/537.36", "browser_without_a_person"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "robot"),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", "robot"),
        # Readers, among them those whose names have such words in them.
        (IPHONE, None),
        (CHROME, None),
        (EDGE, None),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36", None),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 Safari Line/13.19.0", None),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)", None),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; Microsoft Outlook 16.0.17328; ms-office; MSOffice 16)", None),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0", None),
        ("Mozilla/5.0 (Linux; Android 14; SM-S921B) Chrome/138 Mobile Safari/537.36 SamsungBrowser/28", None),
    ],
)  # fmt: skip
def test_user_agents(agent, rule):
    assert machine_rule(agent) == rule


def test_many_links_of_one_message_are_a_scanner_also_those_that_were_counted():
    assert judged(clicked(100, 5), clicked(102, 1)) == [(PERSON, "ordinary_client")] * 2
    assert judged(clicked(100, 5), clicked(102, 1), clicked(105, 3)) == [(MACHINE, "many_links")] * 3
    assert judged(clicked(100, 5), clicked(102, 1), clicked(105.1, 3)) == [(PERSON, "ordinary_client")] * 3
    # One link three times is one link.
    assert judged(clicked(100, 1), clicked(101, 1), clicked(102, 1)) == [(PERSON, "ordinary_client")] * 3
    opens = judged(opened(99), clicked(100, 5), clicked(101, 1), clicked(102, 3))
    assert opens == [(PERSON, "ordinary_client"), *[(MACHINE, "many_links")] * 3]


def test_links_in_the_order_of_the_mail_are_a_scanner():
    row = [clicked(100 + 9 * place, place) for place in range(4)]
    assert judged(*row) == [(MACHINE, "links_in_order")] * 4
    assert judged(*(clicked(100 + 11 * place, place) for place in range(4))) == [(PERSON, "ordinary_client")] * 4
    assert judged(*(clicked(100 + 9 * place, 9 - place) for place in range(4))) == [(PERSON, "ordinary_client")] * 4
    assert judged(clicked(100, 0), clicked(109, 1), clicked(118, 5)) == [(PERSON, "ordinary_client")] * 3


def test_a_click_of_another_device_seconds_after_is_a_scanner():
    first = clicked(100, 2)
    assert judged(first, clicked(112, 2, CHROME, "198.51.100.9")) == [
        (PERSON, "ordinary_client"),
        (MACHINE, "second_device"),
    ]
    assert judged(first, clicked(112, 2, CHROME)) == [(PERSON, "ordinary_client"), (MACHINE, "second_device")]
    assert judged(first, clicked(115.1, 2, CHROME, "198.51.100.9")) == [(PERSON, "ordinary_client")] * 2
    # A phone that goes from IPv4 to IPv6 has one user agent.
    assert judged(first, clicked(112, 2, IPHONE, "2001:db8::1")) == [(PERSON, "ordinary_client")] * 2
    assert judged(clicked(100, 2, CHROME), clicked(112, 2, EDGE)) == [(PERSON, "ordinary_client")] * 2
    assert judged(clicked(100, 2, CHROME), clicked(112, 2, EDGE, "198.51.100.9"))[1] == (MACHINE, "second_device")


def test_devices_beyond_a_persons_are_of_a_copy_that_was_passed_on():
    events = [opened(1_000 * number, ip=f"10.0.{number}.1") for number in range(1, 7)]
    found = judged(*events)
    assert found == [(PERSON, "ordinary_client")] * 4 + [(UNKNOWN, "passed_on")] * 2
    again = opened(9_000, ip="10.0.2.77")
    assert judged(*events, again)[-1] == (PERSON, "ordinary_client")


def test_what_was_emptied_keeps_its_verdict_and_still_counts_as_a_neighbour():
    old = clicked(100, 5, agent=None, ip="", stored=VerdictByRule(PERSON, "ordinary_client"))
    assert judged(old, clicked(101, 1), clicked(102, 3)) == [
        (PERSON, "ordinary_client"),
        *[(MACHINE, "many_links")] * 2,
    ]


AGENTS = st.sampled_from([IPHONE, CHROME, EDGE, GMAIL, YAHOO, "Mozilla/5.0", "", "curl/8", None])
SECONDS = st.one_of(st.sampled_from([-6, 0, 2, 5, 10, 15, 30, 31]), st.floats(-100, 4_000, allow_nan=False))
ADDRESSES = st.sampled_from(["192.0.2.7", "192.0.3.7", "2001:db8::1", RELAYS[0], "", "none"])


@st.composite
def events_of_a_message(draw) -> list[Happened]:
    numbers = count()
    found = []
    for _ in range(draw(st.integers(1, 14))):
        stored = VerdictByRule(draw(st.sampled_from(EngagementVerdict)), "ordinary_client")
        key = str(next(numbers))
        after, agent, ip = draw(SECONDS), draw(AGENTS), draw(ADDRESSES)
        if draw(st.booleans()):
            found.append(clicked(after, draw(st.integers(0, 4)), agent, ip, key=key, stored=stored))
        else:
            found.append(opened(after, agent, ip, key=key, stored=stored))
    return found


@given(events=events_of_a_message(), data=st.data())
def test_the_verdicts_do_not_depend_on_the_order(events, data):
    delivered = data.draw(st.sampled_from([None, DELIVERED]))
    once = verdicts(events, delivered)
    assert verdicts(data.draw(st.permutations(events)), delivered) == once
    assert once.keys() == {one.key for one in events}
    named = {*RULES, *(name for name, _ in rules().machines)}
    assert {one.rule for one in once.values()} <= named


@given(events=events_of_a_message())
def test_a_machine_by_itself_stays_one_whatever_else_happens(events):
    together = verdicts(events, DELIVERED)
    for one in events:
        if one.user_agent is not None and verdicts([one], DELIVERED)[one.key].verdict is MACHINE:
            assert together[one.key].verdict is MACHINE


def test_the_rules_have_a_date_and_wide_networks_only_of_relays():
    assert rules().as_of.year >= 2026
    assert not rules().is_relay("192.0.2.1")
    assert not rules().is_relay("")
    assert network_of_client("192.0.2.7") == "192.0.2.0/24"
    assert network_of_client("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert network_of_client("x") == ""
    assert [system_of(one) for one in (IPHONE, CHROME, "")] == ["ios", "windows", ""]
