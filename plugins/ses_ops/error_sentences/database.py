"""Errors of the ses database, or of the connection to it."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "database_connection_not_usable": "the connection to the ses database cannot be used: {cause}",
    "database_failed": "the ses database failed: {cause}",
    "database_not_connected": "cannot connect to the ses database: {cause}",
    "pooler_of_transactions": (
        "the database is behind a pooler that gives each transaction another session (PgBouncer with pool_mode = "
        "transaction): locks of senders would not hold. Name PostgreSQL itself in the connection ses_db, or use "
        "pool_mode = session"
    ),
    "schema_missing": "the ses database has no tables yet",
    "schema_newer": (
        "the ses database has a newer version's schema ({there}, this one knows {needed}); install that version "
        "of ses-ops in all of Airflow's components"
    ),
    "schema_of_another_version": "the ses database has not this version's schema",
    "schema_older": "the ses database has an older version's schema ({there}, this one needs {needed})",
    "settings_do_not_arrive": (
        "the settings that ses-ops asks of its connections do not arrive (a pooler with "
        "ignore_startup_parameters = options?). Name PostgreSQL itself in the connection ses_db"
    ),
    "too_many_downloads": "you are downloading {count} files now; wait until one of them is here",
    "too_many_exports": "{count} exports are being downloaded now; try again in a minute",
}
