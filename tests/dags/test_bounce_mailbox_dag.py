"""The DAG that reads the bounce mailbox."""

from __future__ import annotations

import pytest

from tests.acceptance.stack_process import free_port
from tests.integration.events.dovecot import Dovecot
from tests.servers.not_run import NotRun


def test_without_the_connection_there_is_nothing_to_do(world, run_dag):
    outcome = run_dag("ses_bounce_mailbox")
    assert (outcome.state, outcome.task("read_mailbox")) == ("success", "skipped")


def test_a_mailbox_is_read(world, run_dag, monkeypatch, tmp_path):
    try:
        dovecot = Dovecot(tmp_path / "dovecot")
    except NotRun as cause:
        pytest.skip(str(cause))
    dovecot.start()
    try:
        dovecot.add(b"From: a@b.example\r\nSubject: hello\r\n\r\nA person.\r\n")
        monkeypatch.setenv(
            "AIRFLOW_CONN_SES_BOUNCE_MAILBOX", f"imap://bounces:secret@127.0.0.1:{dovecot.port}/?tls=none"
        )
        assert run_dag("ses_bounce_mailbox").state == "success"
        assert dovecot.count("INBOX") == 0
    finally:
        dovecot.stop()
    assert world.rows("SELECT source FROM unmatched_event") == [("bounce_mail",)]


def test_a_server_that_is_away_fails_the_run(world, run_dag, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCE_MAILBOX", f"imap://a:b@127.0.0.1:{free_port()}/?tls=none")
    assert run_dag("ses_bounce_mailbox").state == "failed"
