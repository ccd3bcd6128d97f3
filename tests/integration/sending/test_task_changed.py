"""A task is changed while its mail leaves: each message is of one edition, and the ledger knows of which."""

from __future__ import annotations

import threading
import time

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.sending import send as send_chunk
from ses_ops.storage.tasks.editions import editions
from ses_ops.transports.errors import MailRefused
from tests.integration.sending_world import DOMAIN, quota


def subjects(mail_server) -> dict[str, int]:
    texts = [content.decode() for content in mail_server.contents.values()]
    return {word: sum(f"\r\nSubject: {word} " in one for one in texts) for word in ("Old", "New")}


def by_edition(world) -> dict[int, int]:
    """Messages that were sent, by the edition of the attempt that sent them."""
    return dict(
        world.rows(
            "SELECT a.edition, count(*)::int FROM message m JOIN attempt a ON a.id = m.attempt_id"
            " WHERE m.state = 'sent' GROUP BY 1"
        )
    )


def shown(world) -> dict[int, int]:
    task_id = world.overview("hello").id
    counts = {one.number: one.sent for one in editions(world.conn, task_id)}
    world.conn.rollback()
    return counts


def change(world, **more) -> None:
    """Only what a task may still become that has begun."""
    world.task("hello", group="customers", subject="New {{ name }}", **more)


def test_a_change_in_mid_send_reaches_all_that_the_sender_has_not_in_hand(world, mail_server):
    mail_server.delay = 0.02
    world.smtp_uri += "?connections=2"
    world.group("customers", 400)
    world.task("hello", group="customers", subject="Old {{ name }}")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    reports = []
    sender = threading.Thread(target=lambda: reports.append(world.send(chunk_id, run)))
    sender.start()
    while mail_server.total < 20:
        time.sleep(0.005)
    change(world)
    sender.join(60)
    assert reports[0].ending == "released: the task was changed"
    first = mail_server.total
    assert first < 400
    assert world.settle(run).cached == 400 - first
    mail_server.delay = 0
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 400
    assert set(mail_server.accepted.values()) == {1}, "nobody gets it twice"
    assert subjects(mail_server) == {"Old": first, "New": 400 - first}
    assert by_edition(world) == shown(world) == {1: first, 2: 400 - first}
    world.check_ledger()


def test_a_sender_that_has_read_the_task_before_a_change_sends_nothing_of_it(world, mail_server, monkeypatch):
    world.group("customers", 30)
    world.task("hello", group="customers", subject="Old {{ name }}")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    claim = send_chunk.claim_chunk

    def changed_before(*given, **more):
        change(world)
        return claim(*given, **more)

    monkeypatch.setattr(send_chunk, "claim_chunk", changed_before)
    assert world.send(chunk_id, run).ending == "released: the task was changed"
    monkeypatch.setattr(send_chunk, "claim_chunk", claim)
    world.settle(run)
    assert mail_server.total == 0
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 30
    assert subjects(mail_server) == {"Old": 0, "New": 30}
    world.check_ledger()


def test_mail_that_is_tried_again_leaves_as_changed(world, mail_server):
    world.group("customers", 20)
    world.task("hello", group="customers", subject="Old {{ name }}")
    mail_server.refuse = lambda to: b"451 4.2.1 later" if to.startswith("customers-1") else None
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    stop = threading.Event()
    sender = threading.Thread(target=world.send, args=(chunk_id, run, stop))
    sender.start()
    while world.states() != {"sent": 9, "requeued": 11}:
        time.sleep(0.02)
    stop.set()
    sender.join(60)
    assert world.settle(run).cached == 11
    change(world)
    mail_server.refuse = None
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 20
    assert subjects(mail_server) == {"Old": 9, "New": 11}
    world.check_ledger()


def test_a_change_of_the_schedule_alone_stops_no_sender(world, mail_server):
    world.group("customers", 10)
    world.task(
        "hello", group="customers", type="recurring", every="1d", start_at="2098-01-01", subject="Old {{ name }}"
    )
    world.freeze(world.run("hello", RunKind.TRIGGERED, send_again=True))
    world.task(
        "hello", group="customers", type="recurring", every="2d", start_at="2098-01-01", subject="Old {{ name }}"
    )
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 10
    assert shown(world) == {1: 10}


def test_mail_that_was_refused_need_not_wait_as_long_once_it_is_another(world, mail_server):
    world.quota_variable = quota(100)
    world.group("customers", 60)
    world.task("hello", group="customers", subject="Old {{ name }}")
    mail_server.refuse = lambda _: b"550 5.7.1 relaying denied"
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    with pytest.raises(MailRefused, match="relaying denied"):
        world.send(chunk_id, run)
    assert world.settle(run).cached == 60
    mail_server.refuse = None
    assert world.reserve(world.run("hello", RunKind.RESUME)).reserved == 0, "the server that refused all is left alone"
    change(world, sender=f"Right <right@{DOMAIN}>")
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 60


def test_roles_are_no_matter_of_the_mail_and_change_as_long_as_there_is_the_task(world):
    world.group("customers", 3)
    world.task("hello", group="customers", roles="MailTeam")
    world.whole_run(world.run("hello"))
    assert world.overview("hello").status == "finished"
    world.execute("UPDATE send_task SET error = 'something to mend'")
    world.task("hello", group="customers", roles="Sales, MailTeam")
    assert world.rows("SELECT roles, error, edition FROM send_task") == [
        (["MailTeam", "Sales"], "something to mend", 1)
    ]
    world.task("hello", group="customers")
    assert world.rows("SELECT roles FROM send_task") == [([],)]
