"""Copies of the quota Variable and the mail server's connection in PostgreSQL, for processes without Airflow.

They are encrypted. `ses_maintenance` writes them every minute, `make run` and a child of `ses listen api` at the start,
and whatever changes a plan (docs/decisions/0053). The process's own AIRFLOW_VAR_SES_WARMUP_QUOTA and
AIRFLOW_CONN_SES_SMTP come first, as in Airflow.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.airflow_connection import FoundConnection
from ses_ops.application.secret_box import SecretBox
from ses_ops.domain.warmup import VARIABLE, QuotaPlans
from ses_ops.errors import DatabaseUnavailable, SesError
from ses_ops.storage.access import airflow_copy
from ses_ops.storage.connection import StatementFailed, connect, transaction
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri, smtp_settings_from_found

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.transports.smtp.settings import SmtpSettings

#: Names of the copies.
QUOTA, SMTP = VARIABLE, "ses_smtp"
#: Seconds between two readings of the copy.
READ_EVERY = 2.0
_SOURCE = "the copy of Airflow's connection ses_smtp"
_OPTIONS = "-c statement_timeout=5000 -c default_transaction_read_only=on"
_log = logging.getLogger(__name__)


def keep_quota(conn: Connection, text: str | None, box: SecretBox | None = None) -> None:
    """Copy the quota Variable; None: it is not set. Raises NotSetUp without a Fernet key."""
    _write(conn, QUOTA, json.dumps(text), box)


def keep_smtp(conn: Connection, found: FoundConnection | None) -> None:
    """Copy the mail server's connection; None: there is none. Raises ConnectionProblem, NotSetUp."""
    _write(conn, SMTP, json.dumps(None if found is None else asdict(found.fields)))


def _write(conn: Connection, name: str, text: str, box: SecretBox | None = None) -> None:
    box = box or SecretBox.of_airflow()
    with transaction(conn):
        airflow_copy.write(conn, name, box.close(text.encode()))


class AirflowCopy:
    """The settings as they were last read, refreshed every two seconds by a thread."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._texts: dict[str, str | None] = {}
        self._copied_at: dict[str, datetime] = {}
        self._plans: tuple[str | None, QuotaPlans] = (None, QuotaPlans.parse(None))
        self._conn: Connection | None = None
        self._stop = threading.Event()
        self._problem = ""
        self._thread = threading.Thread(target=self._run, name="airflow copy", daemon=True)

    def start(self) -> None:
        """Read once, as well as that can be done, and then again and again."""
        self.read()
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)
        if self._conn is not None:
            self._conn.close()

    def plans(self) -> QuotaPlans:
        """The warm-up plans, parsed once for each text."""
        text = os.environ.get(settings.WARMUP_QUOTA) or self._texts.get(QUOTA)
        known, plans = self._plans
        if known != text:
            plans = QuotaPlans.parse(text)
            self._plans = (text, plans)
        return plans

    def quota_text(self) -> str | None:
        """The quota Variable as text; None when it is not set, as far as is known here."""
        return os.environ.get(settings.WARMUP_QUOTA) or self._texts.get(QUOTA)

    def smtp(self) -> SmtpSettings:
        """The mail server. Raises NotSetUp when none is known here, ConnectionProblem for a wrong connection."""
        if given := os.environ.get(settings.SES_SMTP, "").strip():
            return smtp_settings_from_connection_uri(given)
        text = self._texts.get(SMTP)
        if text is None:
            raise settings.no_mail_server()
        return smtp_settings_from_found(FoundConnection(source=_SOURCE, given=text))

    @property
    def known(self) -> bool:
        """Whether the plans and the mail server are known here."""
        has_quota = bool(os.environ.get(settings.WARMUP_QUOTA)) or QUOTA in self._texts
        has_smtp = bool(os.environ.get(settings.SES_SMTP, "").strip()) or self._texts.get(SMTP) is not None
        return has_quota and has_smtp

    def read(self) -> None:
        """Read the copies now; what cannot be read stays as it was."""
        try:
            box, conn = SecretBox.of_airflow(), self._connected()
            with transaction(conn):
                rows = airflow_copy.read(conn)
            for row in rows:
                if self._copied_at.get(row.name) != row.copied_at:
                    self._texts[row.name] = _text_of(row.name, box.open(row.value))
                    self._copied_at[row.name] = row.copied_at
            self._problem = ""
        except (SesError, StatementFailed) as problem:
            if isinstance(problem, DatabaseUnavailable) and self._conn is not None:
                self._conn.close()
            if str(problem) != self._problem:
                self._problem = str(problem)
                _log.warning("the settings of Airflow are as they were: %s", problem)

    def _run(self) -> None:
        while not self._stop.wait(READ_EVERY):
            self.read()

    def _connected(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._dsn, application="ses api settings", options=_OPTIONS, connect_timeout=3)
        return self._conn


def _text_of(name: str, given: bytes) -> str | None:
    """A copy as text: the Variable itself, a connection as Airflow's JSON."""
    value = json.loads(given)
    if name == SMTP and isinstance(value, dict):
        return json.dumps({key: one for key, one in value.items() if key != "source"})
    return value if isinstance(value, str) else None
