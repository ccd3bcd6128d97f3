"""The examples that the console shows run as they stand, against a real copy of the API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key
from tests.recording_smtp import RecordingServer

DOMAIN = "codes.example.com"
NAMES = ("curl", "Python", "Tencent Cloud SDK for Python")


@pytest.fixture(scope="module")
def mail_server() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture(scope="module")
def sending_api(api_dsn, tmp_path_factory, mail_server) -> Iterator[ApiProcess]:
    process = ApiProcess(dsn=api_dsn, spool=tmp_path_factory.mktemp("api") / "home")
    plan = {DOMAIN: {"plan": [10_000], "started_on": "2026-01-01", "time_zone": "UTC"}}
    process.settings = {
        VARIABLE: FERNET_KEY,
        "AIRFLOW_CONN_SES_SMTP": mail_server.uri,
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(plan),
    }
    process.start()
    yield process
    process.kill()


@pytest.mark.parametrize("place", range(3), ids=NAMES)
def test_an_example_sends_a_message(sending_api, api_dsn, mail_server, monkeypatch, tmp_path, place):
    from ses_ops.console.keys.snippets import snippets

    monkeypatch.setenv("SES_API_URL", sending_api.url)
    made = new_key(api_dsn, f"example {place}", scopes=["send"], domains=[DOMAIN])
    to = f"person-{place}@example.org"
    shown = snippets(id=made.key.id, secret=made.secret, sender_domain=DOMAIN, recipient=to)[place]
    assert shown.name == NAMES[place]
    if place == 0:
        if shutil.which("curl") is None:
            pytest.skip("there is no curl here")
        command = ["bash", "-c", shown.code]
    else:
        command = [sys.executable, "-c", shown.code]
    env = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr + sending_api.log
    assert done.stdout.strip(), done.stderr
    end = time.monotonic() + 30
    while to not in mail_server.accepted:
        assert time.monotonic() < end, done.stdout + sending_api.log
        time.sleep(0.02)
    assert b"123 456" in mail_server.contents[to]


def test_a_hostile_address_of_a_login_is_in_no_example():
    from ses_ops.console.keys.snippets import snippets

    for address in ("a'$(id)@example.org", 'a"@example.org', "a@example.org\n", None, ""):
        shown = snippets(id="ID", secret="SECRET", sender_domain=DOMAIN, recipient=address)
        assert all("you@example.com" in one.code for one in shown), address
