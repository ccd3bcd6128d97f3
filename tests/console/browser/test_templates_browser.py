"""Templates and test sends in a real browser."""

from __future__ import annotations

import json
import shutil
import threading

import pytest

from ses_ops import settings
from ses_ops.application.test_sends import TestSend, test_send
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.airflow_environment import REPOSITORY
from tests.console.browser.chromium import scripted
from tests.console.test_test_sends_page import dags, runs, set_run_state  # noqa: F401 - a fixture
from tests.integration.sending_world import quota
from tests.recording_smtp import RecordingServer


@pytest.fixture
def shop(world):
    """The templates of the repository, one that is broken, a group, and tasks that use them."""
    for source in (REPOSITORY / "include" / "templates").iterdir():
        shutil.copytree(source, world.templates / source.name)
    broken = world.templates / "broken"
    broken.mkdir()
    (broken / "subject.txt").write_text("Hello {{ name")
    (broken / "body.html").write_text("<p>" + "<script>alert(1)</script>" + "x" * 300 + "</p>")
    world.seed("spring-sale")
    world.task("summer-sale", group="customers", type="triggered")
    world.execute("UPDATE send_task SET template = 'newsletter'")
    world.execute(
        "UPDATE recipient SET address = 'رسالة-' || address, values = values || %s",
        '{"coupon": "<b>X</b>", "customer_id": "1"}',
    )
    world.execute("UPDATE recipient_group SET variables = '{name,coupon,customer_id}'")
    return world


LOOKS = (
    "/templates",
    "/templates/newsletter",
    "/templates/newsletter?view=phone&group=customers",
    "/templates/newsletter?view=text&group=gone",
    "/templates/newsletter?view=source",
    "/templates/broken",
    "/templates/newsletter/test",
)


@pytest.mark.parametrize("path", LOOKS)
def test_nothing_shuts_people_out(path, shop, nothing_shuts_people_out):
    nothing_shuts_people_out(path)


def test_no_template_at_all_shuts_nobody_out(world, nothing_shuts_people_out):
    shutil.rmtree(world.templates / "hello")
    nothing_shuts_people_out("/templates?none")


def test_the_preview_shows_the_mail_at_two_widths_without_script_by_keyboard(shop, open_page):
    page = open_page("/templates/newsletter", java_script_enabled=False)
    frame = page.frame_locator("iframe.mail")
    frame.get_by_text("Fresh for spring, Ann").wait_for()
    assert page.locator("iframe.mail").bounding_box()["width"] > 700
    page.get_by_role("link", name="Phone").focus()
    page.keyboard.press("Enter")
    page.locator("iframe.mail.phone").wait_for()
    page.wait_for_load_state()
    assert page.locator("iframe.mail").bounding_box()["width"] == 375
    page.locator('input[name="v.name"]').fill("Zoë")
    page.keyboard.press("Enter")
    page.frame_locator("iframe.mail").get_by_text("Fresh for spring, Zoë").wait_for()
    page.locator("#group").select_option("customers")
    page.get_by_role("button", name="Show", exact=True).click()
    page.frame_locator("iframe.mail").get_by_text("Fresh for spring, Person 1").wait_for()


def test_the_frame_runs_no_script_where_the_page_runs_its_own(shop, open_page):
    page = open_page("/templates/newsletter")
    frame = page.locator("iframe.mail").element_handle().content_frame()
    frame.wait_for_load_state()
    assert page.locator("iframe.mail").get_attribute("sandbox") == ""
    assert page.evaluate("document.querySelector('iframe.mail').contentDocument") is None, "an origin of its own"


def test_the_mailbox_opens_in_a_tab_of_its_own_from_inside_airflows_frame(shop, airflow_ui, console_url, monkeypatch):
    smtp = "smtp://127.0.0.1:1025/?tls=none"
    stack = {"db_dsn": shop.dsn, "airflow_db_dsn": "", "smtp_uri": smtp, "web_url": console_url}
    settings.stack_file().parent.mkdir(parents=True)
    # Any page of this host stands for the mailbox.
    settings.stack_file().write_text(json.dumps({**stack, "mailbox_url": f"{console_url}/ses/templates?box="}))
    monkeypatch.setenv("AIRFLOW_CONN_SES_SMTP", smtp)
    page = airflow_ui("/plugin/mail/ses/templates")
    frame = page.frame_locator("iframe")
    link = frame.get_by_role("link", name="Mailbox")
    link.wait_for(timeout=30_000)
    scripted(frame)
    with page.context.expect_page() as opened:
        link.click()
    opened.value.get_by_role("heading", name="Templates").wait_for()
    assert opened.value.url.endswith("?box=/")
    assert "/plugin/mail" in page.url, "Airflow stays open"


def test_a_test_send_is_followed_live_by_keyboard_alone(shop, dags, open_page, nothing_shuts_people_out):  # noqa: F811
    page = open_page("/templates/newsletter")
    page.get_by_role("link", name="Test send").first.focus()
    page.keyboard.press("Enter")
    page.locator("#recipients").focus()
    page.keyboard.insert_text("\n".join(f"a{number}@customers.example" for number in range(21)))
    page.get_by_role("button", name="Send now").focus()
    page.keyboard.press("Enter")
    page.locator("#recipients-error").get_by_text("at most 20").wait_for()
    page.wait_for_load_state()
    page.locator("#recipients").fill("ann@customers.example\nben@customers.example")
    page.get_by_role("button", name="Send now").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Airflow starts the run within a few seconds").wait_for()
    (run,) = runs()
    with RecordingServer() as server:
        facts = {"plans": QuotaPlans.parse(quota(10)), "templates_root": shop.templates, "stop": threading.Event()}
        facts["smtp"] = smtp_settings_from_connection_uri(server.uri)
        order = TestSend(**run.conf)
        # Playwright has the event loop of this thread.
        sending = threading.Thread(target=lambda: test_send(shop.dsn, order, run_id=run.run_id, **facts))
        sending.start()
        sending.join()
    set_run_state("success")
    page.get_by_text("All 2 messages were accepted by the mail server.").wait_for(timeout=30_000)
    assert page.get_by_role("row").filter(has_text="ben@customers.example").get_by_text("sent").count() == 1
    nothing_shuts_people_out(f"/test-sends/{run.run_id}")
