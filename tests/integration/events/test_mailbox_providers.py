"""Mailbox providers by the MX of a domain: looked up some at a time, and counted by from then on."""

from __future__ import annotations

import pytest

from ses_ops.application.mailbox_providers import look_up_providers
from ses_ops.domain.mailbox_provider import UNKNOWN, mailbox_provider, provider_by_mx, providers_by_domain
from ses_ops.domain.message_event import EventKind
from tests.integration.events.mailing import sent


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmail.com", "google"),
        ("GoogleMail.com", "google"),
        ("hotmail.co.uk", "microsoft"),
        ("yahoo.co.jp", "yahoo-japan"),
        ("vip.163.com", "netease"),
        ("web.de", "gmx"),
        ("shop.example", "shop.example"),
        ("notgmail.com", "notgmail.com"),
        ("", UNKNOWN),
    ],
)
def test_a_provider_is_found_by_whole_labels_of_a_domain(domain, provider):
    assert mailbox_provider(domain) == provider


def test_no_domain_of_the_table_is_a_top_level_domain():
    assert [domain for domain in providers_by_domain() if "." not in domain] == []


@pytest.mark.parametrize(
    ("hosts", "provider"),
    [
        (["aspmx.l.google.com", "alt1.aspmx.l.google.com"], "google"),
        (["shop-example.mail.protection.outlook.com"], "microsoft"),
        (["mx.shop.example", "ALT2.ASPMX.L.GOOGLE.COM"], "google"),
        (["mx.shop.example"], "shop.example"),
        ([], "shop.example"),
    ],
)
def test_the_hosts_of_a_domain_name_its_provider(hosts, provider):
    assert provider_by_mx("shop.example", hosts) == provider


def test_domains_are_looked_up_once_and_later_mail_counts_by_them(world):
    spring = sent(world, "spring", ["a@shop.example", "b@gmail.com", "c@other.example", "d@shop.example"])
    spring.record(*(spring.event(seq, EventKind.DELIVERED) for seq in (1, 2, 3, 4)))
    asked = []

    def resolve(domain):
        asked.append(domain)
        return ["aspmx.l.google.com"] if domain == "shop.example" else []

    assert look_up_providers(world.conn, resolve) == 2
    assert look_up_providers(world.conn, resolve) == 0
    assert sorted(asked) == ["other.example", "shop.example"]
    summer = sent(world, "summer", ["a@shop.example"])
    summer.record(summer.event(1, EventKind.DELIVERED))
    spring.record(spring.event(1, EventKind.BOUNCED))
    assert world.rows(
        "SELECT task_id, mailbox_provider, delivered, soft_bounced FROM feedback_count ORDER BY 1, 2"
    ) == [
        (1, "google", 1, 0),
        (1, "other.example", 1, 0),
        (1, "shop.example", 1, 1),
        (2, "google", 1, 0),
    ]


def test_without_a_name_server_they_are_asked_for_a_day_later(world):
    mailing = sent(world, "spring", ["a@shop.example", "c@other.example"])
    mailing.record(mailing.event(1, EventKind.DELIVERED), mailing.event(2, EventKind.DELIVERED))
    asked = []
    assert look_up_providers(world.conn, asked.append) == 0
    assert look_up_providers(world.conn, asked.append) == 0
    assert look_up_providers(world.conn, asked.append) == 0
    assert sorted(asked) == ["other.example", "shop.example"], "one a call, and none twice"
    world.execute("UPDATE mailbox_provider SET looked_up_at = looked_up_at - interval '25 hours'")
    assert look_up_providers(world.conn, lambda _: []) == 2
