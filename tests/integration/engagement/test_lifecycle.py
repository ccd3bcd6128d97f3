"""From a click to the end of its data: verdicts, counts, months, erasure, judging anew, recounting."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application import reclassify_engagement
from ses_ops.application.device_data import empty_old_devices
from ses_ops.application.erasure import erase
from ses_ops.application.event_months import keep_months
from ses_ops.application.event_recount import recount_events
from ses_ops.cli.main import run
from ses_ops.domain import engagement_rules
from ses_ops.domain.address import parse_address
from ses_ops.domain.engagement import MOST_OF_A_MESSAGE
from ses_ops.domain.message_event import EventKind, MessageKey
from ses_ops.storage.audience import erasure
from ses_ops.storage.events import timeline
from tests.actors import ANYBODY
from tests.integration.engagement.opens import BARE, PHONE, RELAY, SENT, WINDOWS, opens_of, state


@pytest.fixture
def opens(world):
    return opens_of(world, "spring", ["ann@gmail.com", "bo@shop.example", "cy@gmail.com"])


def counts(world):
    """The sums of `engagement_count`, by column."""
    names = (
        *(
            "opened_people",
            "opened_machines",
            "opened_unknown",
            "clicked_people",
            "clicked_machines",
            "clicked_unknown",
        ),
        *("engaged_people", "opens", "clicks"),
    )
    (row,) = world.rows(
        "SELECT " + ", ".join(f"coalesce(sum({name}), 0)::int" for name in names) + " FROM engagement_count"
    )
    return {name: count for name, count in zip(names, row, strict=True) if count}


def test_a_message_counts_once_and_its_events_each(world, opens):
    first = opens.open(1, 600)
    done = opens.record(first, opens.open(1, 700), opens.click(1, 800), opens.open(2, 20, BARE), opens.open(3, 500, ""))
    assert (done.new, done.repeated, done.unmatched) == (5, 0, 0)
    assert opens.record(first).repeated == 1
    assert counts(world) == {
        "opened_people": 1,
        "opened_machines": 1,
        "opened_unknown": 1,
        "clicked_people": 1,
        "engaged_people": 1,
        "opens": 4,
        "clicks": 1,
    }
    # Who clicks has read, also where no pixel was loaded; the open is not invented.
    opens.record(opens.click(2, 900, place=1))
    assert counts(world)["engaged_people"] == 2
    assert counts(world)["opens"] == 4


def test_the_third_link_of_a_scanner_takes_back_what_was_counted(world, opens):
    opens.record(opens.click(1, 600, 0))
    opens.record(opens.click(1, 601, 1))
    assert counts(world) == {"clicked_people": 1, "engaged_people": 1, "clicks": 2}
    opens.record(opens.click(1, 602.5, 2))
    assert counts(world) == {"clicked_machines": 1, "clicks": 3}
    assert opens.verdicts() == [("clicked", 2, "many_links")] * 3
    assert world.rows("SELECT sum(clicks), sum(people), sum(machines) FROM link_count") == [(3, 0, 3)]
    assert world.rows("SELECT sum(clicks), sum(clicks_people) FROM engagement_hour") == [(3, 0)]


def test_time_is_measured_from_the_delivery_whenever_it_is_told(world, opens):
    opens.record(opens.open(1, 620, BARE, "198.51.100.1"), opens.open(1, 640, BARE, "198.51.100.1"))
    assert opens.verdicts() == [("opened", 0, "bare_agent")] * 2
    delivered = opens.mailing.event(1, EventKind.DELIVERED, occurred_at=SENT + timedelta(seconds=600))
    opens.mailing.record(delivered)
    assert opens.verdicts() == [("opened", 2, "bare_agent_at_delivery"), ("opened", 0, "bare_agent")]
    assert counts(world) == {"opened_unknown": 1, "opens": 2}


def test_moments_out_of_reason_are_kept_and_set_right(world, opens):
    """Before the send, and of tomorrow: `occurred_at` as told, `happened_at` between sent and received."""
    long_ago = opens.open(1, -86_400 * 700)
    opens.record(long_ago, opens.open(2, 86_400))
    opens.record(long_ago)
    rows = world.rows("SELECT seq, happened_at >= %s AND happened_at <= received_at FROM engagement ORDER BY seq", SENT)
    assert rows == [(1, True), (2, True)]
    assert world.rows("SELECT min(occurred_at) FROM engagement") == [(long_ago.occurred_at,)]


def test_what_names_no_message_of_ours_is_kept_without_the_device(world, opens):
    other = MessageKey(occurrence_id=999_999, seq=1, address_check=7)
    wrong = MessageKey(occurrence_id=opens.mailing.occurrence_id, seq=1, address_check=7)
    events = [opens.click(1, 60, message=other, agent="Secret/1.0"), opens.open(1, 60, message=wrong)]
    assert opens.record(*events).unmatched == 2
    assert opens.record(*events).unmatched == 0
    raws = [bytes(raw).decode() for (raw,) in world.rows("SELECT raw FROM unmatched_event")]
    assert all("Secret" not in raw and "192.0.2.7" not in raw for raw in raws)
    assert counts(world) == {}


def test_odd_values_harm_nobody(world, opens):
    opens.record(
        opens.click(
            1, 60, target="https://x.example/\x00\ud800" + "y" * 9_000, agent="A\x00\udfff" * 400, ip="fe80::1%eth0"
        ),
        opens.click(2, 60, target="", place=99_999, ip="no address"),
        opens.open(3, 60, ip="::ffff:192.0.2.1"),
    )
    assert counts(world)["clicks"] == 2
    assert world.rows("SELECT count(*) FROM engagement WHERE ip IS NULL AND link_id IS NULL AND place = 32767") == [
        (1,)
    ]


def test_one_message_has_a_thousand_events_and_no_more(world, opens):
    for begin in range(0, MOST_OF_A_MESSAGE + 400, 200):
        opens.record(*(opens.open(1, 60 + n / 10) for n in range(begin, begin + 200)))
    assert counts(world)["opens"] == MOST_OF_A_MESSAGE
    began = time.monotonic()
    opens.record(opens.open(1, 2_000), opens.open(2, 2_000))
    assert counts(world)["opens"] == MOST_OF_A_MESSAGE + 1
    assert time.monotonic() - began < 30


def test_addresses_and_user_agents_end_and_the_verdicts_stay(world, opens, monkeypatch):
    opens.record(opens.open(1, 600, BARE, RELAY), opens.click(1, 900, agent=WINDOWS, ip="2001:db8::1"))
    before = opens.verdicts()
    assert empty_old_devices(world.conn, days=7) == 0
    world.execute("UPDATE engagement SET received_at = now() - interval '8 days'")
    assert empty_old_devices(world.conn, days=7) == 2
    assert empty_old_devices(world.conn, days=7) == 0
    assert world.rows("SELECT DISTINCT ip, user_agent FROM engagement") == [(None, None)]
    # They count as neighbours of what comes later, and their own verdicts do not change any more.
    opens.record(opens.click(1, 901, 1), opens.click(1, 902, 2))
    assert opens.verdicts()[:2] == before
    assert opens.verdicts()[2:] == [("clicked", 2, "many_links")] * 2
    assert recount_events(world.conn, ANYBODY, repair=False).engagement_counts_wrong == 0


def test_the_last_days_are_judged_anew_by_new_rules(world, opens, monkeypatch, capsys):
    opens.record(opens.open(1, 600, "Acme/1.0"), opens.click(2, 900, agent="Acme/1.0"), opens.open(3, 600, "Acme/1.0"))
    world.execute("UPDATE engagement SET received_at = now() - interval '3 days' WHERE seq = 3")
    assert counts(world)["opened_people"] == 2
    text = engagement_rules._FILE.read_text(encoding="utf-8").replace("Barracuda|", "Barracuda|Acme|")
    monkeypatch.setattr(engagement_rules, "rules", lambda: engagement_rules.read_rules(text))
    engagement_rules.machine_rule.cache_clear()
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    monkeypatch.setattr(reclassify_engagement, "_AT_ONCE", 1)
    assert run(["events", "reclassify", "--days", "2", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["events"], said["changed"]) == (2, 2)
    engagement_rules.machine_rule.cache_clear()
    assert opens.verdicts(1) == [("opened", 2, "mail_scanner")]
    assert opens.verdicts(3) == [("opened", 1, "ordinary_client")]
    assert counts(world) == {
        "opened_people": 1,
        "opened_machines": 1,
        "clicked_machines": 1,
        "engaged_people": 1,
        "opens": 2,
        "clicks": 1,
    }
    assert recount_events(world.conn, ANYBODY, repair=False).engagement_counts_wrong == 0


def test_months_are_made_and_dropped_and_the_counts_stay(world, opens):
    opens.record(opens.open(1, 600), opens.click(2, 900))
    before = state(world)[1:]
    (made,) = world.rows("SELECT count(*) FROM pg_inherits WHERE inhparent = 'engagement'::regclass")[0]
    assert made >= 2
    assert world.rows("SELECT count(*) FROM ONLY engagement_default") == [(0,)]
    keep_months(world.conn, kept=13)
    assert state(world)[1:] == before
    world.execute("UPDATE message_engagement SET sent_day = '2020-01-01'")
    world.execute("UPDATE engagement_count SET sent_day = '2020-01-01'")
    with world.conn, world.conn.cursor() as cursor:
        cursor.execute("SELECT drop_engagement_months('2999-01-01')")
    assert world.rows("SELECT count(*) FROM engagement") == [(0,)]
    assert counts(world)["opens"] == 1
    keep_months(world.conn, kept=13)
    assert recount_events(world.conn, ANYBODY, repair=False).engagement_wrong == 0


def test_an_erased_person_leaves_numbers_and_no_device(world, opens):
    opens.record(opens.open(1, 600), opens.click(1, 900), opens.open(2, 600))
    ann = parse_address("ann@gmail.com", dotless=True)
    shown = erasure.look(world.conn, ann).events
    assert [one.kind for one in shown] == ["opened", "clicked"]
    assert PHONE in shown[1].diagnostic
    assert "192.0.2.7" in shown[1].diagnostic
    world.conn.rollback()
    erase(world.conn, ANYBODY, ann)
    opens.record(opens.click(1, 1_200, 1, "Later/1.0", "203.0.113.9"))
    assert world.rows("SELECT DISTINCT ip, user_agent FROM engagement WHERE seq = 1") == [(None, None)]
    assert world.rows("SELECT count(*) FROM engagement WHERE seq = 2 AND ip IS NOT NULL") == [(1,)]
    assert opens.verdicts(1)[-1] == ("clicked", 1, "ordinary_client")
    assert counts(world)["opens"] == 2
    found = recount_events(world.conn, ANYBODY, repair=False)
    assert (found.engagement_wrong, found.engagement_counts_wrong) == (0, 0)


def test_a_recount_finds_what_was_stored_wrongly_and_sets_it_right(world, opens, monkeypatch, capsys):
    opens.record(
        opens.open(1, 600), opens.click(1, 900), opens.open(2, 5, BARE), *(opens.click(3, 600 + n, n) for n in range(4))
    )
    right = state(world)
    world.execute("UPDATE message_engagement SET opens_people = 9 WHERE seq = 1")
    world.execute("DELETE FROM message_engagement WHERE seq = 2")
    world.execute("UPDATE engagement_count SET clicked_machines = 7, opens = 0")
    world.execute("UPDATE link_count SET people = people + 1")
    world.execute("DELETE FROM engagement_hour")
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    assert run(["events", "recount", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["engagement_wrong"] == 2
    assert said["engagement_counts_wrong"] >= 3
    assert run(["events", "recount", "--repair"]) == 0
    assert state(world) == right
    assert run(["events", "recount"]) == 0


def test_the_timeline_of_a_message_shows_who_opened_and_clicked(world, opens, monkeypatch, capsys):
    opens.record(opens.open(1, 600), opens.click(1, 900, agent="curl/8"))
    events = timeline.events(world.conn, opens.mailing.occurrence_id, 1, with_raw=True)
    world.conn.rollback()
    assert [(one.kind, one.verdict, one.rule) for one in events] == [
        ("opened", "person", "ordinary_client"),
        ("clicked", "machine", "program"),
    ]
    assert events[1].diagnostic == "https://shop.example/0?a=1&b=2#c"
    assert PHONE in events[0].raw
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    assert run(["message", "show", f"{opens.mailing.occurrence_id}.1"]) == 0
    assert "machine (program)" in capsys.readouterr().out


def test_the_feeds_show_what_the_tracking_brought(world, opens):
    opens.record(opens.open(1, 600), opens.open(1, 600), opens.open(1, 601, source="sendgrid"))
    rows = world.rows(
        "SELECT source, events, repetitions, last_at > %s FROM event_feed ORDER BY 1", datetime(2020, 1, 1, tzinfo=UTC)
    )
    assert rows == [("sendgrid_tracking", 1, 0, True), ("tracking", 1, 1, True)]


def test_opens_are_counted_by_the_same_day_and_domain_as_bounces(world, opens):
    """The quota day that the attempt sent on, which need not be the one in which the outcome was written."""
    world.execute("INSERT INTO sender_domain (domain) SELECT sender_domain FROM send_task ON CONFLICT DO NOTHING")
    world.execute(
        "WITH d AS (INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment)"
        "  SELECT sender_domain, %s, %s, 1, 500 FROM send_task RETURNING id)"
        " UPDATE attempt SET quota_day_id = d.id FROM d",
        SENT - timedelta(days=2),
        SENT - timedelta(days=1),
    )
    opens.mailing.record(opens.mailing.event(1, EventKind.DELIVERED))
    opens.record(opens.open(1, 600))
    keys = "SELECT task_id, sender_domain, sent_day, mailbox_provider FROM "
    assert world.rows(keys + "engagement_count") == world.rows(keys + "feedback_count")
    assert world.rows("SELECT sent_day FROM engagement_count") == [(SENT - timedelta(days=2),)]
