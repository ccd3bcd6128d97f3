"""`ses listen api` where only Airflow's database knows the servers and the quota: a child process asks Airflow."""

from __future__ import annotations

import json
import time
from pathlib import Path

import tests.airflow_environment as environment
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key

KEY = "AIRFLOW__CORE__FERNET_KEY"
PLAN = {"codes.example.com": {"plan": [100], "started_on": "2026-01-01", "time_zone": "UTC"}}


def test_it_finds_what_airflow_has(ses_dsn, airflow_db, mail_server, tmp_path: Path, monkeypatch) -> None:
    from airflow.models import Connection, Variable
    from airflow.utils.session import create_session

    monkeypatch.setenv(KEY, FERNET_KEY)
    with create_session() as session:
        session.add(Connection(conn_id="ses_db", uri=ses_dsn.replace("postgresql://", "generic://", 1)))
        session.add(Connection(conn_id="ses_smtp", uri=mail_server.uri))
    Variable.set("ses_warmup_quota", json.dumps(PLAN))
    api = ApiProcess(dsn="", spool=tmp_path / "home")
    uri = airflow_db.replace("postgresql://", "postgresql+psycopg2://", 1)
    api.settings = {**environment.SETTINGS, environment.DATABASE: uri, KEY: FERNET_KEY, "AIRFLOW_CONN_SES_DB": ""}
    api.start()
    try:
        made = new_key(ses_dsn, scopes=["send"])
        with api.client(made) as client:
            end = time.monotonic() + 90
            while (health := client.get("/health").json())["settings"] != "ok":
                assert time.monotonic() < end, (health, api.log)
                time.sleep(0.2)
            message = {"from": "a@codes.example.com", "to": "b@example.org", "subject": "s", "text": "t"}
            answer = client.post("/v1/messages", json=message)
            assert answer.status_code == 202, answer.text + api.log
        end = time.monotonic() + 90
        while not mail_server.total:
            assert time.monotonic() < end, api.log
            time.sleep(0.05)
    finally:
        api.kill()
