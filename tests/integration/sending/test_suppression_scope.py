"""An entry of the suppression list holds for all mail or for the bulk mail of one sender domain."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from ses_ops.application import task_decisions
from ses_ops.application.test_sends import TestSend, test_send
from ses_ops.domain.message_event import EventKind
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.storage.audience import recipients
from ses_ops.storage.ledger.failures import failed_by_code
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.actors import ANYBODY
from tests.integration.events.mailing import sent
from tests.integration.sending.test_suppressed_meanwhile import address, cached_after_five
from tests.integration.sending_world import DOMAIN, quota

OTHER = "mail.other.example"


def entry(world, number: int, *scopes: str, reason: str = "unsubscribe") -> None:
    for scope in scopes:
        world.execute(
            "INSERT INTO suppression (address_key, address, scope, reason) VALUES (%s, %s, %s, %s)",
            address(number),
            address(number),
            scope,
            reason,
        )


@pytest.fixture
def entries(world):
    """1 gets no mail of another domain, 2 none of ours, 3 none at all, 4 neither and for two reasons."""
    entry(world, 1, OTHER)
    entry(world, 2, DOMAIN)
    entry(world, 3, "", reason="hard_bounce")
    entry(world, 4, "", DOMAIN, OTHER, reason="complaint")


def test_a_new_audience_is_without_them_and_each_is_in_it_once(world, mail_server, entries):
    world.group("customers", 5)
    world.task("hello", group="customers")
    group = recipients.find_group(world.conn, "customers")
    assert recipients.suppressed_count(world.conn, group.id) == 2
    assert recipients.suppressed_count(world.conn, group.id, sender_domain=DOMAIN) == 3
    assert len(recipients.look(world.conn, group.id, line=1, limit=9)) == 5
    world.conn.rollback()
    world.whole_run(world.run("hello"))
    assert dict(mail_server.accepted) == {address(1): 1, address(5): 1}
    assert world.overview("hello").suppressed_count == 3
    world.check_ledger()


def test_mail_that_was_cached_when_the_address_left_is_not_sent(world, mail_server):
    cached_after_five(world)
    entry(world, 6, OTHER)
    entry(world, 7, DOMAIN)
    entry(world, 8, "", DOMAIN)
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert set(mail_server.accepted) == {address(n) for n in (1, 2, 3, 4, 5, 6, 9, 10)}
    overview = world.overview("hello")
    assert (overview.sent_count, overview.suppressed_count) == (8, 2)
    world.check_ledger()


def test_who_leaves_or_complains_by_another_mailing_gets_no_cached_mail(world, mail_server):
    """The whole way: events of an earlier mailing, recorded while a later one waits for quota."""
    earlier = sent(world, "earlier", [address(6).upper(), address(7), address(8), address(9)])
    elsewhere = sent(world, "elsewhere", [address(10)], sender=f"news@{OTHER}")
    cached_after_five(world)
    earlier.record(
        earlier.event(1, EventKind.UNSUBSCRIBED),
        earlier.event(2, EventKind.COMPLAINED),
        earlier.event(3, EventKind.BOUNCED, hard=True),
        earlier.event(4, EventKind.BOUNCED),
    )
    elsewhere.record(elsewhere.event(1, EventKind.UNSUBSCRIBED))
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert set(mail_server.accepted) == {address(n) for n in (1, 2, 3, 4, 5, 9, 10)}
    assert world.overview("hello").suppressed_count == 3
    world.check_ledger()


def test_mail_that_is_tried_again_when_the_address_left_is_not_sent(world, mail_server):
    mail_server.refuse = lambda recipient: b"451 4.3.0 try again later"
    world.group("customers", 5)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    assert mail_server.accepted == {}
    mail_server.refuse = None
    entry(world, 1, OTHER)
    entry(world, 2, DOMAIN)
    entry(world, 3, "", DOMAIN)
    world.execute("UPDATE chunk SET due_at = now()")
    world.whole_run(world.run("hello", RunKind.RESUME))
    assert dict(mail_server.accepted) == {address(1): 1, address(4): 1, address(5): 1}
    assert world.overview("hello").suppressed_count == 2
    world.check_ledger()


def test_the_failed_are_tried_again_without_them(world, mail_server):
    mail_server.refuse = lambda recipient: b"550 5.2.1 mailbox disabled"
    world.group("customers", 5)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    entry(world, 1, OTHER)
    entry(world, 2, DOMAIN)
    entry(world, 3, "", DOMAIN)
    ((task_id,),) = world.rows("SELECT id FROM send_task WHERE name = 'hello'")
    (failed,) = failed_by_code(world.conn, task_id)
    assert (failed.count, failed.suppressed) == (5, 2)
    assert task_decisions.retry_failed(world.conn, ANYBODY, "hello").count == 3
    world.check_ledger()


def test_a_test_send_counts_as_bulk_mail_of_its_sender_domain(world, mail_server, entries):
    order = TestSend(
        template="hello", sender=f"news@{DOMAIN}", recipients=tuple(map(address, range(1, 6))), values={"name": "Ann"}
    )
    both = quota(100) | quota(100, domain=OTHER)
    options = {
        "plans": QuotaPlans.parse(both),
        "smtp": smtp_settings_from_connection_uri(world.smtp_uri),
        "templates_root": world.templates,
        "stop": threading.Event(),
    }
    test_send(world.dsn, order, run_id="one", **options)
    assert set(mail_server.accepted) == {address(1), address(5)}
    mail_server.accepted.clear()
    test_send(world.dsn, replace(order, sender=f"news@{OTHER}"), run_id="two", **options)
    assert set(mail_server.accepted) == {address(2), address(5)}
    world.check_ledger()
