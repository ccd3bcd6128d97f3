"""`ses stats`: sums by day of sending in the domain's zone, with rates whose parts have names."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from ses_ops.application.mail_statistics import statistics
from ses_ops.domain.mail_statistics import Dimension, Engaged, rates
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.storage.statistics.who import who
from tests.integration.events.mailing import sent
from tests.integration.sending_world import DOMAIN

ZONE = "Asia/Tokyo"
PLANS = QuotaPlans.parse({DOMAIN: {"plan": "standard", "started_on": "2026-01-01", "time_zone": ZONE}})
#: Midnight in Tokyo of the 20th.
MIDNIGHT = datetime(2026, 11, 19, 15, tzinfo=UTC)


@pytest.fixture
def counted(world):
    """Two tasks over two days in Tokyo, with pixels in the mail of the first."""
    tasks = {}
    for name in ("spring", "autumn"):
        sent(world, name, ["a@gmail.com"])
        tasks[name] = world.rows("SELECT id FROM send_task WHERE name = %s", name)[0][0]
    attempt = world.rows("SELECT id, chunk_id FROM attempt ORDER BY id")

    def send_count(task, provider, ago, **counts):
        made = world.rows(
            "INSERT INTO attempt (chunk_id, run_id, host, pid) VALUES (%s, 'r', 'h', 1) RETURNING id", attempt[0][1]
        )[0][0]
        columns = {
            "attempt_id": made,
            "task_id": tasks[task],
            "sender_domain": DOMAIN,
            "mailbox_provider": provider,
            "sent_day": MIDNIGHT - timedelta(days=ago),
            **counts,
        }
        names = ", ".join(columns)
        places = ", ".join(["%s"] * len(columns))
        world.execute(f"INSERT INTO send_count ({names}) VALUES ({places})", *columns.values())

    def add(table, task, provider, ago, **counts):
        columns = {
            "task_id": tasks[task],
            "sender_domain": DOMAIN,
            "sent_day": MIDNIGHT - timedelta(days=ago),
            "mailbox_provider": provider,
            **counts,
        }
        names = ", ".join(columns)
        places = ", ".join(["%s"] * len(columns))
        world.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *columns.values())

    world.execute("DELETE FROM send_count")
    send_count("spring", "google", 0, accepted=100, invalid=4, suppressed=6, opens_tracked=True, clicks_tracked=True)
    send_count("spring", "other", 0, accepted=40, opens_tracked=True)
    send_count("spring", "google", 1, accepted=50)
    send_count("autumn", "google", 0, accepted=10)
    send_count("autumn", "google", 0, accepted=1_000, is_test=True)
    add("feedback_count", "spring", "google", 0, delivered=90, hard_bounced=6, soft_bounced=4, complained=1)
    add("feedback_count", "spring", "some.firm.example", 0, delivered=30)
    add("engagement_count", "spring", "google", 0, opened_people=20, opened_machines=70, opens=120, clicked_people=5)
    return SimpleNamespace(tasks=tasks)


def _asked(world, *by, **more):
    return statistics(world.conn, PLANS, by=[Dimension(one) for one in by], last=date(2026, 11, 20), **more)


def test_days_are_those_of_the_domains_zone(world, counted):
    found = _asked(world, "day")
    assert [(row.day, row.counts.accepted) for row in found.rows] == [("2026-11-20", 150), ("2026-11-19", 50)]
    assert _asked(world, "day", days=1).total.accepted == 150
    assert found.zones[DOMAIN] == ZONE


def test_test_sends_are_in_no_sum(world, counted):
    assert _asked(world).total.accepted == 200


def test_a_provider_that_is_only_a_domain_is_one_of_the_others(world, counted):
    rows = {row.mailbox_provider: row.counts for row in _asked(world, "mailbox_provider").rows}
    assert (rows["other"].accepted, rows["other"].delivered) == (40, 30)
    assert rows["google"].accepted == 160


def test_opens_are_a_part_of_the_mail_with_a_pixel_that_did_not_come_back(world, counted):
    total = _asked(world, "task", days=1, task_ids=[counted.tasks["spring"]]).total
    rate = rates(total, [])["open_rate"]
    assert (rate.count, rate.of) == (20, 130)
    assert rates(total, [])["bounce_rate"].of == 140


def test_sums_by_everything_add_up_to_the_total(world, counted):
    every = _asked(world, "day", "sender_domain", "task", "mailbox_provider")
    rows = [row.counts for row in every.rows]
    summed = sum(rows[1:], rows[0])
    assert summed.accepted == every.total.accepted
    assert summed.requested == every.total.requested
    assert summed.hard_bounced == every.total.hard_bounced


def test_a_task_that_is_hidden_is_in_no_row_and_no_total(world, counted):
    found = _asked(world, "task", hidden=["spring"])
    assert [row.task for row in found.rows] == ["autumn"]
    assert found.total.accepted == 10


def test_the_command_prints_json_and_csv(world, counted, ses):
    days = (datetime.now(UTC).date() - date(2026, 11, 1)).days + 30
    told = ses("stats", "--by", "task", "--days", str(days), "--json").json
    (row,) = [one for one in told["rows"] if one["task"] == "spring"]
    assert row["rates"]["bounce_rate"] == {
        "numerator": "bounced",
        "denominator": "accepted",
        "count": 10,
        "of": 190,
        "measured": True,
        "share": 10 / 190,
    }
    lines = list(csv.DictReader(io.StringIO(ses("stats", "--by", "task", "--days", str(days), "--csv").out)))
    assert {one["task"]: one["accepted"] for one in lines} == {"spring": "190", "autumn": "10"}
    assert "spring" in ses("stats", "--by", "task", "--days", str(days)).out
    compared = ses("stats", "compare", "spring", "autumn", "--days", str(days), "--json").json
    assert [one["accepted"] for one in compared] == [190, 10]


def test_links_and_hours_of_a_task(world, counted, ses):
    task = counted.tasks["spring"]
    world.execute(
        "INSERT INTO tracked_link (task_id, target_hash, target) VALUES (%s, sha256('a'), 'https://shop.example/?a=1&b')",
        task,
    )
    (link,) = world.rows("SELECT id FROM tracked_link")
    world.execute("INSERT INTO link_count VALUES (%s, %s, 7, 3, 1)", task, link[0])
    world.execute("INSERT INTO engagement_hour VALUES (%s, date_trunc('hour', now()), 3, 2, 9, 4)", task)
    (told,) = ses("stats", "links", "spring", "--json").json
    assert (told["target"], told["people"], told["clicks"]) == ("https://shop.example/?a=1&b", 3, 7)
    assert "https://shop.example" in ses("stats", "links", "spring").out
    (hour,) = ses("stats", "hours", "spring", "--json").json
    assert (hour["opens_people"], hour["opens"]) == (3, 9)
    assert "No link" in ses("stats", "links", "autumn").out


@pytest.mark.parametrize("wrong", [["--by", "colour"], ["--days", "0"], ["--until", "monday"]])
def test_what_cannot_be_asked_is_said_in_one_line(world, ses, wrong):
    answer = ses("stats", *wrong)
    assert answer.code == 2
    assert answer.err.count("\n") == 1


def test_too_many_days_are_refused(world, ses):
    answer = ses("stats", "--days", "4000")
    assert (answer.code, "1 to 366 days" in answer.err) == (1, True)


def test_who_clicked_is_listed_with_verdicts_and_by_link(world, ses):
    mailing = sent(world, "spring", [f"p{number}@gmail.com" for number in range(1, 8)])
    (task,) = world.rows("SELECT id FROM send_task WHERE name = 'spring'")[0]
    world.execute(
        "INSERT INTO message_engagement (occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider,"
        " clicks_people, clicks_machines)"
        " SELECT %s, n, %s, 'x', now(), 'google', n %% 2, 1 FROM generate_series(1, 6) n",
        *(mailing.occurrence_id, task),
    )
    world.execute(
        "INSERT INTO engagement (event_key, occurred_at, happened_at, occurrence_id, seq, kind, source, link_id)"
        " VALUES (gen_random_uuid(), now(), now(), %s, 3, 'clicked', 'click', 77)",
        mailing.occurrence_id,
    )
    lines = list(csv.DictReader(io.StringIO(ses("stats", "who", "spring", "--what", "clicked").out)))
    assert [one["address"] for one in lines] == [f"p{number}@gmail.com" for number in range(1, 7)]
    assert [one["clicks_people"] for one in lines] == ["1", "0"] * 3
    (one,) = ses("stats", "who", "spring", "--what", "clicked", "--link", "77", "--json").json
    assert one["address"] == "p3@gmail.com"
    assert ses("stats", "who", "spring", "--json").json == []
    batches = list(who(world.conn, task, Engaged.CLICKED, batch=2))
    assert [len(batch) for batch in batches] == [2, 2, 2]
