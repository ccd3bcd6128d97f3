"""A recurring or triggered task gets a sender of another domain: each message counts where it is sent from."""

from __future__ import annotations

import threading
import time

from ses_ops.domain.occurrence import RunKind
from tests.integration.sending_world import DOMAIN, quota

OTHER = "other.example.org"


def used(world) -> dict[str, tuple[int, int]]:
    rows = world.rows("SELECT sender_domain, reserved, used FROM quota_day")
    return {domain: (reserved, used) for domain, reserved, used in rows}


def move(world) -> None:
    world.task("hello", group="customers", type="triggered", sender=f"Other <news@{OTHER}>")


def senders(mail_server) -> dict[str, int]:
    text = [content.decode() for content in mail_server.contents.values()]
    return {domain: sum(f"<news@{domain}>" in one for one in text) for domain in (DOMAIN, OTHER)}


def test_mail_reserved_from_one_domain_never_leaves_from_another(world, mail_server):
    world.quota_variable = {**quota(100), **quota(30, domain=OTHER)}
    world.group("customers", 50)
    world.task("hello", group="customers", type="triggered")
    run = world.run("hello", RunKind.TRIGGERED)
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    move(world)
    assert "another sender domain" in world.send(chunk_id, run).ending
    assert mail_server.total == 0
    world.settle(run)
    assert used(world) == {DOMAIN: (0, 0)}
    assert world.rows("SELECT DISTINCT sender_domain FROM chunk") == [(OTHER,)]
    settlement = world.whole_run(world.run("hello", RunKind.RESUME))
    assert (settlement.sent, settlement.cached) == (30, 20)
    assert used(world) == {DOMAIN: (0, 0), OTHER: (0, 30)}
    assert senders(mail_server) == {DOMAIN: 0, OTHER: 30}
    world.check_ledger()


def test_a_sender_that_changes_in_mid_send_stops_the_rest(world, mail_server):
    mail_server.delay = 0.02
    world.smtp_uri += "?connections=2"
    world.quota_variable = {**quota(1_000), **quota(1_000, domain=OTHER)}
    world.group("customers", 400)
    world.task("hello", group="customers", type="triggered")
    run = world.run("hello", RunKind.TRIGGERED)
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    sender = threading.Thread(target=world.send, args=(chunk_id, run))
    sender.start()
    while mail_server.total < 20:
        time.sleep(0.005)
    move(world)
    sender.join(60)
    first = mail_server.total
    assert first < 400
    world.settle(run)
    mail_server.delay = 0
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 400
    assert senders(mail_server) == {DOMAIN: first, OTHER: 400 - first}
    assert used(world) == {DOMAIN: (0, first), OTHER: (0, 400 - first)}
    assert set(mail_server.accepted.values()) == {1}
    world.check_ledger()


def test_cached_mail_waits_for_the_quota_of_the_new_domain(world, mail_server):
    world.quota_variable = {**quota(10), **quota(100, domain=OTHER)}
    world.group("customers", 50)
    world.task("hello", group="customers", type="triggered")
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    move(world)
    assert world.rows("SELECT DISTINCT sender_domain FROM chunk WHERE state = 'cached'") == [(OTHER,)]
    world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 50
    assert used(world) == {DOMAIN: (0, 10), OTHER: (0, 40)}
    assert senders(mail_server) == {DOMAIN: 10, OTHER: 40}
