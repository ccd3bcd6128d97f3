"""The page of the feeds: when each was heard, what waits for a person, and the alarm of much mail without an event."""

from __future__ import annotations

import pytest

from ses_ops.application.record_events import keep_unmatched, note_refused
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import Explanation
from tests.console.console_world import visible_text
from tests.integration.events.mailing import sent

RAW = b"<script>alert(1)</script>\x00\xff not mail"


@pytest.fixture
def waiting(world):
    """Events of two feeds, one of which could not be matched, and a request that was refused."""
    mailing = sent(world, "spring", ["ann@example.com", "ben@example.com"])
    mailing.record(mailing.event(1, EventKind.DELIVERED))
    keep_unmatched(world.conn, source="bounce_mail", source_id="1", raw=RAW, why=Explanation("event_names_no_message"))
    note_refused(world.conn, source="sendgrid", why=Explanation("event_names_no_message"))
    return world


def test_nothing_has_come_back_in_a_new_installation(world, viewer):
    text = viewer.text("/feedback")
    assert "Nothing has come back yet." in text
    assert "no feed that tells of bounces" not in text


def test_each_feed_says_what_it_brought_and_refused(waiting, viewer):
    text = viewer.text("/feedback")
    assert "Amazon SES" in text
    assert "Bounces by mail" in text
    assert "SendGrid" in text
    assert "none yet" in text


def test_what_found_no_message_is_listed_looked_at_and_marked_as_done(waiting, user):
    ((id,),) = waiting.rows("SELECT id FROM unmatched_event")
    assert f"/feedback/unmatched/{id}" in user.get("/feedback").text
    page = user.get(f"/feedback/unmatched/{id}")
    assert page.status_code == 200
    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "\\xff not mail" in page.text
    done = user.post("/feedback/unmatched/close", id=str(id))
    assert done.headers["location"] == "/ses/feedback"
    assert "1 event is marked as done. " in user.text("/feedback") + " "
    assert waiting.rows("SELECT closed_by FROM unmatched_event WHERE closed_at IS NOT NULL") == [("user",)]
    (row,) = waiting.audit_log()
    assert (row["event"], row["extra"]["events"], row["extra"]["changed"]) == ("ses_close_unmatched_events", [id], 1)
    assert "Done" in user.text(f"/feedback/unmatched/{id}")


def test_the_source_of_an_event_is_not_for_who_only_looks(waiting, viewer):
    ((id,),) = waiting.rows("SELECT id FROM unmatched_event")
    assert viewer.get(f"/feedback/unmatched/{id}").status_code == 403
    assert f"/feedback/unmatched/{id}" not in viewer.get("/feedback").text


@pytest.mark.parametrize("path", ["/feedback/unmatched/0", "/feedback/unmatched/9999999999999999999999"])
def test_a_number_that_no_event_has_is_not_found(world, user, path):
    assert user.get(path).status_code == 404


def test_ticking_nothing_changes_nothing(waiting, user):
    user.post("/feedback/unmatched/close", back="/feedback?source=bounce_mail")
    assert "Tick at least one event." in user.text("/feedback?source=bounce_mail")
    assert not waiting.audit_log()


def test_much_mail_without_an_event_for_a_day_is_said_on_top(waiting, viewer):
    waiting.execute("UPDATE attempt SET sent = 10000")
    assert "in the last 24 hours" not in viewer.text("/feedback"), "Amazon was heard a moment ago"
    waiting.execute("UPDATE event_feed SET last_at = now() - interval '25 hours'")
    text = viewer.text("/feedback")
    assert "10,000 messages were sent in the last 24 hours, and no feed told of a bounce or a delivery." in text
    assert "silent" in text
    waiting.execute("DELETE FROM event_feed")
    assert "there is no feed that tells of bounces" in viewer.text("/feedback")


def test_what_the_storm_guard_holds_is_shown_by_provider(waiting, viewer):
    waiting.execute(
        "INSERT INTO suppression_held"
        " (address_key, address, reason, source, mailbox_provider, occurrence_id, seq, note)"
        " SELECT a, a, 'hard_bounce', 'bounce_mail', 'gmail', 1, n, '550 5.1.1 unknown <b>'"
        " FROM generate_series(1, 30) n, LATERAL (SELECT 'p' || n || '@gmail.com' AS a) x"
    )
    page = viewer.get("/feedback").text
    text = visible_text(page)
    assert "Held suppressions" in text
    assert "gmail 550 5.1.1 unknown <b>" in text
    assert "unknown <b>" not in page
    assert "Suppress gmail" not in text, "a viewer decides nothing"


def test_the_self_test_form_keeps_what_was_typed(world, user):
    world.seed("hello")
    answer = user.post("/feedback/self-test", template="hello", recipients="no address", sender="news@mail.example.com")
    assert answer.status_code == 422
    assert 'value="no address"' in answer.text
    assert user.post("/feedback/self-test", template="../etc").status_code == 422


@pytest.fixture
def held(world):
    world.execute(
        "INSERT INTO suppression_held"
        " (address_key, address, reason, source, mailbox_provider, occurrence_id, seq, held_at)"
        " SELECT a, a, 'hard_bounce', 'bounce_mail', 'google', 1, n, now() - interval '1 minute'"
        " FROM generate_series(1, 3) n, LATERAL (SELECT 'p' || n || '@gmail.com' AS a) x"
    )
    return world


@pytest.mark.parametrize(("action", "listed"), [("approve", 3), ("discard", 0)])
def test_what_is_held_is_decided_after_a_question(held, user, action, listed):
    asked = user.post(f"/feedback/held/{action}", provider="google")
    assert asked.status_code == 200
    assert "the held addresses of google?" in visible_text(asked.text)
    assert held.rows("SELECT count(*) FROM suppression_held") == [(3,)]
    user.post(f"/feedback/held/{action}", provider="google", confirmed="yes")
    assert held.rows("SELECT count(*) FROM suppression_held") == [(0,)]
    assert held.rows("SELECT count(*) FROM suppression") == [(listed,)]
    (row,) = held.audit_log()
    assert (row["event"], row["extra"]["count"]) == (f"ses_{action}_suppressions", 3)
    user.post(f"/feedback/held/{action}", provider="google", confirmed="yes")
    assert "no suppressions of google wait for a decision" in user.text("/feedback")


def test_what_was_held_after_the_page_was_shown_waits_on(held, user):
    page = user.get("/feedback").text
    until = page.partition('name="until" value="')[2].partition('"')[0]
    held.execute("UPDATE suppression_held SET held_at = now() WHERE address = 'p1@gmail.com'")
    user.post("/feedback/held/approve", provider="google", until=until, confirmed="yes")
    assert held.rows("SELECT address FROM suppression_held") == [("p1@gmail.com",)]


def test_mails_are_read_again_and_closed_when_they_are_understood(world, user):
    """A report that came before its message was there, as after a restored backup."""
    why = Explanation("event_message_not_found")
    keep_unmatched(world.conn, source="bounce_mail", source_id="1", raw=b"Subject: hello\n\nhello", why=why)
    user.post("/feedback/unmatched/read-again")
    assert "Mails read again: 1, understood now: 0." in user.text("/feedback")
    assert world.rows("SELECT count(*) FROM unmatched_event WHERE closed_at IS NULL") == [(1,)]
    (row,) = world.audit_log()
    assert row["event"] == "ses_reread_mails"


def test_unmatched_events_are_paged(world, viewer):
    for number in range(30):
        why = Explanation("event_names_no_message")
        keep_unmatched(world.conn, source="custom", source_id=f"{number}", raw=b"x", why=why)
    first = viewer.get("/feedback?source=custom").text
    assert "30 events" in first
    (link,) = [part.partition('"')[0] for part in first.split('href="') if "before=" in part.partition('"')[0]]
    second = visible_text(viewer.get(link.replace("&amp;", "&").removeprefix("/ses").partition("#")[0]).text)
    assert second.count("the event names no message of ours") == 5
