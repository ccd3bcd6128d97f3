"""The servers and the quota Variable, as Airflow's own look-up finds them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ses_ops import airflow_connection, settings
from ses_ops.airflow_connection import FoundConnection
from ses_ops.domain.warmup import VARIABLE, QuotaPlans
from ses_ops.orchestration.lookup import airflow_lookup
from ses_ops.transports.smtp.settings import SmtpSettings, smtp_settings_from_found

if TYPE_CHECKING:
    from ses_ops.events.imap_mailbox import MailboxSettings

log = logging.getLogger(__name__)

#: Ids of Airflow connections.
DB_CONNECTION = "ses_db"
SMTP_CONNECTION = "ses_smtp"
BOUNCE_MAILBOX = "ses_bounce_mailbox"


def ses_db() -> FoundConnection:
    """The connection to the `ses` database. Raises NotSetUp without one, and the errors of `airflow_lookup`."""
    found = airflow_lookup.connection(DB_CONNECTION)
    if found is None:
        raise settings.no_database(in_airflow=True)
    return found


def ses_db_dsn() -> str:
    """The `ses` database as a libpq URI. Raises ConnectionProblem for an invalid connection, and as `ses_db`."""
    return airflow_connection.libpq_uri(ses_db().fields)


def ses_smtp() -> FoundConnection:
    """The connection to the mail server. Raises NotSetUp without one, and the errors of `airflow_lookup`."""
    found = airflow_lookup.connection(SMTP_CONNECTION)
    if found is None:
        raise settings.no_mail_server(in_airflow=True)
    return found


def smtp_settings() -> SmtpSettings:
    """The settings of the mail server. Raises ConnectionProblem for an invalid connection, and as `ses_smtp`."""
    server = smtp_settings_from_found(ses_smtp())
    for words in server.unused:
        log.warning("the mail server's connection: %s", words)
    return server


def bounce_mailbox() -> MailboxSettings | None:
    """The mailbox that bounces come to; None without such a connection. Raises ConnectionProblem, and as `ses_db`."""
    from ses_ops.events.imap_mailbox import MailboxSettings

    found = airflow_lookup.connection(BOUNCE_MAILBOX)
    return None if found is None else MailboxSettings.of(found.fields)


def quota_variable() -> str | None:
    """The Airflow Variable with the warm-up plans, as text; None when it is not set."""
    found = airflow_lookup.variable(VARIABLE)
    return None if found is None else found.value


def quota_plans() -> QuotaPlans:
    """The warm-up plans of that Variable."""
    return QuotaPlans.parse(quota_variable())
