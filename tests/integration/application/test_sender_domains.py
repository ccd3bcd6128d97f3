"""The bounce domain of a sender domain: set, cleared, refused, and each of these in the audit log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from ses_ops.application import sender_domains
from ses_ops.application.ports import Actor, NoAuditLog
from ses_ops.errors import InvalidInput
from ses_ops.storage.connection import connected
from ses_ops.storage.quota import sender_domains as stored
from tests.integration.sending_world import DOMAIN


class Log(NoAuditLog):
    """An audit log that keeps its entries."""

    def __init__(self):
        self.entries = []

    @contextmanager
    def recorded(self, who, action, *, task=None, **details):
        with super().recorded(who, action, task=task, **details) as facts:
            self.entries.append((who, action, facts))
            yield facts


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def ann(log):
    return Actor(name="ann", audit=log)


def test_a_domain_that_has_sent_nothing_yet_gets_its_row(world, ann, log):
    assert world.rows("SELECT domain FROM sender_domain") == []
    done = sender_domains.set_bounce_domain(world.conn, ann, DOMAIN, f"Bounces.{DOMAIN}.")
    assert done.changed
    assert stored.bounce_domain(world.conn, DOMAIN) == f"bounces.{DOMAIN}"
    assert stored.bounce_domains(world.conn) == {DOMAIN: f"bounces.{DOMAIN}"}
    facts = {"domain": DOMAIN, "bounce_domain": f"bounces.{DOMAIN}", "before": None}
    assert log.entries == [("ann", "change_bounce_domain", facts)]


def test_the_same_again_changes_nothing_and_clearing_takes_it_away(world, ann, log):
    sender_domains.set_bounce_domain(world.conn, ann, DOMAIN, "bounces.example.com")
    assert not sender_domains.set_bounce_domain(world.conn, ann, DOMAIN, "BOUNCES.example.com").changed
    assert sender_domains.clear_bounce_domain(world.conn, ann, DOMAIN).changed
    assert not sender_domains.clear_bounce_domain(world.conn, ann, DOMAIN).changed
    assert stored.bounce_domain(world.conn, DOMAIN) is None
    assert [facts["before"] for _, _, facts in log.entries] == [None, *["bounces.example.com"] * 2, None]


@pytest.mark.parametrize("name", [DOMAIN, "other.example.com"])
def test_a_domain_that_people_answer_to_is_refused_unless_said(world, ann, name):
    world.execute("INSERT INTO sender_domain (domain) VALUES ('other.example.com')")
    with pytest.raises(InvalidInput) as refused:
        sender_domains.set_bounce_domain(world.conn, ann, DOMAIN, name.upper())
    assert refused.value.code == "bounce_domain_sends"
    assert f"bounces.{DOMAIN}" in str(refused.value)
    assert stored.bounce_domain(world.conn, DOMAIN) is None
    sender_domains.set_bounce_domain(world.conn, ann, DOMAIN, name, even_sender_domain=True)
    assert stored.bounce_domain(world.conn, DOMAIN) == name


def test_what_is_no_domain_is_refused_and_leaves_what_was_set(world, ann):
    sender_domains.set_bounce_domain(world.conn, ann, DOMAIN, "bounces.example.com")
    with pytest.raises(InvalidInput):
        sender_domains.set_bounce_domain(world.conn, ann, DOMAIN, "x'; DROP TABLE sender_domain; --")
    assert stored.bounce_domain(world.conn, DOMAIN) == "bounces.example.com"


def test_several_domains_may_share_one_bounce_domain(world, ann):
    for domain in (DOMAIN, "other.example.com"):
        sender_domains.set_bounce_domain(world.conn, ann, domain, "bounces.example.com")
    assert set(stored.bounce_domains(world.conn).values()) == {"bounces.example.com"}


def test_of_changes_at_the_same_time_each_knows_the_one_before(world):
    def change(number: int) -> tuple[str | None, str]:
        log, name = Log(), f"bounces{number}.example.com"
        with connected(world.dsn) as conn:
            sender_domains.set_bounce_domain(conn, Actor(name="ann", audit=log), DOMAIN, name)
        return log.entries[0][2]["before"], name

    with ThreadPoolExecutor(8) as threads:
        steps = dict(threads.map(change, range(16)))
    assert len(steps) == 16, "no two changes were made of the same state"
    walked, now = [], None
    while now in steps:
        now = steps[now]
        walked.append(now)
    assert len(walked) == 16
    assert stored.bounce_domain(world.conn, DOMAIN) == now
