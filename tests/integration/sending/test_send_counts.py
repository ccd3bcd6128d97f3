"""What an attempt did is counted in the transaction that ends it, by mailbox provider and by why it was refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ses_ops.application.callbacks.posting import make_posts
from ses_ops.application.event_recount import recount_events
from ses_ops.application.record_engagement import record_engagement
from ses_ops.application.record_events import record_events
from ses_ops.application.task_decisions import UnknownDecision, resolve_unknown, retry_failed
from ses_ops.domain.engagement import Engagement, EngagementKind
from ses_ops.domain.message_event import EventKind, MessageEvent, MessageKey
from ses_ops.domain.occurrence import RunKind
from ses_ops.events.tokens import address_check
from ses_ops.sending.recover import recover
from ses_ops.storage.callbacks.endpoints import active
from ses_ops.storage.callbacks.waiting_posts import claim
from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger.send_counts import COUNTED
from tests.actors import ANYBODY
from tests.integration.sending_world import DOMAIN, World, quota
from tests.recording_smtp import RecordingServer

#: Each address, the server's answer to it, and the provider and column that count it.
PEOPLE = (
    ("ann@gmail.com", None, "google", "accepted"),
    ("bo@gmail.com", b"550 5.1.1 no such user", "google", "invalid"),
    ("cy@outlook.com", b"550 5.7.1 message refused as spam", "microsoft", "spam_refused"),
    ("di@shop.example", b"554 5.7.1 listed at zen.spamhaus.org", "other", "spam_refused"),
    ("ed@shop.example", b"550 5.7.26 DKIM check failed", "other", "infrastructure"),
    ("fi@school.example", b"552 5.2.2 mailbox full", "other", "other_refused"),
    ("gus@yahoo.com", b"550 5.7.0 authentication required", "yahoo", "infrastructure"),
    ("hal@yahoo.com", None, "yahoo", "suppressed"),
    ("ira@sub.yahoo.co.jp", None, "yahoo-japan", "accepted"),
    ("success@simulator.amazonses.com", None, "simulator", "accepted"),
    ("bounce+1@simulator.amazonses.com", b"550 5.1.1 no such user", "simulator", "invalid"),
)


@pytest.fixture
def people(world: World, mail_server: RecordingServer) -> dict[tuple[str, str], int]:
    """A group of people, and what is counted of a mailing to it by (provider, column)."""
    answers = {address: answer for address, answer, _, _ in PEOPLE}
    mail_server.refuse = answers.get
    world.group("people", 0)
    world.execute(
        "INSERT INTO recipient (group_id, position, address, address_key, values)"
        ' SELECT g.id, p.n, p.a, lower(p.a), \'{"name": "x"}\''
        " FROM recipient_group g, json_array_elements_text(%s) WITH ORDINALITY p (a, n)",
        json.dumps([one[0] for one in PEOPLE]),
    )
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) VALUES ('hal@yahoo.com', 'hal@yahoo.com', 'manual')"
    )
    world.task("hello", group="people")
    expected: dict[tuple[str, str], int] = {}
    for _, _, provider, column in PEOPLE:
        expected[provider, column] = expected.get((provider, column), 0) + 1
    return expected


def counted(world: World) -> dict[tuple[str, str], int]:
    """By (provider, column)."""
    columns = ", ".join(f"sum({one})::int" for one in COUNTED)
    rows = world.rows(f"SELECT mailbox_provider, {columns} FROM send_count GROUP BY 1")
    return {(row[0], name): count for row in rows for name, count in zip(COUNTED, row[1:], strict=True) if count}


def test_each_outcome_counts_for_its_provider_by_its_reason(world, people):
    run = world.run("hello")
    world.freeze(run)
    world.execute("UPDATE message SET state = 'queued' WHERE address_key = 'hal@yahoo.com'")  # suppressed while sending
    world.execute("UPDATE chunk SET pending = pending + suppressed, suppressed = 0")
    for chunk in world.reserve(run).chunk_ids:
        world.send(chunk, run)
    assert counted(world) == people
    ((domain, day, is_test),) = world.rows("SELECT DISTINCT sender_domain, sent_day, is_test FROM send_count")
    assert (domain, is_test) == (DOMAIN, False)
    assert [(day,)] == world.rows("SELECT starts_at FROM quota_day")
    world.check_ledger()
    assert recount_events(world.conn, ANYBODY, repair=False).attempts_wrong == 0


def test_what_comes_back_counts_on_the_day_of_its_attempt_also_when_the_outcome_was_written_after_midnight(
    world, people
):
    world.whole_run(world.run("hello"))
    ((occurrence, seq),) = world.rows("SELECT occurrence_id, seq FROM message WHERE address_key = 'ann@gmail.com'")
    world.execute("UPDATE message SET changed_at = changed_at + interval '1 day'")
    key = MessageKey(occurrence_id=occurrence, seq=seq, address_check=address_check("ann@gmail.com"))
    ((at,),) = world.rows("SELECT now()")
    record_events(
        world.conn,
        [MessageEvent(kind=EventKind.BOUNCED, source="custom", source_id="1", occurred_at=at, message=key, hard=True)],
    )
    day_of_sending = world.rows("SELECT DISTINCT sent_day FROM send_count")
    assert world.rows("SELECT sent_day FROM feedback_count") == day_of_sending
    opened = Engagement(
        kind=EngagementKind.OPENED, source="tracking", source_id="1", occurred_at=at, message=key, user_agent="Mozilla"
    )
    record_engagement(world.conn, [opened])
    assert world.rows("SELECT sent_day FROM engagement_count") == day_of_sending


def test_messages_that_are_tried_again_stay_counted_where_they_failed(world, people, mail_server):
    world.whole_run(world.run("hello"))
    before = counted(world)
    mail_server.refuse = lambda recipient: None
    retry_failed(world.conn, ANYBODY, "hello")
    world.execute("UPDATE suppression SET reason = 'manual', expires_at = now() WHERE reason = 'hard_bounce'")
    world.whole_run(world.run("hello", RunKind.RESUME))
    after = counted(world)
    assert {key: count for key, count in after.items() if key[1] != "accepted"} == {
        key: count for key, count in before.items() if key[1] != "accepted"
    }
    assert sum(count for key, count in after.items() if key[1] == "accepted") > 3
    world.check_ledger()
    assert recount_events(world.conn, ANYBODY, repair=False).attempts_wrong == 0


def _died(world: World, count: int) -> None:
    """A process died long ago with all its messages marked, and without a journal here."""
    world.group("customers", count)
    world.task("letters", group="customers")
    run = world.run("letters")
    world.freeze(run)
    (chunk,) = world.reserve(run).chunk_ids
    world.die_in_mid_send(chunk, marked=count)
    world.execute("UPDATE chunk SET reserved_at = now() - interval '1 hour'")
    world.execute("UPDATE attempt SET heartbeat_at = now() - interval '1 hour'")


def test_an_attempt_that_died_is_counted_when_another_process_finds_it(world):
    _died(world, 10)
    recover(world.conn)
    assert counted(world) == {("other", "unknown"): 10}
    world.check_ledger()


@pytest.mark.parametrize(
    ("decision", "expected"),
    [(UnknownDecision.ASSUME_SENT, {("other", "accepted"): 10}), (UnknownDecision.RESEND, {})],
)
def test_a_person_decides_what_messages_in_doubt_count_as(world, decision, expected):
    _died(world, 10)
    recover(world.conn)
    resolve_unknown(world.conn, ANYBODY, "letters", decision)
    assert counted(world) == expected
    assumed = world.rows("SELECT assumed, assumed_at IS NOT NULL FROM send_count")
    assert assumed == [(10, True) if decision is UnknownDecision.ASSUME_SENT else (0, False)]
    world.check_ledger()


def test_a_recount_finds_what_is_counted_wrongly_of_an_attempt_and_sets_it_right(world, people):
    world.whole_run(world.run("hello"))
    before = world.rows("SELECT * FROM send_count ORDER BY 1, 2")
    world.execute("UPDATE send_count SET accepted = accepted + 5 WHERE mailbox_provider = 'google'")
    assert recount_events(world.conn, ANYBODY, repair=False).attempts_wrong == 1
    world.execute("DELETE FROM send_count WHERE mailbox_provider = 'yahoo'")
    assert recount_events(world.conn, ANYBODY, repair=True).attempts_wrong == 1
    assert recount_events(world.conn, ANYBODY, repair=False).attempts_wrong == 0
    after = world.rows("SELECT * FROM send_count ORDER BY 1, 2")
    assert [row[:2] + row[6:] for row in after] == [row[:2] + row[6:] for row in before]


def test_a_test_send_counts_in_no_rate(world):
    world.quota_variable = quota(50)
    world.group("customers", 3)
    world.task("hello", group="customers")
    world.execute("UPDATE send_task SET type = 'test'")
    world.whole_run(world.run("hello"))
    assert world.rows("SELECT DISTINCT is_test FROM send_count") == [(True,)]


def test_the_callback_of_a_refusal_tells_of_it_also_when_the_message_was_accepted_since(world, mail_server):
    world.execute(
        "INSERT INTO callback_endpoint (name, url, format, secret) VALUES ('e', 'https://e.example/', 'native', '')"
    )
    world.group("people", 1)
    world.task("letters", group="people")
    mail_server.refuse = lambda recipient: b"554 5.7.1 called spam"
    world.whole_run(world.run("letters"))
    mail_server.refuse = lambda recipient: None
    retry_failed(world.conn, ANYBODY, "letters")
    world.whole_run(world.run("letters", RunKind.RESUME))
    assert world.states() == {"sent": 1}
    with transaction(world.conn):
        (endpoint,) = active(world.conn, stop_after_days=3)
        taken, _ = claim(world.conn, endpoint_id=endpoint.id, limit=10, lease=timedelta(minutes=1))
        (post,), gone = make_posts(world.conn, endpoint, taken)
    told = json.loads(post.body)["data"]
    assert (told["kind"], told["failure"]["smtp_code"], gone) == ("refused", 554, [])
    assert told["failure"]["diagnostic"] == ""
