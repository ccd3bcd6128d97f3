"""A message that a program asks for is on disk when it is answered, and with the mail server a moment later."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from ses_ops.application.secret_box import VARIABLE
from ses_ops.storage.connection import connected, transaction
from ses_ops.storage.migrate import upgrade
from ses_ops.storage.named_sql import execute
from ses_ops.storage.restore import home
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key, rows
from tests.postgres_server import PostgresServer
from tests.recording_smtp import RecordingServer

DOMAIN = "codes.example.com"
PLAN = {DOMAIN: {"plan": [10_000], "started_on": "2026-01-01", "time_zone": "UTC"}}
MESSAGE = {
    "from": f"Shop <code@{DOMAIN}>",
    "to": ["ann@example.org"],
    "subject": "Your code {{ code }}",
    "text": "It is {{ code }}.",
    "values": {"code": "123 456"},
}


@pytest.fixture
def mail_server() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture
def api(ses_dsn, tmp_path, mail_server) -> Iterator[ApiProcess]:
    process = ApiProcess(dsn=ses_dsn, spool=tmp_path / "home")
    process.settings = {
        VARIABLE: FERNET_KEY,
        "AIRFLOW_CONN_SES_SMTP": f"{mail_server.uri}/?unavailable_after=2",
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(PLAN),
    }
    process.start()
    yield process
    process.kill()


def test_a_message_is_accepted_and_sent_within_a_second(api, ses_dsn, mail_server):
    made = new_key(ses_dsn, scopes=["send"], domains=[DOMAIN])
    with api.client(made) as client:
        assert client.get("/health").json()["status"] == "ok"
        began = time.monotonic()
        answer = client.post("/v1/messages", json=MESSAGE)
        assert answer.status_code == 202, answer.text + api.log
        while not mail_server.total:
            assert time.monotonic() - began < 60, api.log
            time.sleep(0.002)
        assert b"Subject: Your code 123 456" in mail_server.contents["ann@example.org"]
    api.stop()
    assert rows(ses_dsn, "SELECT state::text FROM message") == [("sent",)]


def test_while_the_mail_server_cannot_be_reached_messages_are_kept_and_health_says_so(api, ses_dsn, mail_server):
    mail_server.stop()
    made = new_key(ses_dsn, scopes=["send"])
    with api.client(made) as client:
        answer = client.post("/v1/messages", json=MESSAGE)
        assert answer.status_code == 202, answer.text + api.log
        end = time.monotonic() + 60
        while (health := client.get("/health")).json()["status"] != "degraded":
            assert time.monotonic() < end, health.text
            time.sleep(0.05)
        assert health.status_code == 200
        assert health.json()["mail_server"] == "unavailable"
        mail_server.start()
        end = time.monotonic() + 60
        while not mail_server.total:
            assert time.monotonic() < end, api.log
            time.sleep(0.05)
    assert mail_server.accepted == {"ann@example.org": 1}


def test_two_processes_share_a_port_and_a_stop_loses_nothing(ses_dsn, tmp_path, api, mail_server):
    copy = ApiProcess(dsn=ses_dsn, spool=tmp_path / "two", arguments=["--workers", "2"], settings=api.settings)
    copy.start()
    try:
        made = new_key(ses_dsn, scopes=["send"])
        accepted = []
        for number in range(40):
            with copy.client(made) as client:  # a connection of its own, so that both get some
                address = f"person-{number}@example.org"
                answer = client.post("/v1/messages", json={**MESSAGE, "to": [address]})
                assert answer.status_code == 202, answer.text + copy.log
                accepted.append(address)
        copy.process.terminate()
        copy.process.wait(60)
        end = time.monotonic() + 90
        # What the two gave back, the copy that lives takes over.
        while sorted(mail_server.accepted) != sorted(accepted):
            assert time.monotonic() < end, (mail_server.total, copy.log, api.log)
            time.sleep(0.05)
        assert set(mail_server.accepted.values()) == {1}
    finally:
        copy.kill()


def test_the_api_of_a_restored_ledger_says_so_and_accepts_when_a_person_has_spoken(ses_dsn, tmp_path, mail_server):
    made = new_key(ses_dsn, scopes=["send"])
    with connected(ses_dsn) as conn, transaction(conn):
        home.claim(conn)
        execute(conn, "UPDATE ledger_home SET database_oid = database_oid + 1")
    copy = ApiProcess(dsn=ses_dsn, spool=tmp_path / "home")
    copy.settings = {
        VARIABLE: FERNET_KEY,
        "AIRFLOW_CONN_SES_SMTP": mail_server.uri,
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(PLAN),
    }
    try:
        copy.start()
        with copy.client(made) as client:
            health, answer = client.get("/health"), client.post("/v1/messages", json=MESSAGE)
            assert (health.status_code, health.json()["database"]) == (503, "restored"), health.text
            assert (answer.status_code, answer.json()["code"]) == (503, "ledger_restored"), answer.text
            with connected(ses_dsn) as conn, transaction(conn):
                home.move(conn)
            end = time.monotonic() + 60
            while (answer := client.post("/v1/messages", json=MESSAGE)).status_code != 202:
                assert time.monotonic() < end, answer.text + copy.log
                time.sleep(0.1)
    finally:
        copy.kill()


def test_it_starts_without_postgresql_refuses_with_503_and_goes_on_when_it_is_there(tmp_path, mail_server):
    server = PostgresServer.create()
    server.start()
    server.execute("CREATE DATABASE ses")
    dsn = server.dsn("ses")
    upgrade(dsn)
    made = new_key(dsn, scopes=["send"])
    server.stop("fast")
    copy = ApiProcess(dsn=dsn, spool=tmp_path / "home")
    copy.settings = {
        VARIABLE: FERNET_KEY,
        "AIRFLOW_CONN_SES_SMTP": mail_server.uri,
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(PLAN),
    }
    try:
        copy.start()
        with copy.client(made) as client:
            for answer in (client.get("/health"), client.post("/v1/messages", json=MESSAGE)):
                assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["code"]
            server.start()
            end = time.monotonic() + 60
            while (answer := client.post("/v1/messages", json=MESSAGE)).status_code != 202:
                assert answer.status_code == 503, answer.text
                assert time.monotonic() < end, copy.log
                time.sleep(0.1)
            server.stop("immediate")
            end = time.monotonic() + 60
            # A proxy that asks for its health learns it although nobody else asks for anything.
            while (health := client.get("/health")).status_code != 503:
                assert time.monotonic() < end, health.text
                time.sleep(0.1)
            assert health.json()["database"] == "unavailable"
            answer = client.post("/v1/messages", json=MESSAGE)
            assert answer.status_code == 503, answer.text
            server.start()
            end = time.monotonic() + 60
            while client.get("/health").status_code != 200:
                assert time.monotonic() < end, copy.log
                time.sleep(0.1)
            while client.post("/v1/messages", json=MESSAGE).status_code != 202:
                assert time.monotonic() < end, copy.log
                time.sleep(0.1)
    finally:
        copy.kill()
        server.stop("immediate")
        server.remove()
