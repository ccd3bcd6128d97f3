"""`ses events recount` finds what was stored wrongly, changes nothing by itself, and sets it right."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ses_ops.application.event_recount import recount_events
from ses_ops.cli.main import run
from ses_ops.domain.message_event import EventKind
from tests.actors import ANYBODY
from tests.integration.events.mailing import sent
from tests.integration.events.test_any_order import state


@pytest.fixture
def mailing(world):
    mailing = sent(world, "spring", [f"p{number}@gmail.com" for number in range(5)])
    mailing.record(
        *(
            mailing.event(1 + number % 5, kind, hard=number % 2 == 0, after=number)
            for number, kind in enumerate([*EventKind, *EventKind])
        )
    )
    return mailing


def found(world, *, repair=False):
    done = recount_events(world.conn, ANYBODY, repair=repair)
    return done.messages_wrong, done.counts_wrong


def test_what_is_right_has_no_differences_and_what_is_wrong_is_set_right(world, mailing):
    right = state(world)
    assert found(world) == (0, 0)
    world.execute("UPDATE message_feedback SET bounced = 0, mailbox_provider = 'apple' WHERE seq = 2")
    world.execute("UPDATE message_feedback SET unsubscribed_at = now(), mailbox_provider = 'google' WHERE seq = 2")
    world.execute("DELETE FROM message_feedback WHERE seq = 3")
    world.execute("DELETE FROM message_event WHERE seq = 4")
    assert found(world)[0] == 3
    assert found(world)[0] == 3, "it changes nothing"
    assert found(world, repair=True)[0] == 3
    assert found(world) == (0, 0)
    now = state(world)
    assert now[0] == [row for row in right[0] if row[1] != 4]
    world.execute("UPDATE feedback_count SET delivered = delivered + 7, complained = 0")
    world.execute(
        "INSERT INTO feedback_count (task_id, sender_domain, sent_day, mailbox_provider, delivered)"
        " SELECT task_id, 'other.example', sent_day, 'yahoo', 3 FROM feedback_count"
    )
    assert found(world) == (0, 2)
    assert found(world, repair=True) == (0, 2)
    assert found(world) == (0, 0)
    assert state(world) == now


def test_messages_whose_events_were_dropped_stay_as_they_are(world, mailing):
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    mailing.record(mailing.event(1, EventKind.DELIVERED, occurred_at=long_ago, source_id="old"))
    world.execute("DELETE FROM message_event WHERE occurred_at < '2020-02-01'")
    before = state(world)
    assert found(world, repair=True) == (0, 0)
    assert state(world) == before


def test_the_command_says_what_differs_and_ends_with_one(world, mailing, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    monkeypatch.setenv("SES_HOME", str(tmp_path))
    assert run(["events", "recount"]) == 0
    world.execute("UPDATE feedback_count SET hard_bounced = 99")
    capsys.readouterr()
    assert run(["events", "recount"]) == 1
    said = capsys.readouterr().out
    assert "0 messages and 1 counts differ" in said
    assert "hard bounced 99" in said.replace("hard_bounced", "hard bounced")
    assert run(["events", "recount", "--repair", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["counts_wrong"], answer["repaired"]) == (1, True)
    assert run(["events", "recount"]) == 0
