"""What events do to the suppression list, who is spared, and how a person undoes it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application import held_suppressions, suppressions
from ses_ops.application.record_events import record_events
from ses_ops.application.suppress_by_events import forget_estimates
from ses_ops.console.suppression import list as list_page
from ses_ops.domain.address import parse_address
from ses_ops.domain.message_event import EventKind
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import Conflict
from ses_ops.storage.connection import connected
from ses_ops.storage.suppression import held, lifting
from ses_ops.storage.suppression.lifting import Span
from tests.actors import ANYBODY
from tests.integration.events.mailing import sent
from tests.integration.sending_world import DOMAIN

BOUNCED, COMPLAINED = EventKind.BOUNCED, EventKind.COMPLAINED
UNSUBSCRIBED, RESUBSCRIBED = EventKind.UNSUBSCRIBED, EventKind.RESUBSCRIBED
ADDRESSES = ["Ann@Gmail.com", "bo@shop.example"]
NOW = datetime.now(UTC)


@pytest.fixture
def mailing(world):
    return sent(world, "spring", ADDRESSES)


@pytest.fixture(autouse=True)
def no_estimates():
    forget_estimates()


def suppressed(world):
    return world.rows("SELECT address_key, scope, reason FROM suppression ORDER BY 1, 2")


def test_a_hard_bounce_and_a_complaint_hold_for_all_mail_and_an_unsubscription_for_that_of_the_domain(world, mailing):
    mailing.record(
        mailing.event(1, BOUNCED, hard=True, diagnostic="550 5.1.1 unknown", address="someone.else@other.example"),
        mailing.event(2, UNSUBSCRIBED, source="one_click"),
    )
    assert suppressed(world) == [("ann@gmail.com", "", "hard_bounce"), ("bo@shop.example", DOMAIN, "unsubscribe")]
    assert world.rows(
        "SELECT address, note, source, occurrence_id, seq, mailbox_provider FROM suppression WHERE scope = ''"
    ) == [("Ann@Gmail.com", "550 5.1.1 unknown", "amazon_ses", mailing.occurrence_id, 1, "google")]
    mailing.record(mailing.event(1, COMPLAINED), mailing.event(2, COMPLAINED))
    assert suppressed(world) == [
        ("ann@gmail.com", "", "complaint"),
        ("bo@shop.example", "", "complaint"),
        ("bo@shop.example", DOMAIN, "unsubscribe"),
    ]


def test_nothing_else_suppresses_anybody(world, mailing):
    kinds = (EventKind.DELIVERED, EventKind.DEFERRED, EventKind.DROPPED, RESUBSCRIBED)
    mailing.record(mailing.event(1, BOUNCED), *(mailing.event(1, kind, hard=True) for kind in kinds))
    assert suppressed(world) == []


def test_an_entry_by_hand_for_ever_stays_and_one_that_ends_becomes_one_that_does_not(world, mailing):
    for number, ends in ((0, None), (1, NOW + timedelta(days=1))):
        reason = SuppressionReason.MANUAL
        suppressions.add(
            world.conn, ANYBODY, [parse_address(ADDRESSES[number])], reason=reason, note="by phone", expires_at=ends
        )
    mailing.record(mailing.event(1, BOUNCED, hard=True), mailing.event(2, BOUNCED, hard=True))
    assert world.rows("SELECT address_key, reason, expires_at FROM suppression ORDER BY 1") == [
        ("ann@gmail.com", "manual", None),
        ("bo@shop.example", "hard_bounce", None),
    ]


def test_a_file_cannot_lift_a_complaint(world, mailing):
    mailing.record(mailing.event(1, COMPLAINED))
    text = f"email,reason,expires\nann@gmail.com,manual,{NOW + timedelta(days=2):%Y-%m-%d}\n"
    suppressions.import_file(
        world.conn, ANYBODY, [text.encode()], where="f.csv", report=print, reason="manual", now=NOW
    )
    assert world.rows("SELECT reason, expires_at FROM suppression") == [("complaint", None)]


def test_an_unsubscription_is_taken_back_by_a_newer_one_of_any_message_of_that_domain(world, mailing):
    other = sent(world, "summer", ADDRESSES)
    elsewhere = sent(world, "winter", ADDRESSES, sender="news@other.example")
    mailing.record(mailing.event(1, UNSUBSCRIBED, after=10))
    elsewhere.record(elsewhere.event(1, UNSUBSCRIBED, after=1), elsewhere.event(1, RESUBSCRIBED, after=20))
    assert suppressed(world) == [("ann@gmail.com", DOMAIN, "unsubscribe")]
    other.record(other.event(1, RESUBSCRIBED, after=11))
    assert suppressed(world) == []
    mailing.record(mailing.event(1, UNSUBSCRIBED, after=5))
    assert suppressed(world) == [], "it is older"
    other.record(other.event(1, UNSUBSCRIBED, after=30))
    assert suppressed(world) == [("ann@gmail.com", DOMAIN, "unsubscribe")]


def test_a_resubscription_lifts_nothing_that_was_not_an_unsubscription_by_the_person(world, mailing):
    suppressions.add(
        world.conn,
        ANYBODY,
        [parse_address(ADDRESSES[0])],
        reason=SuppressionReason.UNSUBSCRIBE,
        note="",
        expires_at=None,
    )
    mailing.record(mailing.event(1, COMPLAINED), mailing.event(1, RESUBSCRIBED, after=50))
    assert suppressed(world) == [("ann@gmail.com", "", "complaint")]


def storm(world, count, mailed=0):
    addresses = [f"p{number}@gmail.com" for number in range(max(count, mailed))]
    mailing = sent(world, f"storm-{count}-{mailed}", addresses)
    world.execute("UPDATE attempt SET started_at = now()")
    return mailing, [mailing.event(1 + n, BOUNCED, hard=True, diagnostic="550 5.1.1 Gone") for n in range(count)]


def test_many_new_hard_bounces_of_one_provider_wait_for_a_person(world):
    mailing, events = storm(world, 60)
    world.execute("UPDATE message SET changed_at = now() - interval '2 days'")
    done = mailing.record(*events)
    assert (done.new, done.suppressed, done.held) == (60, 20, 40)
    yahoo = sent(world, "others", ["x@yahoo.com", "p1@gmail.com"])
    assert yahoo.record(yahoo.event(1, BOUNCED, hard=True)).suppressed == 1, "another provider's are believed"
    assert yahoo.record(yahoo.event(2, COMPLAINED)).suppressed == 1, "a complaint is believed"
    assert [(one.mailbox_provider, one.count, one.note) for one in held.by_provider(world.conn)] == [
        ("google", 40, "550 5.1.1 Gone")
    ]
    again = sent(world, "again", ["p50@gmail.com"])
    done = again.record(again.event(1, BOUNCED, hard=True))
    assert (done.suppressed, done.held) == (0, 0), "it waits already"


def test_a_provider_that_was_mailed_much_may_bounce_more(world):
    mailing, events = storm(world, 60, mailed=1_000)
    done = mailing.record(*events)
    assert (done.suppressed, done.held) == (50, 10)


def test_the_guard_counts_one_hour(world):
    mailing, events = storm(world, 60)
    mailing.record(*events[:20])
    assert mailing.record(*events[20:21]).held == 1
    world.execute("UPDATE suppression SET created_at = now() - interval '61 minutes'")
    world.execute("UPDATE suppression_held SET held_at = now() - interval '61 minutes'")
    assert mailing.record(*events[21:31]).suppressed == 10


def test_writers_at_once_do_not_exceed_what_the_guard_allows(world):
    _, events = storm(world, 80)
    world.execute("UPDATE message SET changed_at = now() - interval '2 days'")
    done = []

    def write(which):
        with connected(world.dsn) as conn:
            done.extend(record_events(conn, [event]) for event in events[which::4])

    writers = [threading.Thread(target=write, args=(which,)) for which in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(done) == 80
    assert (sum(one.suppressed for one in done), sum(one.held for one in done)) == (20, 60)


def test_what_waits_is_approved_or_discarded_once(world):
    mailing, events = storm(world, 30)
    world.execute("UPDATE message SET changed_at = now() - interval '2 days'")
    mailing.record(*events)
    assert held_suppressions.approve(world.conn, ANYBODY, "google", until=datetime.now(UTC)).count == 10
    assert len(suppressed(world)) == 30
    with pytest.raises(Conflict, match="no suppressions of google wait"):
        held_suppressions.discard(world.conn, ANYBODY, "google", until=datetime.now(UTC))
    more, bounces = storm(world, 5, mailed=9)
    world.execute("DELETE FROM suppression WHERE address_key IN ('p1@gmail.com', 'p2@gmail.com')")
    more.record(*bounces)
    shown = datetime.now(UTC)
    assert held_suppressions.discard(world.conn, ANYBODY, "google", until=shown).count == 2
    assert len(suppressed(world)) == 28
    assert held.by_provider(world.conn) == []


def test_one_step_lifts_what_was_suppressed_in_a_span_by_reason_provider_and_words(world):
    mailing = sent(world, "spring", ["a@gmail.com", "b@gmail.com", "c@yahoo.com", "d@gmail.com", "e@gmail.com"])
    mailing.record(
        mailing.event(1, BOUNCED, hard=True, diagnostic="550 5.1.1 No Such USER"),
        mailing.event(2, BOUNCED, hard=True, diagnostic="550 gone"),
        mailing.event(3, BOUNCED, hard=True, diagnostic="550 no such user"),
        mailing.event(4, COMPLAINED, diagnostic="no such user"),
        mailing.event(5, BOUNCED, hard=True, diagnostic="550 no such user"),
    )
    world.execute("UPDATE suppression SET created_at = now() - interval '3 hours' WHERE address_key = 'e@gmail.com'")
    world.execute(  # as the sending process makes one, which knows no provider
        "INSERT INTO suppression (address_key, address, reason, note)"
        " VALUES ('f@googlemail.com', 'f@googlemail.com', 'hard_bounce', 'no such user (send task spring)')"
    )
    now = datetime.now(UTC)
    span = Span(
        since=now - timedelta(hours=1),
        until=now + timedelta(hours=1),
        reason=SuppressionReason.HARD_BOUNCE,
        provider="google",
        words="no such user",
    )
    assert lifting.count(world.conn, span) == 2
    assert held_suppressions.lift(world.conn, ANYBODY, span, why="outage").count == 2
    assert [row[0] for row in suppressed(world)] == ["b@gmail.com", "c@yahoo.com", "d@gmail.com", "e@gmail.com"]
    assert lifting.count(world.conn, span) == 0


def test_an_entry_of_one_scope_is_removed_alone(world, mailing):
    mailing.record(mailing.event(1, COMPLAINED), mailing.event(1, UNSUBSCRIBED))
    ann = parse_address(ADDRESSES[0])
    suppressions.remove(world.conn, ANYBODY, ann, scope="", why="asked for it by phone")
    assert suppressed(world) == [("ann@gmail.com", DOMAIN, "unsubscribe")]
    suppressions.remove(world.conn, ANYBODY, ann)
    assert suppressed(world) == []


def test_an_exported_list_that_is_imported_keeps_what_each_entry_holds_for(world, mailing, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    mailing.record(mailing.event(1, UNSUBSCRIBED), mailing.event(2, COMPLAINED), mailing.event(2, UNSUBSCRIBED))
    before = suppressed(world)
    exported = b"".join(list_page._csv(search=None, reason=None, source=None))
    world.execute("TRUNCATE suppression")
    assert imported(world, exported) == []
    assert suppressed(world) == before
    # The person takes the wish back on the page, as if the entry had never been in a file.
    mailing.record(mailing.event(1, RESUBSCRIBED, after=5))
    assert suppressed(world) == [row for row in before if row[0] != "ann@gmail.com"]


def test_a_scope_by_which_nothing_is_sent_is_refused_row_by_row(world, mailing):
    file = (
        "email,reason,scope\n"
        f"a@x.example,unsubscribe,{DOMAIN.upper()}\nb@x.example,unsubscribe,typo.example\n"
        f"c@x.example,hard_bounce,{DOMAIN}\nd@x.example,manual,\na@x.example,manual,\n"
    )
    (rejected,) = imported(world, file.encode())
    assert (rejected.line, rejected.kind) == (3, "bad scope")
    assert suppressed(world) == [
        ("a@x.example", "", "manual"),
        ("a@x.example", DOMAIN, "unsubscribe"),
        ("c@x.example", "", "hard_bounce"),
        ("d@x.example", "", "manual"),
    ]


def imported(world, content):
    rejected = []
    more = {"where": "list.csv", "reason": "unsubscribe", "now": datetime.now(UTC), "report": rejected.append}
    suppressions.import_file(world.conn, ANYBODY, [content], delimiter=",", **more)
    return rejected
