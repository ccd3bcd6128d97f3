"""What came back, in a real browser: a task's page, a message, a person, the feeds."""

from __future__ import annotations

import pytest

from ses_ops.application.record_events import keep_unmatched, note_refused
from ses_ops.domain.delivery_failure import DeliveryFailure, Reason
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import Explanation
from tests.integration.events.mailing import sent

LONG = "a-very-long-local-part-that-does-not-break-anywhere-at-all-00000@" + "long-" * 11 + "x.example"
WORDS = (
    "550-5.1.1 The email account that you tried to reach does not exist.\n" + "x" * 300 + " <script>alert(1)</script>"
)


@pytest.fixture
def full(world):
    """Every kind of event, words that do not break, feeds that refused, held suppressions, an alarm."""
    world.seed("hello")
    mailing = sent(world, "spring", ["ann@example.com", "gone@example.com", LONG, "quiet@example.com"])
    failure = DeliveryFailure(Reason.NO_SUCH_ADDRESS, "5.1.1")
    told = {"failure": failure, "diagnostic": WORDS, "raw": "x" * 2_000, "provider_kind": "Bounce/Permanent/General"}
    mailing.record(
        mailing.event(1, EventKind.DEFERRED, diagnostic="451 4.7.1 greylisted"),
        mailing.event(1, EventKind.DELIVERED, after=5),
        mailing.event(1, EventKind.COMPLAINED, after=50, source="feedback_report"),
        mailing.event(1, EventKind.UNSUBSCRIBED, after=60, source="unsubscribe_page"),
        mailing.event(2, EventKind.BOUNCED, hard=True, source="bounce_mail", **told),
        mailing.event(3, EventKind.BOUNCED, **told),
    )
    for number in range(3):
        why = Explanation("event_address_differs" if number else "event_names_no_message")
        keep_unmatched(world.conn, source="bounce_mail", source_id=f"{number}", raw=b"From: <b>\n" * 900, why=why)
    note_refused(world.conn, source="sendgrid", why=Explanation("event_names_no_message"))
    world.execute(
        "INSERT INTO suppression_held"
        " (address_key, address, reason, source, mailbox_provider, occurrence_id, seq, note)"
        " SELECT a, a, 'hard_bounce', 'bounce_mail', p, 1, n, %s FROM generate_series(1, 30) n,"
        " LATERAL (SELECT 'person-' || n || '@gmail.com' AS a, CASE WHEN n < 20 THEN 'google' ELSE %s END AS p) x",
        WORDS,
        "long-" * 12 + "x.example",
    )
    world.execute("UPDATE attempt SET sent = 12000")
    world.execute("UPDATE event_feed SET last_at = now() - interval '25 hours' WHERE source <> 'unsubscribe_page'")
    return mailing


def test_the_page_of_the_feeds_shuts_nobody_out(full, nothing_shuts_people_out):
    nothing_shuts_people_out("/feedback")


def test_an_empty_page_of_the_feeds_shuts_nobody_out(world, nothing_shuts_people_out):
    nothing_shuts_people_out("/feedback?size=50")


def test_an_event_without_a_message_shuts_nobody_out(full, nothing_shuts_people_out):
    ((id,),) = full.world.rows("SELECT max(id) FROM unmatched_event")
    nothing_shuts_people_out(f"/feedback/unmatched/{id}")


def test_the_form_of_the_self_test_shuts_nobody_out(full, nothing_shuts_people_out):
    nothing_shuts_people_out("/feedback/self-test")


@pytest.mark.parametrize("query", ["", "?feedback=hard_bounced"])
def test_a_task_page_with_what_came_back_shuts_nobody_out(query, full, nothing_shuts_people_out):
    nothing_shuts_people_out(f"/tasks/spring{query}")


@pytest.mark.parametrize("seq", [1, 3])
def test_a_message_shuts_nobody_out(seq, full, nothing_shuts_people_out):
    nothing_shuts_people_out(f"/tasks/spring/messages/{full.occurrence_id}/{seq}")


@pytest.mark.parametrize("address", ["ann@example.com", LONG, ""])
def test_the_mail_of_a_person_shuts_nobody_out(address, full, nothing_shuts_people_out):
    nothing_shuts_people_out(f"/people?address={address}")


def test_a_person_without_an_address_shuts_nobody_out(world, nothing_shuts_people_out):
    def look_up(page):
        page.locator("#address").fill("nobody")
        page.locator("#address").press("Enter")
        page.locator("#address-error").wait_for()

    nothing_shuts_people_out("/people", before=look_up)


def test_the_suppression_list_with_scopes_and_sources_shuts_nobody_out(full, nothing_shuts_people_out):
    nothing_shuts_people_out("/suppression")


def test_undoing_a_time_span_shuts_nobody_out(full, nothing_shuts_people_out):
    def count(page):
        page.locator("#why").fill("an outage")
        page.locator("#why").press("Enter")
        page.locator("section.card .button.danger").wait_for()

    nothing_shuts_people_out("/suppression/undo", before=count)


def test_a_bounce_is_followed_from_the_task_to_its_message_and_its_source(full, open_page):
    page = open_page("/tasks/spring")
    page.locator(".sums.feedback a").first.wait_for()
    page.get_by_role("term").filter(has_text="hard bounces").locator("xpath=..").get_by_role("link").click()
    page.get_by_role("link", name="gone@example.com").click()
    page.get_by_role("heading", name="Message to gone@example.com").wait_for()
    source = page.locator("details.raw pre")
    assert not source.is_visible()
    page.locator("details.raw summary").focus()
    page.keyboard.press("Enter")
    source.wait_for()
    page.get_by_role("link", name="All mail to this address").click()
    page.get_by_text("a server said that there is no such address").wait_for()


def test_events_are_marked_as_done_by_keyboard_alone(full, open_page):
    page = open_page("/feedback")
    page.locator("input[name=id]").first.focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Mark as done").focus()
    page.keyboard.press("Enter")
    page.get_by_text("1 event is marked as done.").wait_for()
