"""The tabs "Progress" where people meet them: on the pages of a DAG and of a DAG run in Airflow's own UI."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from tests.airflow_environment import PREFIX
from tests.console.browser.chromium import scripted
from tests.recording_smtp import RecordingServer

RUN = "manual__2026-11-24T09:30:00.654321+00:00"
OTHER_RUN = "manual__2026-11-24T10:00:00.123456+00:00"


@pytest.fixture
def airflow(airflow_ui, world):
    """Opens a page of Airflow's UI, which knows the DAGs of all send tasks, and runs of one."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    from ses_ops.orchestration.control import trigger_run
    from tests.integration.sending_world import quota

    with RecordingServer() as server:
        world.smtp_uri, world.quota_variable = server.uri, quota(8)
        world.seed("hello", count=12)
        world.sent(world.run("hello", run_id=RUN), chunk_size=4)
    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    (bundle,) = manager.get_all_dag_bundles()
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    assert "send_task__hello" in bag.dags
    sync_bag_to_db(bag, bundle.name, bundle.version)
    for run in (RUN, OTHER_RUN):
        assert trigger_run("hello", run)
    return airflow_ui


def picture(page, name: str) -> None:
    if folder := os.environ.get("SES_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def progress_tab(page):
    """The tab's frame, after a click on the tab."""
    page.get_by_role("link", name="Progress", exact=True).click(timeout=60_000)
    return page.frame_locator("iframe")


def test_a_dag_has_the_progress_of_its_send_task(airflow, world):
    page = airflow("/dags/send_task__hello")
    frame = progress_tab(page)
    frame.get_by_text("8 of 12 sent").wait_for(timeout=30_000)
    frame.get_by_role("heading", name="Messages over time").wait_for()
    assert frame.locator("header.top").count() == 0, "the tab stands in Airflow's navigation"
    picture(page, "tab-of-a-dag")
    frame.locator("#do-pause").click()
    frame.get_by_text("hello is paused.").first.wait_for()
    scripted(frame).get_by_role("link", name="Open in the mail console").click()
    page.wait_for_url(f"**/plugin/mail{PREFIX}/ses/tasks/hello")
    frame = page.frame_locator("iframe")
    link = frame.get_by_role("link", name="Open the DAG")
    link.wait_for(timeout=30_000)
    scripted(frame)
    link.click()
    page.wait_for_url("**/dags/send_task__hello**")


def test_a_run_has_the_progress_of_what_it_sent(airflow, world):
    page = airflow(f"/dags/send_task__hello/runs/{RUN.replace('+', '%2B')}")
    frame = progress_tab(page)
    frame.get_by_text("You see what this DAG run began").wait_for(timeout=30_000)
    frame.get_by_text("8 of 12 sent").wait_for()
    picture(page, "tab-of-a-run")
    frame.get_by_role("link", name="8", exact=True).first.click()
    expect(frame.locator(".messages bdi")).to_have_count(8, timeout=30_000)
    inner = next(one for one in page.frames if "/ses/run/" in one.url)
    assert RUN in unquote(inner.url), "a filter stays in the run's tab"
    with page.expect_download() as download:
        frame.get_by_role("link", name="Export as CSV").click()
    assert re.fullmatch(r"hello-messages-[\d-]+\.csv", download.value.suggested_filename)


def test_a_link_to_another_run_leads_to_it_in_airflow(airflow, world):
    page = airflow("/dags/send_task__hello/plugin/mail-progress")
    frame = page.frame_locator("iframe")
    link = frame.get_by_role("link", name=RUN).first
    link.wait_for(timeout=60_000)
    scripted(frame)
    link.click()
    page.wait_for_url(lambda url: "/runs/" in url and RUN in unquote(url))
    progress_tab(page).get_by_text("8 of 12 sent").wait_for(timeout=30_000)


def test_a_run_that_sent_nothing_and_a_dag_that_sends_no_task_say_so(airflow, world):
    page = airflow(f"/dags/send_task__hello/runs/{OTHER_RUN.replace('+', '%2B')}")
    progress_tab(page).get_by_text("This DAG run has sent no mail.").wait_for(timeout=30_000)
    page = airflow("/dags/ses_maintenance")
    frame = progress_tab(page)
    frame.get_by_role("heading", name="This DAG looks after the mail of all send tasks").wait_for(timeout=30_000)
    picture(page, "tab-of-another-dag")
    frame.get_by_role("link", name="To the send tasks").click()
    page.wait_for_url(f"**/plugin/mail{PREFIX}/ses/tasks")
