"""`ses key`, and the line of `ses doctor` about the API."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from ses_ops.application.secret_box import VARIABLE
from ses_ops.cli.api_checks import api_checks
from ses_ops.cli.main import cli


@pytest.fixture
def run(ses_dsn, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", ses_dsn)
    monkeypatch.setenv("SES_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "no-airflow"))
    monkeypatch.setenv(VARIABLE, Fernet.generate_key().decode())
    monkeypatch.delenv("SES_API_URL", raising=False)

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["key", *arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return call


def test_a_key_is_made_listed_and_revoked(run):
    made = json.loads(run("create", "shop", "--scope", "send", "--domain", "codes.example.com", "--json"))
    assert made.keys() == {"id", "secret"}
    listed = run("list", "--json")
    assert made["secret"] not in listed
    (key,) = json.loads(listed)
    assert (key["id"], key["scopes"], key["domains"]) == (made["id"], ["send"], ["codes.example.com"])
    assert "shop is revoked" in run("revoke", "shop")
    assert json.loads(run("list", "--json")) == []
    assert json.loads(run("list", "--revoked", "--json"))[0]["id"] == made["id"]


def test_doctor_says_what_the_api_lacks(run, monkeypatch):
    assert "no program has a key" in next(api_checks())[1]
    run("create", "shop", "--scope", "send", "--json")
    lines = list(api_checks())
    assert [state for state, _ in lines] == ["ok", "warn", "ok"]
    assert "not copied" in lines[1][1]
    monkeypatch.setenv("SES_API_URL", "http://127.0.0.1:9")
    assert list(api_checks())[-1][0] == "warn"


def test_doctor_asks_the_api_for_its_health(run, monkeypatch):
    class Api(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b'{"status": "failing", "database": "unavailable"}')

        def log_message(self, *_):
            pass

    run("create", "shop", "--scope", "send", "--json")
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setenv("SES_API_URL", f"http://127.0.0.1:{server.server_port}")
        state, text = list(api_checks())[-1]
    assert (state, "is failing: database unavailable" in text) == ("warn", True)
