"""The events of a person who was erased: what they told stays, no word of it names the address, and no mail leaves."""

from __future__ import annotations

import threading
import time

import pytest

from ses_ops.application.record_events import keep_unmatched, record_events
from ses_ops.domain.address import parse_address
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import Explanation
from ses_ops.storage.audience import erasure
from ses_ops.storage.connection import connected, transaction
from tests.integration.events.mailing import sent
from tests.integration.sending_world import DOMAIN
from tests.integration.storage.audience.test_erasure import stored_of

ANN = "Ann@Gmail.com"
WHY = Explanation("event_names_no_message")


@pytest.fixture
def mailing(world):
    return sent(world, "spring", [ANN, "bo@shop.example"])


def erase(world):
    with transaction(world.conn):
        return erasure.erase(world.conn, parse_address(ANN), by="ann")


def told(mailing, kind, **more):
    words = {"diagnostic": f"<{ANN}> user unknown", "raw": f'{{"to": "{ANN}"}}', "address": ANN}
    return mailing.event(1, kind, **{**words, **more})


def test_nothing_names_the_person_and_what_was_told_stays(world, mailing):
    mailing.record(
        told(mailing, EventKind.BOUNCED, hard=True, source_id=f"x-{ANN}"),
        told(mailing, EventKind.UNSUBSCRIBED, after=1),
        mailing.event(2, EventKind.BOUNCED, diagnostic="mailbox full", raw="as it came"),
    )
    keep_unmatched(world.conn, source="bounce_mail", source_id="1", raw=f"\xff To: <{ANN}>".encode("latin-1"), why=WHY)
    keep_unmatched(world.conn, source="bounce_mail", source_id="2", raw=b"To: bo@shop.example", why=WHY)
    world.execute(
        "INSERT INTO suppression_held"
        " (address_key, address, reason, note, source, mailbox_provider, occurrence_id, seq)"
        " SELECT address_key, address, 'hard_bounce', 'no ' || address, 'x', 'google', occurrence_id, seq FROM message"
    )
    found = erasure.look(world.conn, parse_address(ANN))
    assert [(event.kind, event.task, event.diagnostic) for event in found.events] == [
        ("bounced", "spring", f"<{ANN}> user unknown"),
        ("unsubscribed", "spring", f"<{ANN}> user unknown"),
    ]
    done = erase(world)
    assert stored_of(world, ANN.lower()) == []
    assert not world.rows("SELECT 1 FROM unmatched_event WHERE strpos(lower(encode(raw, 'escape')), 'ann@') > 0")
    assert world.rows("SELECT kind::text, diagnostic, raw FROM message_event ORDER BY seq, kind") == [
        ("bounced", "", ""),
        ("unsubscribed", "", ""),
        ("bounced", "mailbox full", "as it came"),
    ]
    assert world.rows("SELECT closed_at IS NULL, octet_length(raw) FROM unmatched_event ORDER BY id") == [
        (False, 0),
        (True, 19),
    ]
    assert world.rows("SELECT address_key, address, scope, note FROM suppression ORDER BY scope") == [
        (done.person, done.person, "", ""),
        (done.person, done.person, DOMAIN, ""),
    ]
    assert world.rows("SELECT count(*)::int FROM suppression_held WHERE address_key = %s", done.person) == [(1,)]


def test_an_event_that_comes_after_the_erasure_suppresses_the_hash_and_keeps_no_words(world, mailing):
    done = erase(world)
    assert mailing.record(told(mailing, EventKind.COMPLAINED), told(mailing, EventKind.UNSUBSCRIBED)).suppressed == 2
    assert stored_of(world, ANN.lower()) == []
    assert world.rows("SELECT address_key, scope, reason, note FROM suppression ORDER BY scope") == [
        (done.person, "", "complaint", ""),
        (done.person, DOMAIN, "unsubscribe", ""),
    ]
    assert world.rows("SELECT mailbox_provider FROM message_feedback") == [("unknown",)]


def test_an_event_that_is_recorded_meanwhile_does_not_bring_the_address_back(world, mailing):
    """The erasure waits for an event that has found its message; one that comes later waits for the erasure."""
    record = threading.Thread(target=lambda: _record(world.dsn, told(mailing, EventKind.COMPLAINED)))
    with connected(world.dsn) as conn, conn.cursor() as cursor:
        cursor.execute("LOCK TABLE message_feedback IN ACCESS EXCLUSIVE MODE")
        record.start()
        _until(world, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'message_feedback'::regclass")
        eraser = threading.Thread(target=lambda: _erase(world.dsn))
        eraser.start()
        _until(world, "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")
        conn.rollback()
    record.join()
    eraser.join()
    assert stored_of(world, ANN.lower()) == []
    ((key,),) = world.rows("SELECT address_key FROM suppression")
    assert key.startswith("erased:")


def _record(dsn, event):
    with connected(dsn) as conn:
        record_events(conn, [event])


def _erase(dsn):
    with connected(dsn) as conn, transaction(conn):
        erasure.erase(conn, parse_address(ANN), by="ann")


def _until(world, sql):
    began = time.monotonic()
    while not world.rows(sql)[0][0]:
        assert time.monotonic() - began < 30, sql
        time.sleep(0.02)
