"""The pages of statistics: sums with their parts, and who sees what."""

from __future__ import annotations

import csv
import io

import pytest

from tests.console.counted_mail import two_mailings
from tests.single_mail import SingleMail


@pytest.fixture
def counted(world):
    two_mailings(world)
    return world


def test_nothing_was_sent_in_a_new_installation(world, viewer):
    assert "Nothing was sent on these days." in viewer.text("/statistics")


def test_rates_say_what_they_are_parts_of(counted, viewer):
    text = viewer.text("/statistics")
    assert "Accepted 90% 180 of 200 requested" in text
    assert "Bounced 5.56% 10 of 180 accepted" in text
    assert "Opened by people 25% 20 of 80 with a pixel and not returned" in text
    assert "Complained – not measured" in text


@pytest.mark.parametrize("by", ["kind", "day", "task", "sender_domain", "mailbox_provider", "colour", ""])
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


@pytest.fixture
def triggered(counted):
    """Thirty single messages of the API beside the two mailings."""
    SingleMail(counted.conn).counted(30)
    return counted


def test_trigger_mail_stands_apart_from_bulk_mail(triggered, viewer):
    text = viewer.text("/statistics")
    assert "30 of 210 accepted messages are trigger mail of the API." in text
    assert "Trigger mail of the API 30 30" in viewer.text("/statistics?by=kind")
    assert "Bulk mail of send tasks 200 180" in viewer.text("/statistics?by=kind")
    assert "Trigger mail of mail.example.com 30 30" in viewer.text("/statistics?by=task")
    assert "Total 30 30" in viewer.text("/statistics?by=day&mail=trigger")
    assert "Total 200 180" in viewer.text("/statistics?by=mailbox_provider&mail=bulk")
    rows = csv.DictReader(io.StringIO(viewer.get("/statistics.csv?by=kind").content.decode("utf-8-sig")))
    assert {row["kind"]: row["accepted"] for row in rows} == {"bulk": "180", "trigger": "30"}


def test_who_may_not_see_what_tasks_share_sees_no_trigger_mail(triggered, viewer, monkeypatch):
    monkeypatch.setattr("ses_ops.console.statistics.page.may_see_shared", lambda user: False)
    for query in ("", "?mail=trigger", "?by=task"):
        text = viewer.text(f"/statistics{query}")
        assert "are trigger mail" not in text, query
        assert "Trigger mail of mail.example.com" not in text, query
        assert "Total 200 180" in text
