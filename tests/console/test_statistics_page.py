"""The pages of statistics: sums with their parts, and who sees what."""

from __future__ import annotations

import csv
import io

import pytest

from tests.integration.events.mailing import sent


@pytest.fixture
def counted(world):
    """Mail of two tasks; that of the first had a pixel and tracked links."""
    for name in ("spring", "autumn"):
        sent(world, name, ["ann@gmail.com"])
    world.execute("DELETE FROM send_count")
    world.execute(
        "INSERT INTO send_count (attempt_id, mailbox_provider, task_id, sender_domain, sent_day, accepted, invalid,"
        " opens_tracked, clicks_tracked)"
        " SELECT a.id, 'google', t.id, t.sender_domain, date_trunc('day', now()), 90, 10, t.name = 'spring',"
        " t.name = 'spring' FROM attempt a JOIN chunk c ON c.id = a.chunk_id JOIN send_task t ON t.id = c.task_id"
    )
    world.execute(
        "INSERT INTO feedback_count (task_id, sender_domain, sent_day, mailbox_provider, soft_bounced)"
        " SELECT id, sender_domain, date_trunc('day', now()), 'google', 10 FROM send_task WHERE name = 'spring'"
    )
    world.execute(
        "INSERT INTO engagement_count (task_id, sender_domain, sent_day, mailbox_provider, opened_people,"
        " opened_machines, opens, clicked_people, clicks)"
        " SELECT id, sender_domain, date_trunc('day', now()), 'google', 20, 60, 99, 8, 9 FROM send_task"
        " WHERE name = 'spring'"
    )
    world.execute(
        "INSERT INTO engagement_hour (task_id, hour, opens_people, clicks_people, opens, clicks)"
        " SELECT id, date_trunc('hour', now()), 20, 8, 99, 9 FROM send_task WHERE name = 'spring'"
    )
    world.execute(
        "WITH l AS (INSERT INTO tracked_link (task_id, target_hash, target)"
        "  SELECT id, sha256('x'), 'https://shop.example/<b>?a=1&b=2' FROM send_task WHERE name = 'spring' RETURNING *)"
        " INSERT INTO link_count (task_id, link_id, clicks, people, machines) SELECT task_id, id, 9, 8, 1 FROM l"
    )
    return world


def test_nothing_was_sent_in_a_new_installation(world, viewer):
    assert "Nothing was sent on these days." in viewer.text("/statistics")


def test_rates_say_what_they_are_parts_of(counted, viewer):
    text = viewer.text("/statistics")
    assert "Accepted 90% 180 of 200 requested" in text
    assert "Bounced 5.56% 10 of 180 accepted" in text
    assert "Opened by people 25% 20 of 80 with a pixel and not returned" in text
    assert "Complained – not measured" in text


@pytest.mark.parametrize("by", ["day", "task", "sender_domain", "mailbox_provider", "colour", ""])
def test_every_grouping_has_the_same_total(counted, viewer, by):
    text = viewer.text(f"/statistics?by={by}&days=7")
    assert "Total 200 180" in text


def test_the_file_has_every_count(counted, viewer):
    answer = viewer.get("/statistics.csv?by=task")
    rows = {row["task"]: row for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))}
    assert (rows["spring"]["accepted"], rows["spring"]["opened_people"]) == ("90", "20")
    assert rows["autumn"]["open_rate"] == ""


def test_a_domain_that_nobody_knows_has_no_mail_and_is_no_error(counted, viewer):
    assert "Nothing was sent on these days." in viewer.text("/statistics?domain=nobody.example")
    assert viewer.get("/statistics?domain=%F0%9F&days=x").status_code == 200


def test_a_task_has_its_links_hours_and_another_beside_it(counted, viewer):
    page = viewer.get("/tasks/spring/statistics?with=autumn")
    assert page.status_code == 200
    assert "https://shop.example/&lt;b&gt;?a=1&amp;b=2" in page.text
    text = viewer.text("/tasks/spring/statistics?with=autumn")
    assert "Opens by people, by the hour (UTC)" in text
    assert "20% 20 of" not in text
    assert "Opened by people 25% 20 of 80 with a pixel and not returned –" in text
    assert "No link of its mail is tracked." in viewer.text("/tasks/autumn/statistics")


def test_a_task_that_does_not_exist_is_not_found(counted, viewer):
    assert viewer.get("/tasks/nobody/statistics").status_code == 404
    assert viewer.get("/tasks/spring/statistics?with=nobody").status_code == 404
