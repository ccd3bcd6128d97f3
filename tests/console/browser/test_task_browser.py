"""A send task's page in a real browser; test_task_tabs.py has it inside Airflow's UI."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ses_ops.domain.occurrence import RunKind
from tests.console.browser.chromium import axe_violations
from tests.console.browser.conftest import look_again
from tests.recording_smtp import RecordingServer

LONG = "Frühling" * 40
RUN = "scheduled__2026-11-24T09:30:00+00:00"


@pytest.fixture
def paused(world):
    """A task that was sent over its quota, a day ago and today, with failures and doubts and odd words."""
    from tests.integration.sending_world import quota

    def refuse(recipient: str) -> bytes | None:
        if recipient.startswith("customers-7@"):
            return b"552 5.2.2 " + b"mailbox-full-" * 30
        return (
            b"550 5.1.1 <script>alert(1)</script>" if recipient.startswith(("customers-3@", "customers-5@")) else None
        )

    with RecordingServer(refuse) as server:
        world.smtp_uri, world.quota_variable = server.uri, quota(30)
        world.seed("spring-sale", count=60, subject=f"<script>alert(1)</script> שלום {LONG}")
        world.sent(world.run("spring-sale", run_id=RUN), chunk_size=10)
        world.execute(
            "UPDATE attempt SET started_at = started_at - interval '1 day', ended_at = ended_at - interval '1 day',"
            " heartbeat_at = heartbeat_at - interval '1 day'"
        )
        world.execute("UPDATE quota_day SET starts_at = starts_at - interval '1 day', ends_at = starts_at")
        world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
        world.quota_variable = quota(10)
        world.sent(world.run("spring-sale", RunKind.RESUME), chunk_size=10)
    world.execute("UPDATE message SET state = 'unknown' WHERE seq = 1")
    world.execute("UPDATE chunk SET sent = sent - 1, unknown = 1 WHERE first_seq = 1")
    return world


def test_nothing_shuts_people_out(paused, nothing_shuts_people_out):
    nothing_shuts_people_out(
        "/tasks/spring-sale", before=lambda page: page.locator("figure details summary").first.click()
    )


def test_a_tab_shuts_nobody_out(paused, nothing_shuts_people_out):
    nothing_shuts_people_out("/dag/send_task__spring-sale", "viewer")


def test_a_dag_that_sends_no_mail_shuts_nobody_out(world, nothing_shuts_people_out):
    nothing_shuts_people_out("/dag/example")


def test_an_empty_task_shuts_nobody_out(world, nothing_shuts_people_out):
    world.seed("hello", type="recurring", start_at="2099-01-01 09:00", every="7d", time_zone="Asia/Tokyo")
    nothing_shuts_people_out("/tasks/hello", before=lambda page: page.locator(".with-reason summary").click())


def test_counts_move_without_a_reload_and_what_is_typed_stays(paused, open_page):
    page = open_page("/tasks/spring-sale")
    chart = page.locator("#sending-desc").text_content()
    assert re.search(r"from \d+ \w+ \d{4}, \d\d:\d\d:\d\d to \d+ \w+", chart), "in the viewer's zone, as its axis"
    page.locator("#address").fill("customers-")
    before = page.locator('[data-part="counts"]').inner_text()
    paused.execute(
        "UPDATE chunk SET sent = sent + pending, pending = 0, state = 'settled', cached_at = NULL"
        " WHERE state = 'cached'"
    )
    look_again(page)
    page.get_by_text("56 of 60 sent").wait_for(timeout=30_000)
    assert page.locator('[data-part="counts"]').inner_text() != before
    assert page.locator("#address").input_value() == "customers-"


def test_what_is_in_use_stays_while_the_rest_moves_and_follows_when_it_is_left(world, open_page):
    world.seed("spring-sale")
    world.outcome("spring-sale", sent=12_000, in_progress=8_000)
    page = open_page("/tasks/spring-sale")
    page.locator("#do-pause").focus()
    world.execute(
        "UPDATE chunk SET sent = 19999, unknown = 1, pending = 0, state = 'settled';"
        " UPDATE occurrence SET finished_at = now()"
    )
    look_again(page)
    page.get_by_role("heading", name="1 message in doubt").wait_for()
    assert page.locator(".bar rect.sent").get_attribute("width") == "999", "the bar moves while a section appears"
    assert page.locator(".state").inner_text().startswith("finished")
    assert page.evaluate("document.activeElement.id") == "do-pause", "nothing is taken out of a person's hands"
    page.locator("#do-resend-unknown").focus()
    page.locator("#do-pause").wait_for(state="detached")
    assert page.locator("#do-delete").count() == 1
    assert page.evaluate("document.activeElement.id") == "do-resend-unknown"


def test_a_page_says_that_its_task_was_deleted_and_asks_no_more(world, open_page):
    world.seed("spring-sale")
    world.outcome("spring-sale", sent=12_000, in_progress=8_000)
    page = open_page("/tasks/spring-sale", meets="status of 404")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else None)
    world.execute("UPDATE send_task SET deleted_at = now()")
    page.get_by_role("alert").get_by_text("This was deleted meanwhile").wait_for()
    seen = len(asked)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert axe_violations(page) == []
    assert len(asked) == seen, "it is over"


def test_a_doubt_is_settled_by_keyboard(paused, open_page):
    page = open_page("/tasks/spring-sale")
    page.locator("#do-assume-sent").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Count the messages in doubt of spring-sale as sent?").wait_for()
    page.keyboard.press("Escape")
    assert paused.overview("spring-sale").unknown_count == 1, "Escape is no"
    page.locator("#do-assume-sent").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Count as sent").focus()
    page.keyboard.press("Enter")
    page.get_by_text("1 message in doubt of spring-sale counts as sent now.").wait_for()
    assert page.url.endswith("/ses/tasks/spring-sale")


def test_everything_works_without_script(paused, open_page):
    page = open_page("/tasks/spring-sale", java_script_enabled=False)
    page.locator("#address").fill("customers-3@customers.example")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".messages bdi")).to_have_text(["customers-3@customers.example"])
    page.locator("#do-resend-unknown").click()
    page.get_by_role("button", name="Send again").click()
    page.get_by_text("1 message in doubt of spring-sale is sent again.").wait_for()


def test_the_export_is_a_download(paused, open_page):
    page = open_page("/tasks/spring-sale?status=failed")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    assert re.fullmatch(r"spring-sale-messages-[\d-]+\.csv", download.value.suggested_filename)
