"""What came back, by the command line: counts, lists, a message, a person, the feeds, many suppressions at once."""

from __future__ import annotations

import pytest

from ses_ops.application.record_events import keep_unmatched
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import Explanation
from tests.integration.events.mailing import sent

RAW = b"From: someone\r\n\x1b[31mred\xff"


@pytest.fixture
def mailing(world):
    found = sent(world, "spring", ["ann@gmail.com", "gone@gmail.com", "quiet@example.com"])
    found.record(
        found.event(1, EventKind.DELIVERED),
        found.event(2, EventKind.BOUNCED, hard=True, source="bounce_mail", diagnostic="550 5.1.1 no such user"),
    )
    return found


def test_a_task_shows_its_rates_with_their_base_and_what_nobody_measures(world, mailing, ses):
    shown = ses("task", "show", "spring")
    assert "1 (33.33% of 3 sent)" in shown.out
    rates = {one["what"]: one for one in ses("task", "show", "spring", "--json").json["feedback"]}
    assert rates["hard_bounced"] == {"what": "hard_bounced", "count": 1, "of": 3, "base": "sent", "share": 1 / 3}
    world.execute("DELETE FROM event_feed; DELETE FROM feedback_count")
    assert "not measured" in ses("task", "show", "spring").out
    rates = {one["what"]: one for one in ses("task", "show", "spring", "--json").json["feedback"]}
    assert (rates["complained"]["count"], rates["complained"]["share"]) == (None, None)


def test_the_messages_of_an_outcome_are_listed(mailing, ses):
    (row,) = ses("task", "messages", "spring", "--feedback", "hard_bounced", "--json").json
    assert (row["address"], row["feedback"]) == ("gone@gmail.com", ["hard_bounced"])
    every = ses("task", "messages", "spring", "--json").json
    assert [row["feedback"] for row in every] == [["delivered"], ["hard_bounced"], []]


def test_a_message_is_shown_with_its_events(mailing, ses):
    key = f"{mailing.occurrence_id}.2"
    assert "hard bounce  bounce_mail" in ses("message", "show", key).out
    shown = ses("message", "show", key, "--json").json
    assert shown["message"]["task"] == "spring"
    assert [event["diagnostic"] for event in shown["events"]] == ["550 5.1.1 no such user"]
    assert "Nobody has told" in ses("message", "show", f"{mailing.occurrence_id}.3").out


@pytest.mark.parametrize("key", ["1", "1.x", "1.99999999999", "x.1", "1.2.3", "１.2"])
def test_what_is_no_key_of_a_message_is_refused_in_one_line(world, ses, key):
    answer = ses("message", "show", key)
    assert answer.code == 1
    assert "no key of a message" in answer.err


def test_a_message_that_is_not_there_is_not_found(world, ses):
    assert "there is no message named '7.1'" in ses("message", "show", "7.1").err


def test_all_mail_to_a_person_is_found(world, mailing, ses):
    sent(world, "summer", ["gone@gmail.com"])
    rows = ses("message", "find", "Gone@gmail.com", "--json").json
    assert [(row["task"], row["feedback"]) for row in rows] == [("summer", []), ("spring", ["hard_bounced"])]
    assert "there are more than 1" in ses("message", "find", "gone@gmail.com", "--limit", 1).err
    assert "No message" in ses("message", "find", "nobody@example.com").out


def test_feeds_are_listed_and_silence_is_warned_of(world, mailing, ses):
    assert "amazon_ses" in ses("events", "feeds").out
    world.execute("UPDATE attempt SET sent = 10000; UPDATE event_feed SET last_at = now() - interval '25 hours'")
    assert "10,000 messages were sent in the last 24 hours" in ses("events", "feeds").err
    shown = ses("events", "feeds", "--json").json
    assert (shown["alarm"], shown["silent"]) == (True, ["amazon_ses", "bounce_mail"])


def test_an_event_without_a_message_is_shown_and_closed(world, ses):
    why = Explanation("event_names_no_message")
    keep_unmatched(world.conn, source="bounce_mail", source_id="1", raw=RAW, why=why)
    (row,) = ses("events", "unmatched", "--json").json
    shown = ses("events", "show", row["id"])
    assert "the event names no message of ours" in shown.out
    assert "\x1b" not in shown.out, "a terminal does what control characters say"
    assert ses("events", "show", row["id"], "--json").json["raw"].endswith("red\\xff")
    assert "1 of 2 events were open" in ses("events", "close", row["id"], 99).out
    assert ses("events", "unmatched", "--json").json == []
    (closed,) = ses("events", "unmatched", "--closed", "--json").json
    assert "command line" in closed["closed_by"]
    assert "no unmatched event with the number" in ses("events", "show", 99).err


def test_what_is_held_is_approved_or_discarded(world, ses):
    world.execute(
        "INSERT INTO suppression_held (address_key, address, reason, source, mailbox_provider, occurrence_id, seq)"
        " SELECT a, a, 'hard_bounce', 'bounce_mail', p, 1, n FROM generate_series(1, 4) n,"
        " LATERAL (SELECT 'p' || n || '@gmail.com' AS a, CASE WHEN n < 4 THEN 'google' ELSE 'yahoo' END AS p) x"
    )
    assert [(one["mailbox_provider"], one["count"]) for one in ses("suppression", "held", "--json").json] == [
        ("google", 3),
        ("yahoo", 1),
    ]
    assert "3 addresses of google get no mail" in ses("suppression", "approve", "google").out
    assert "1 addresses of yahoo go on" in ses("suppression", "discard", "yahoo", "--why", "an outage").out
    assert "no suppressions of yahoo wait" in ses("suppression", "discard", "yahoo").err
    assert len(ses("suppression", "list", "--source", "bounce_mail", "--json").json) == 3


def test_a_time_span_is_undone(mailing, ses):
    span = ("--from", "2026-01-01", "--to", "2099-01-01", "--why", "an outage")
    assert "1 addresses would get mail again" in ses("suppression", "undo", *span, "--dry-run").out
    assert "0 addresses" in ses("suppression", "undo", *span, "--provider", "yahoo").out
    assert "1 addresses get mail again" in ses("suppression", "undo", *span, "--provider", "Google").out
    assert ses("suppression", "list", "--json").json == []
    assert "not after the beginning" in ses("suppression", "undo", *span[:2], "--to", "2025-01-01", *span[4:]).err
    assert "is no time" in ses("suppression", "undo", "--from", "soon", *span[2:]).err


def test_one_entry_of_an_address_is_removed(mailing, ses):
    mailing.record(mailing.event(2, EventKind.UNSUBSCRIBED))
    assert len(ses("suppression", "list", "--json").json) == 2
    ses("suppression", "remove", "gone@gmail.com", "--scope", "mail.example.com", "--why", "asked")
    (left,) = ses("suppression", "list", "--json").json
    assert (left["scope"], left["reason"]) == ("", "hard_bounce")
