"""Making a send task in a real browser: what is shown when, by keyboard, without script, shutting nobody out."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.console.browser.chromium import axe_violations
from tests.integration.sending_world import quota

CHECK = re.compile("Check and preview|確認とプレビュー")
HOSTILE = "<script>document.title='x'</script>\"' \u202eRTL " + "W" * 120


@pytest.fixture
def ready(world, monkeypatch):
    """A group whose first recipient has hostile values, a template, a warm-up of days, and cached mail."""
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(100)))
    world.group("customers", 500)
    world.seed("earlier", group="customers", subject="An earlier mail")
    world.outcome("earlier", sent=100, cached=150)
    world.execute("UPDATE recipient SET values = %s WHERE position = 1", json.dumps({"name": HOSTILE}))
    (world.templates / "order-notice").mkdir()
    (world.templates / "order-notice" / "subject.txt").write_text("Your order {{ number }}")
    (world.templates / "order-notice" / "body.txt").write_text("Number {{ number }}")
    return world


def review(page) -> None:
    """From a form that is filled to the look ahead."""
    page.get_by_role("button", name=CHECK).click()
    page.frame_locator("iframe").locator("p").first.wait_for()


def fill(page) -> None:
    page.locator("#template").select_option("hello")
    page.locator("#group").select_option("customers")


def test_an_empty_installation_shuts_nobody_out(world, nothing_shuts_people_out):
    nothing_shuts_people_out("/new-task?look=empty")


def test_the_form_shuts_nobody_out(ready, nothing_shuts_people_out):
    def open_all(page):
        page.locator("label[for=type-recurring]").click()
        page.locator(".more summary").click()

    nothing_shuts_people_out("/new-task", before=open_all)


def test_the_form_with_errors_shuts_nobody_out(ready, nothing_shuts_people_out):
    def make_errors(page):
        page.locator("label[for=type-recurring]").click()
        page.locator("#repeat-cron").check()
        for field in ("sender", "subject", "name", "cron", "time_zone"):
            page.locator(f"#{field}").fill(HOSTILE[:900])
        page.get_by_role("button", name=CHECK).click()
        page.locator("#errors").wait_for()

    nothing_shuts_people_out("/new-task?look=errors", before=make_errors)


def test_the_look_ahead_shuts_nobody_out(ready, nothing_shuts_people_out):
    def look_ahead(page):
        fill(page)
        page.locator("label[for=type-recurring]").click()
        page.locator("#subject").fill("{{ name }} " + HOSTILE)
        page.locator("#sender").fill("Example Shop <news@mail.example.com>")
        review(page)

    nothing_shuts_people_out("/new-task?look=ahead", before=look_ahead)


def test_an_edit_of_a_task_that_has_begun_shuts_nobody_out(ready, nothing_shuts_people_out):
    """The form with what can change no more, then the look ahead with what changes for whom."""

    def look_ahead(page):
        page.locator("#subject").fill("{{ name }} " + HOSTILE)
        review(page)

    nothing_shuts_people_out("/tasks/earlier/edit")
    nothing_shuts_people_out("/tasks/earlier/edit?look=ahead", before=look_ahead)
    ready.execute("UPDATE send_task SET edition = 2")
    ready.execute("UPDATE message SET state = 'failed', smtp_code = 550, smtp_text = %s WHERE seq <= 2", HOSTILE)
    ready.execute("UPDATE chunk SET sent = sent - 2, failed = failed + 2")
    nothing_shuts_people_out("/tasks/earlier?look=editions")
    retry = re.compile("Retry failed messages|失敗したメッセージを再試行")

    def ask(page):
        page.locator("#do-retry-failed").click()
        page.get_by_role("heading", name=retry).wait_for()

    nothing_shuts_people_out("/tasks/earlier?look=retry", before=ask)


def test_a_start_by_hand_shuts_nobody_out(ready, nothing_shuts_people_out):
    ready.seed("by-hand", group="customers", type="recurring", start_at="2099-01-01", every="7d")
    nothing_shuts_people_out("/tasks/by-hand/send-now")


def test_a_newcomer_makes_a_task_with_two_choices(ready, open_page):
    page = open_page("/new-task")
    fill(page)
    review(page)
    assert "499" not in page.locator("#who + .big").inner_text()
    assert "500 recipients" in page.locator("#who + .big").inner_text()
    frame = page.frame_locator("iframe")
    frame.get_by_text("this is for you").wait_for()
    assert page.title() != "x"
    page.get_by_role("button", name="Create the task").first.click()
    page.get_by_text(re.compile(r"The send task hello-\d{4}-\d\d-\d\d is created\.")).wait_for()
    assert ready.rows("SELECT count(*)::int FROM send_task WHERE starts_with(name, 'hello-')") == [(1,)]


def test_the_form_begins_in_the_viewers_zone_and_the_name_follows_the_template(ready, open_page):
    page = open_page("/new-task")
    assert page.locator("#time_zone").input_value() == "Asia/Tokyo"
    page.locator("#template").select_option("order-notice")
    assert re.fullmatch(r"order-notice-\d{4}-\d\d-\d\d", page.locator("#name").input_value())
    page.locator("#name").fill("mine")
    page.locator("#template").select_option("hello")
    assert page.locator("#name").input_value() == "mine"
    page.locator("#group").select_option("customers")
    assert page.locator("#variables code").all_inner_texts() == ["{{ name }}"]


def test_only_what_belongs_to_the_type_is_shown_by_keyboard_and_without_script(ready, open_page):
    page = open_page("/new-task", java_script_enabled=False)
    start, every, cron = (page.locator(f"#{name}") for name in ("start_at", "every_count", "cron"))
    assert not start.is_visible()
    page.locator("#type-immediate").focus()
    page.keyboard.press("ArrowDown")
    assert start.is_visible()
    assert not every.is_visible()
    page.keyboard.press("ArrowDown")
    assert every.is_visible()
    assert not cron.is_visible()
    page.locator("#repeat-every").focus()
    page.keyboard.press("ArrowDown")
    assert cron.is_visible()
    assert not every.is_visible()


def test_errors_are_read_first_and_nothing_is_lost_without_script_too(ready, open_page):
    for script in (True, False):
        page = open_page("/new-task", java_script_enabled=script)
        page.locator("#sender").fill(HOSTILE)
        page.evaluate("0") if script else None
        with page.expect_response("**/new-task/review") as answer:
            page.get_by_role("button", name="Check and preview").click()
        assert answer.value.status == 422
        page.locator("#sender-error").wait_for()
        assert page.locator("#sender").input_value() == HOSTILE
        assert page.locator("#template-error").inner_text() == "Choose a template."
        if script:
            expect(page.locator("#errors")).to_be_focused()
            assert axe_violations(page) == []


def test_going_back_from_the_look_ahead_keeps_everything(ready, open_page):
    page = open_page("/new-task")
    fill(page)
    page.locator("#subject").fill("For {{ name }}")
    page.locator("#name").fill("a-name-of-mine")
    review(page)
    page.get_by_role("button", name="Change something").first.click()
    page.locator("#subject").wait_for()
    assert page.locator("#subject").input_value() == "For {{ name }}"
    assert page.locator("#name").input_value() == "a-name-of-mine"
    assert page.locator("#time_zone").input_value() == "Asia/Tokyo"


def test_a_waiting_task_is_edited_from_the_list(ready, open_page):
    ready.seed("later", type="scheduled", start_at="2099-01-01 09:00", time_zone="Asia/Tokyo")
    page = open_page("/tasks?q=later")
    page.locator("#more-later").click()
    page.get_by_role("link", name="Edit").click()
    page.locator("#start_at").fill("2098-05-05T08:30")
    review(page)
    page.get_by_text("May 5, 2098").first.wait_for()
    page.get_by_role("button", name="Save the changes").first.click()
    page.get_by_text("The send task later is changed.").wait_for()


def test_an_end_is_a_day_and_can_have_a_time(ready, open_page):
    page = open_page("/new-task")
    page.locator("label[for=type-recurring]").click()
    end = page.locator("#until")
    end.fill("2099-12-03")
    page.get_by_label("at a time of that day").check()
    assert end.input_value() == "2099-12-03T23:59"
    end.fill("2099-12-03T18:00")
    page.get_by_label("at a time of that day").uncheck()
    assert end.input_value() == "2099-12-03"
