"""A time span of the list is undone in one step, after its number was shown; entries have a scope and a source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.domain.message_event import EventKind
from tests.console.console_world import visible_text
from tests.integration.events.mailing import sent


@pytest.fixture
def mailing(world):
    """Two hard bounces, and one who unsubscribed from one sender domain."""
    found = sent(world, "spring", ["a@gmail.com", "b@shop.example", "c@gmail.com"])
    found.record(
        found.event(1, EventKind.BOUNCED, hard=True, source="bounce_mail"),
        found.event(2, EventKind.BOUNCED, hard=True),
        found.event(3, EventKind.UNSUBSCRIBED, source="one_click"),
    )
    return found


def span(**more: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "since": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "until": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "reason": "hard_bounce",
        "why": "an outage",
        **more,
    }


def addresses(world):
    return [row[0] for row in world.rows("SELECT address FROM suppression ORDER BY address")]


def test_a_time_span_is_counted_and_then_undone_in_one_audited_step(world, mailing, user):
    shown = user.post("/suppression/undo", **span(provider="google"))
    assert "1 address is meant" in visible_text(shown.text)
    assert len(addresses(world)) == 3
    done = user.post("/suppression/undo", **span(provider="google"), confirmed="yes")
    assert done.headers["location"] == "/ses/suppression"
    assert addresses(world) == ["b@shop.example", "c@gmail.com"]
    (row,) = world.audit_log()
    assert row["event"] == "ses_lift_suppressions"
    assert (row["extra"]["count"], row["extra"]["provider"], row["extra"]["why"]) == (1, "google", "an outage")


def test_without_a_provider_all_entries_of_the_reason_are_meant(world, mailing, user):
    user.post("/suppression/undo", **span(), confirmed="yes")
    assert addresses(world) == ["c@gmail.com"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"why": ""}, "why"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2099-01-01T00:00"}, "until"),
        ({"until": "0001-01-01T00:00"}, "until"),
        ({"reason": "weather"}, "reason"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field_and_undoes_nothing(world, mailing, user, wrong, field):
    answer = user.post("/suppression/undo", **span(**wrong), confirmed="yes")
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert len(addresses(world)) == 3


def test_the_list_says_for_what_an_entry_holds_and_where_it_came_from(mailing, viewer):
    text = viewer.text("/suppression")
    assert "bulk mail of mail.example.com" in text
    assert "One-click unsubscribe" in text
    assert f"/tasks/spring/messages/{mailing.occurrence_id}/1" in viewer.get("/suppression").text


@pytest.mark.parametrize(
    ("source", "shown"), [("bounce_mail", "a@gmail.com"), ("one_click", "c@gmail.com"), ("none", "by@hand.example")]
)
def test_the_list_is_narrowed_by_its_source(world, mailing, user, source, shown):
    user.post("/suppression/add", addresses="by@hand.example", reason="manual")
    text = user.text(f"/suppression?source={source}")
    assert shown in text
    assert "1 to 1 of 1" in text


def test_one_entry_of_an_address_is_removed_and_the_other_stays(world, mailing, user):
    mailing.record(mailing.event(3, EventKind.COMPLAINED))
    assert addresses(world).count("c@gmail.com") == 2
    page = user.get("/suppression/remove?address=c@gmail.com&scope=mail.example.com")
    assert "gets bulk mail of mail.example.com again" in visible_text(page.text)
    user.post("/suppression/remove", address="c@gmail.com", scope="mail.example.com", why="asked")
    assert world.rows("SELECT scope FROM suppression WHERE address = 'c@gmail.com'") == [("",)]
    (row,) = [one for one in world.audit_log() if one["event"] == "ses_unsuppress"]
    assert (row["extra"]["scope"], row["extra"]["why"]) == ("mail.example.com", "asked")


def test_the_export_has_scope_source_and_message(mailing, user):
    lines = user.get("/suppression/export?source=one_click").content.decode("utf-8-sig").splitlines()
    assert lines[0] == "address,reason,note,added_at,expires,added_by,scope,source,message"
    assert lines[1].endswith(f",mail.example.com,one_click,{mailing.occurrence_id}.3")
