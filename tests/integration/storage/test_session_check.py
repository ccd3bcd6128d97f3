"""A sender's lock is its session's: a pooler that hands sessions out by the transaction is refused."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from ses_ops.cli.checks import run_checks
from ses_ops.errors import SesError
from ses_ops.storage.session_check import check_session
from tests.transaction_pooler import TransactionPooler


def through(pooler: TransactionPooler, dsn: str) -> str:
    parts = urlsplit(dsn)
    return f"postgresql://{parts.username}@127.0.0.1:{pooler.port}{parts.path}"


def test_a_connection_to_the_server_itself_is_a_session(ses_dsn):
    check_session(ses_dsn)


def test_a_pooler_of_transactions_is_refused(ses_dsn, postgres, monkeypatch):
    with TransactionPooler(postgres.folder / ".s.PGSQL.5432") as pooler:
        with pytest.raises(SesError, match="pool_mode = transaction"):
            check_session(through(pooler, ses_dsn))
        monkeypatch.setenv("AIRFLOW_CONN_SES_DB", through(pooler, ses_dsn))
        (found,) = [check for check in run_checks() if check.name == "database"]
        assert found.state == "FAIL"
        assert "pool_mode = session" in found.text


def test_a_pooler_that_drops_our_settings_is_refused(ses_dsn, postgres, monkeypatch):
    from ses_ops.storage import session_check

    monkeypatch.setattr(session_check, "OTHERS", 0)
    with (
        TransactionPooler(postgres.folder / ".s.PGSQL.5432", drop_options=True) as pooler,
        pytest.raises(SesError, match="do not arrive"),
    ):
        check_session(through(pooler, ses_dsn))
