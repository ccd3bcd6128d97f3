"""From a recipient group to the mail server, step by step and repeated at will: nothing lost, nothing twice."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application.test_sends import TestSend, test_send
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.task_status import TaskStatus
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.errors import InvalidInput, QuotaError, QuotaExhausted, TemplateError, TransportUnavailable
from ses_ops.sending.recover import recover
from ses_ops.storage.connection import transaction
from ses_ops.storage.tasks import send_tasks
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.integration.sending_world import DOMAIN, quota
from tests.recording_smtp import RecordingServer

#: Seconds of a quota day that a test waits for the end of. A busy machine sends what it allows within it.
SHORT_DAY = 10


def wait_for_a_young_day() -> None:
    """Until most of a short day is still to come."""
    gone = time.time() % SHORT_DAY
    if gone > SHORT_DAY / 5:
        time.sleep(SHORT_DAY - gone + 0.05)


def wait_for_mail(server: RecordingServer, count: int, sender: threading.Thread) -> None:
    """Wait until the mail server has accepted so many messages of a sender that lives."""
    while server.total < count:
        assert sender.is_alive(), f"the sender ended after {server.total} messages"
        time.sleep(0.01)


def test_every_recipient_gets_one_message_and_the_ledger_says_so(world, mail_server):
    world.group("customers", 300)
    world.task("hello", group="customers")
    settlement = world.whole_run(world.run("hello"))
    assert (settlement.sent, settlement.resume_at) == (300, None)
    assert len(mail_server.accepted) == 300
    assert set(mail_server.accepted.values()) == {1}
    assert world.overview("hello").status is TaskStatus.FINISHED
    world.check_ledger()


def test_mail_over_the_quota_is_cached_and_the_next_run_sends_it(world, mail_server):
    world.quota_variable = quota(100, day_length=f"PT{SHORT_DAY}S")
    world.group("customers", 250)
    world.task("hello", group="customers")
    wait_for_a_young_day()
    first = world.whole_run(world.run("hello"))
    overview = world.overview("hello")
    assert (first.sent, first.cached, overview.status) == (100, 150, TaskStatus.PAUSED)
    assert "quota" in overview.reason
    assert first.resume_run_id.startswith("resume__")
    sent = [100]
    for _ in range(2):
        due = world.overview("hello").next_run_at
        time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()) + 0.05)
        sent.append(world.whole_run(world.run("hello", RunKind.RESUME)).sent)
        world.check_ledger()
    assert sent == [100, 200, 250]
    assert set(mail_server.accepted.values()) == {1}
    assert mail_server.total == 250
    assert world.overview("hello").status is TaskStatus.FINISHED


def test_a_resume_before_its_time_sends_nothing(world, mail_server):
    world.quota_variable = quota(100)
    world.group("customers", 250)
    world.task("hello", group="customers")
    settlement = world.whole_run(world.run("hello"))
    assert settlement.resume_at - datetime.now(UTC) > timedelta(hours=23, minutes=59)
    world.quota_variable = quota(1_000)
    again = world.whole_run(world.run("hello", RunKind.RESUME))
    assert (again.sent, mail_server.total) == (100, 100)
    by_hand = world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert (by_hand.sent, mail_server.total) == (250, 250)


def test_repeating_every_step_and_deleting_the_run_mails_nobody_twice(world, mail_server):
    world.group("customers", 120)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    world.freeze(run)
    chunks = world.reserve(run, chunk_size=50)
    assert world.reserve(run, chunk_size=50).chunk_ids == chunks.chunk_ids
    assert len(chunks.chunk_ids) == 3
    for _ in range(2):
        for chunk_id in chunks.chunk_ids:
            world.send(chunk_id, run)
        world.settle(run)
    world.whole_run(world.run("hello"))
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert mail_server.total == 120
    world.check_ledger()


def test_sending_to_the_whole_group_again_is_an_explicit_choice(world, mail_server):
    world.group("customers", 10)
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    run = world.run("hello", RunKind.TRIGGERED, send_again=True)
    world.whole_run(run)
    world.whole_run(run)
    assert set(mail_server.accepted.values()) == {2}
    assert world.overview("hello").request_count == 20


def test_every_trigger_of_a_triggered_task_is_one_occurrence(world, mail_server):
    world.group("customers", 10)
    world.task("hello", group="customers", type="triggered")
    for run_id in ("a", "a", "b"):
        world.whole_run(world.run("hello", RunKind.TRIGGERED, run_id=run_id))
    assert set(mail_server.accepted.values()) == {2}


def test_an_address_suppressed_while_its_mail_is_cached_never_gets_it(world, mail_server):
    world.quota_variable = quota(5)
    world.group("customers", 10)
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) VALUES (%s, %s, 'unsubscribe')",
        "customers-2@customers.example",
        "customers-2@customers.example",
    )
    world.task("hello", group="customers")
    world.whole_run(world.run("hello"))
    assert mail_server.total == 5
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) VALUES (%s, %s, 'unsubscribe')",
        "customers-9@customers.example",
        "customers-9@customers.example",
    )
    world.quota_variable = quota(100)
    world.whole_run(world.run("hello", RunKind.TRIGGERED))
    overview = world.overview("hello")
    assert (overview.sent_count, overview.suppressed_count) == (8, 2)
    assert not {"customers-2@customers.example", "customers-9@customers.example"} & set(mail_server.accepted)
    assert overview.status is TaskStatus.FINISHED
    world.check_ledger()


def test_a_refused_recipient_fails_with_code_and_text_and_the_others_go_out(world, mail_server):
    mail_server.refuse = lambda recipient: b"550 5.1.1 no such user" if recipient.startswith("customers-3@") else None
    world.group("customers", 10)
    world.task("hello", group="customers")
    settlement = world.whole_run(world.run("hello"))
    assert (settlement.sent, settlement.failed) == (9, 1)
    ((code, text),) = world.rows("SELECT smtp_code, smtp_text FROM message WHERE state = 'failed'")
    assert code == 550
    assert "no such user" in text
    world.check_ledger()


def test_a_temporary_refusal_is_cached_with_its_reason_and_goes_out_later(world, mail_server, monkeypatch):
    monkeypatch.setattr("ses_ops.sending.chunk.deferred.RETRY_DELAYS", (0.1,))
    mail_server.refuse = lambda recipient: b"451 4.7.1 come back" if recipient.startswith("customers-3@") else None
    world.group("customers", 10)
    world.task("hello", group="customers")
    settlement = world.whole_run(world.run("hello"))
    assert (settlement.sent, settlement.cached) == (9, 1)
    assert "come back" in world.overview("hello").reason
    mail_server.refuse = None
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 10
    assert set(mail_server.accepted.values()) == {1}
    world.check_ledger()


def test_a_server_that_is_away_loses_nothing_and_the_reason_is_on_show(world, mail_server):
    world.group("customers", 10)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    good, world.smtp_uri = world.smtp_uri, "smtp://127.0.0.1:1?unavailable_after=0.5"
    with pytest.raises(TransportUnavailable):
        world.send(chunk_id, run)
    settlement = world.settle(run)
    assert (settlement.cached, settlement.sent) == (10, 0)
    assert "127.0.0.1:1" in settlement.reason
    assert world.rows("SELECT reserved, used FROM quota_day") == [(0, 0)]
    world.smtp_uri = good
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 10
    world.check_ledger()


def test_cached_mail_of_another_task_has_first_call_on_the_next_day(world, mail_server):
    world.quota_variable = quota(100, day_length=f"PT{SHORT_DAY}S")
    world.group("old", 150)
    world.group("new", 100)
    world.task("old", group="old")
    wait_for_a_young_day()
    world.whole_run(world.run("old"))
    due = world.overview("old").next_run_at
    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()) + 0.05)
    world.task("new", group="new")
    new = world.whole_run(world.run("new"))
    assert (new.sent, new.cached) == (50, 50)
    assert world.whole_run(world.run("old", RunKind.RESUME)).sent == 150
    world.check_ledger()


def test_pause_stops_the_mail_within_seconds_and_resume_goes_on(world, mail_server):
    mail_server.delay = 0.05
    world.smtp_uri += "?connections=2"
    world.group("customers", 2_000)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    sender = threading.Thread(target=world.send, args=(chunk_id, run))
    sender.start()
    wait_for_mail(mail_server, 20, sender)
    with transaction(world.conn):
        send_tasks.pause(world.conn, "hello", reason="by a test")
    paused_at = mail_server.total
    sender.join(60)
    assert not sender.is_alive()
    stopped_at = mail_server.total
    assert stopped_at - paused_at <= 160, "it went on for more than four seconds, at 40 messages a second"
    overview = world.overview("hello")
    assert (overview.status, overview.reason) == (TaskStatus.PAUSED, "by a test")
    assert overview.sent_count == stopped_at < 2_000
    world.settle(run)
    with transaction(world.conn):
        send_tasks.resume(world.conn, "hello")
    mail_server.delay = 0.0
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 2_000
    assert set(mail_server.accepted.values()) == {1}
    world.check_ledger()


def test_a_stop_writes_every_outcome_and_a_repeat_goes_on(world, mail_server):
    mail_server.delay = 0.05
    world.group("customers", 1_000)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    stop = threading.Event()
    threading.Timer(0.4, stop.set).start()
    report = world.send(chunk_id, run, stop)
    assert report.ending == "stopped"
    assert report.sent == mail_server.total
    mail_server.delay = 0.0
    assert world.send(chunk_id, run).sent + report.sent == 1_000
    assert set(mail_server.accepted.values()) == {1}
    assert world.settle(run).unknown == 0


def test_a_late_start_waits_for_a_person_with_the_reason_on_show(world, mail_server):
    world.group("customers", 10)
    world.task("hello", group="customers", type="scheduled", start_at="2099-01-01 09:00")
    late = datetime.now(UTC) - timedelta(hours=3)
    world.started_at("hello", late)
    frozen = world.freeze(world.run("hello", logical_at=late))
    assert "missed by 3 h" in frozen.held_reason
    overview = world.overview("hello")
    assert overview.status is TaskStatus.WAITING
    assert "missed by 3 h" in overview.error
    assert mail_server.total == 0
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 10


def test_variables_that_do_not_match_are_refused_before_a_mail_leaves(world, mail_server):
    world.group("customers", 10)
    world.task("hello", group="customers", subject="{{ nickname }}")
    with pytest.raises(TemplateError, match="nickname"):
        world.freeze(world.run("hello"))
    overview = world.overview("hello")
    assert overview.status is TaskStatus.ERROR
    assert "nickname" in overview.error
    assert mail_server.total == 0


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ({}, "no entry"),
        ({DOMAIN: {"plan": [0], "started_on": "2026-01-01"}}, "plan"),
        ({DOMAIN: {"plan": "standard", "started_on": "soon"}}, "started_on"),
        ({DOMAIN: {"plan": "standard", "started_on": "2026-01-01", "dayly_limit": 3}}, "dayly_limit"),
    ],
)
def test_a_wrong_variable_names_domain_and_field_and_loses_nothing(world, mail_server, variable, words):
    world.group("customers", 10)
    world.task("hello", group="customers")
    world.quota_variable = variable
    run = world.run("hello")
    world.freeze(run)
    with pytest.raises(QuotaError, match=words) as caught:
        world.reserve(run)
    assert DOMAIN in str(caught.value)
    assert world.overview("hello").status is TaskStatus.ERROR
    assert world.settle(run).error
    world.quota_variable = quota(100)
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 10


def test_the_variable_not_being_set_is_one_clear_error(world):
    world.group("customers", 1)
    world.task("hello", group="customers")
    world.quota_variable = None
    run = world.run("hello")
    world.freeze(run)
    with pytest.raises(InvalidInput, match="ses_warmup_quota is not set"):
        world.reserve(run)


def test_a_test_send_reaches_each_address_once_and_over_quota_fails_whole(world, mail_server):
    settings = smtp_settings_from_connection_uri(world.smtp_uri)
    more = {"smtp": settings, "templates_root": world.templates, "stop": threading.Event()}
    order = TestSend(
        template="hello",
        sender=f"news@{DOMAIN}",
        recipients=["a@example.com", "b@example.com"],
        values={"name": "You"},
    )
    for _ in range(2):
        test_send(world.dsn, order, run_id="one", plans=QuotaPlans.parse(quota(3)), **more)
    assert dict(mail_server.accepted) == {"a@example.com": 1, "b@example.com": 1}
    with pytest.raises(QuotaExhausted, match="no room"):
        test_send(world.dsn, order, run_id="two", plans=QuotaPlans.parse(quota(3)), **more)
    assert mail_server.total == 2
    assert world.rows("SELECT reserved, used FROM quota_day") == [(0, 2)]
    with pytest.raises(InvalidInput, match="1 to 20 addresses, not 21"):
        test_send(
            world.dsn,
            TestSend(template="hello", sender=f"news@{DOMAIN}", recipients=["a@example.com"] * 21, values={}),
            run_id="three",
            plans=QuotaPlans.parse(quota(100)),
            **more,
        )


def test_recovery_names_overdue_tasks_and_releases_chunks_of_dead_runs(world, mail_server):
    world.group("customers", 10)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    world.reserve(run)
    assert recover(world.conn) == []
    nothing = timedelta(0)
    (overdue,) = recover(world.conn, due_timeout=nothing, reserved_timeout=nothing)
    assert overdue.task_name == "hello"
    assert overdue.run_id.startswith("resume__")
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 10
    assert recover(world.conn, due_timeout=nothing, reserved_timeout=nothing) == []


def test_the_database_going_away_in_mid_send_is_waited_out(postgres, tmp_path):
    """On a server of its own, because it is stopped."""
    from ses_ops.storage.migrate import upgrade
    from tests.integration.sending_world import World
    from tests.postgres_server import PostgresServer

    server = PostgresServer.create()
    server.start()
    try:
        server.execute("CREATE DATABASE ses")
        upgrade(server.dsn("ses"))
        with RecordingServer(delay=0.01) as mail:
            world = World(dsn=server.dsn("ses"), templates=tmp_path, smtp_uri=mail.uri + "?connections=4")
            world.group("customers", 1_500)
            world.task("hello", group="customers")
            run = world.run("hello")
            world.freeze(run)
            (chunk_id,) = world.reserve(run).chunk_ids
            world.close()
            reports = []
            sender = threading.Thread(target=lambda: reports.append(world.send(chunk_id, run)))
            sender.start()
            wait_for_mail(mail, 200, sender)
            server.stop("immediate")
            time.sleep(1)
            server.start()
            sender.join(60)
            assert [report.ending for report in reports] == ["finished"]
            assert set(mail.accepted.values()) == {1}
            assert mail.total == 1_500
    finally:
        server.stop("immediate")
        server.remove()
