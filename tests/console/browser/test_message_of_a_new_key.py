"""From no key to a message on its page: a key made in a browser, its examples as they stand, and sending again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ses_ops.application.secret_box import VARIABLE
from ses_ops.domain.warmup import VARIABLE as QUOTA
from tests.integration.api.api_process import FERNET_KEY, ApiProcess
from tests.integration.callbacks.delivering import until
from tests.recording_smtp import RecordingServer

YOU = "you@example.com"


@pytest.fixture
def mailbox() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture
def api(world, mailbox, monkeypatch, tmp_path) -> Iterator[ApiProcess]:
    """A copy of the API that has the console's database and Fernet key, and the address that the examples name."""
    from airflow.configuration import conf

    key = conf.get("core", "fernet_key", fallback="") or FERNET_KEY
    monkeypatch.setenv(VARIABLE, key)
    settings = {
        VARIABLE: key,
        "AIRFLOW_CONN_SES_SMTP": mailbox.uri,
        f"AIRFLOW_VAR_{QUOTA.upper()}": json.dumps(world.quota_variable),
    }
    process = ApiProcess(dsn=world.dsn, spool=tmp_path / "api-home", settings=settings)
    process.start()
    monkeypatch.setenv("SES_API_URL", process.url)
    yield process
    process.kill()


def test_the_examples_of_a_new_key_send_and_their_messages_are_found_and_sent_again(api, mailbox, open_page):
    page = open_page("/new-key", "admin")
    page.get_by_label("Name").fill("shop")
    page.get_by_label("Name").press("Enter")
    page.locator("#key-secret").wait_for()
    curl, python = (page.locator("pre code").nth(number).inner_text() for number in range(2))
    for command in (["bash", "-c", curl], [sys.executable, "-c", python]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    until(lambda: mailbox.accepted[YOU] == 2)

    def sent() -> bool:
        page.goto(page.url.partition("/ses/")[0] + "/ses/messages?status=sent")
        return page.locator(".single .mark.sent").count() == 2

    until(sent)
    assert "shop" in page.locator(".single").inner_text()
    page.get_by_role("link", name=YOU).first.click()
    page.get_by_role("heading", name=f"Message to {YOU}").wait_for()
    assert "Your code {{ code }}" in page.locator(".heading").inner_text()
    assert "250" in page.locator(".timeline").inner_text()
    page.get_by_role("button", name="Send again").click()
    page.get_by_role("dialog").get_by_role("button", name="Send again").click()
    page.get_by_text("The message is sent again as this new one.").wait_for()
    until(lambda: mailbox.accepted[YOU] == 3)
    page.get_by_role("link", name="an earlier message").click()
    page.get_by_role("link", name="message 1").wait_for()
