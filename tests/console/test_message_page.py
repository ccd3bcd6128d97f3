"""A task's page says what came back, and a message's page what happened to it; all mail to one person is found."""

from __future__ import annotations

import csv
import io

import pytest

from ses_ops.domain.message_event import EventKind
from tests.integration.engagement.opens import SENT, Opens
from tests.integration.events.mailing import sent

WORDS = "550 5.1.1 <gone@example.com>: no such user"


@pytest.fixture
def mailing(world):
    """Four messages: delivered, bounced, complained, and one of which nobody told."""
    found = sent(world, "spring", ["ann@example.com", "gone@example.com", "cross@example.com", "quiet@example.com"])
    found.record(
        found.event(1, EventKind.DELIVERED),
        found.event(
            2,
            EventKind.BOUNCED,
            hard=True,
            diagnostic=WORDS,
            provider_kind="Bounce/Permanent",
            raw="<script>steal()</script>",
        ),
        found.event(3, EventKind.DELIVERED),
        found.event(3, EventKind.COMPLAINED, after=60),
    )
    return found


def message(mailing, seq):
    return f"/tasks/spring/messages/{mailing.occurrence_id}/{seq}"


def test_the_task_page_counts_what_came_back_with_its_base(mailing, viewer):
    text = viewer.text("/tasks/spring")
    assert "What came back" in text
    assert "hard bounces 1 25% of 4 sent" in text
    assert "complaints 1 50% of 2 delivered" in text
    assert "soft bounces 0 0% of 4 sent" in text
    assert "not measured" not in text


def test_without_a_feed_the_page_says_not_measured_and_no_zero(world, viewer):
    sent(world, "spring", ["ann@example.com"])
    text = viewer.text("/tasks/spring")
    assert "hard bounces not measured" in text
    assert "0%" not in text[text.index("What came back") :][:400]


def test_the_list_of_an_outcome_has_the_servers_words(mailing, viewer):
    text = viewer.text("/tasks/spring?feedback=hard_bounced")
    assert "gone@example.com" in text
    assert WORDS in text
    assert "ann@example.com" not in text
    assert viewer.get("/tasks/spring?feedback=nonsense").status_code == 200


def test_the_list_of_an_outcome_is_exported_with_its_verdict(world, mailing, viewer):
    answer = viewer.get("/tasks/spring/messages.csv?feedback=hard_bounced")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["address"], row["feedback"], row["diagnostic"]) == ("gone@example.com", "hard_bounced", WORDS)
    assert row["source"] == "amazon_ses"
    (entry,) = world.audit_log()
    assert entry["extra"]["feedback"] == "hard_bounced"
    every = csv.DictReader(io.StringIO(viewer.get("/tasks/spring/messages.csv").content.decode("utf-8-sig")))
    assert [row["feedback"] for row in every] == ["delivered", "hard_bounced", "complained delivered", ""]


def test_a_message_has_its_events_with_both_times_and_the_servers_words(mailing, viewer, user):
    page = viewer.get(message(mailing, 2))
    assert page.status_code == 200
    assert "Amazon SES" in page.text
    assert "Bounce/Permanent" in page.text
    assert "no such user" in page.text
    assert 'datetime="2026-11-20T10:00:00+00:00"' in page.text
    assert "As it came" not in page.text, "the source is for who may change the console"
    whole = user.get(message(mailing, 2)).text
    assert "As it came" in whole
    assert "&lt;script&gt;steal()" in whole
    assert "<script>steal()" not in whole


def test_a_message_of_which_nobody_told_says_so(mailing, viewer):
    assert "Nobody has told what became of it after that." in viewer.text(message(mailing, 4))


@pytest.mark.parametrize("key", ["1/99", "99/1", "0/1", "99999999999999999999/1", "1/99999999999"])
def test_a_message_that_is_not_there_is_not_found(mailing, viewer, key):
    assert viewer.get(f"/tasks/spring/messages/{key}").status_code == 404


def test_a_message_is_not_shown_under_the_name_of_another_task(world, mailing, viewer):
    world.seed("hello")
    assert viewer.get(message(mailing, 1).replace("spring", "hello")).status_code == 404


def test_all_mail_to_a_person_is_found_over_all_tasks(world, mailing, viewer):
    sent(world, "summer", ["gone@example.com"])
    text = viewer.text("/people?address=GONE@example.com")
    assert "2 messages" in text
    assert text.index("summer") < text.index("spring")
    assert "hard bounce" in text
    assert "It gets no mail: a server said that there is no such address" in text
    assert "No message to this address is in the ledger." in viewer.text("/people?address=nobody@example.com")


def test_a_task_that_a_person_may_not_see_is_not_named(mailing, viewer, monkeypatch):
    monkeypatch.setattr("ses_ops.console.people.history.visible", lambda user, names: set())
    text = viewer.text("/people?address=gone@example.com")
    assert "a send task that you may not see" in text
    assert "spring" not in text
    assert "/messages/" not in viewer.get("/people?address=gone@example.com").text


def test_an_erased_person_is_still_found_by_the_address(world, mailing, user):
    user.post("/suppression/erase", address="gone@example.com", confirmed="yes")
    page = user.get("/people?address=gone@example.com")
    assert "1 message" in page.text
    assert "spring" in page.text


def test_mail_to_a_person_is_paged(world, viewer):
    for n in range(30):
        sent(world, f"task-{n:02}", ["ann@example.com"])
    first = viewer.get("/people?address=ann@example.com").text
    assert "task-29" in first
    assert "task-04" not in first
    (link,) = [part.partition('"')[0] for part in first.split('href="') if "before=" in part.partition('"')[0]]
    second = viewer.get(link.replace("&amp;", "&").removeprefix("/ses")).text
    assert "task-04" in second
    assert "task-29" not in second
    assert viewer.get("/people?address=ann@example.com&before=nonsense").status_code == 200


def test_an_address_that_is_none_is_said_beside_the_field(world, viewer):
    answer = viewer.get("/people?address=nobody")
    assert answer.status_code == 422
    assert "has no @" in answer.text


def test_every_place_that_shows_a_count_shows_the_same(world, mailing, viewer):
    """The number of a task's page, its list, its file and the row of the counts."""
    page = viewer.get("/tasks/spring").text
    columns = world.rows("SELECT sum(delivered), sum(hard_bounced), sum(complained) FROM feedback_count")
    # The message that was complained about was delivered: it is in both.
    assert columns == [(2, 1, 1)]
    for feedback, count in {"delivered": 2, "hard_bounced": 1, "complained": 1}.items():
        assert f'feedback={feedback}#messages">{count}</a>' in page, feedback
        file = viewer.get(f"/tasks/spring/messages.csv?feedback={feedback}").content.decode("utf-8-sig")
        assert len(list(csv.DictReader(io.StringIO(file)))) == count, feedback


def test_the_page_of_a_message_says_who_opened_and_clicked(mailing, viewer):
    opens = Opens(mailing=mailing)
    mailing.world.execute("UPDATE message SET changed_at = %s", SENT)
    target = "https://shop.example/?a=<b>&c=1"
    opens.record(opens.open(1, 3_000), opens.click(1, 3_100, agent="curl/8.5", target=target))
    text = viewer.text(message(mailing, 1))
    assert "opened" in text
    assert "by a person ( ordinary_client )" in text
    assert "by a machine ( program )" in text
    assert target in text
    assert "<b>" not in viewer.get(message(mailing, 1)).text
