"""The settings of the providers' hooks, as the commands show them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ses_ops.cli import checks
from tests.unit.events.test_any_hook import SETTINGS


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SETTINGS, "SES_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)


def shown() -> tuple[str, str]:
    """State and text of the check."""
    ((state, text),) = list(checks._hooks())
    return state, text


def test_the_doctor_names_the_providers_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown() == ("ok", "no provider is set up here to post events")
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    state, text = shown()
    assert (state, "SES_PUBLIC_URL is not set" in text) == ("warn", True)
    monkeypatch.setenv("SES_PUBLIC_URL", "https://mail.example.com")
    state, text = shown()
    assert state == "ok"
    for source in ("amazon_ses (arn:aws:sns:", "tencent_ses", "sendgrid", "mailgun", "postmark", "custom"):
        assert source in text
    assert not [name for name, value in SETTINGS.items() if value in text and not name.endswith("TOPICS")]


def test_the_check_is_one_of_the_doctors() -> None:
    assert dict(checks._CHECKS)["hooks"] is checks._hooks


def test_a_wrong_setting_is_one_line_before_anything_listens() -> None:
    command = [sys.executable, "-m", "ses_ops.cli.main", "listen", "public"]
    env = {**os.environ, "SES_HOOK_POSTMARK_LOGIN": "nobody-knows-this"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "SES_HOOK_POSTMARK_LOGIN: is not user:password" in done.stderr
    assert "Traceback" not in done.stderr
    assert "nobody-knows-this" not in done.stderr
