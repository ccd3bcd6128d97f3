"""The schema: made from nothing, safe to repeat, its laws held by the database itself."""

from __future__ import annotations

import psycopg2
import pytest

from ses_ops.storage.migrate import current_version, newest_version, upgrade
from ses_ops.storage.sql import statements


def test_an_upgrade_can_be_repeated_and_reaches_the_newest_version(ses_dsn):
    upgrade(ses_dsn)
    assert current_version(ses_dsn) == newest_version()


def test_an_empty_database_has_no_version(postgres):
    name = postgres.new_database()
    assert current_version(postgres.dsn(name)) is None
    postgres.drop_database(name)


def test_a_chunk_whose_counts_do_not_add_up_is_refused_by_the_database(ses_conn):
    with ses_conn.cursor() as cursor, pytest.raises(psycopg2.errors.CheckViolation):
        cursor.execute(
            "ALTER TABLE chunk DROP CONSTRAINT chunk_occurrence_id_fkey, DROP CONSTRAINT chunk_task_id_fkey;"
            "INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent,"
            " sending_through) VALUES (1, 1, 'd', 1, 10, 'cached', 5, 4, 0)"
        )


@pytest.mark.parametrize(
    "noun",
    [
        *("send_tasks", "ledger", "chunks", "attempts", "quota", "overview", "recipients", "suppression"),
        *("messages", "task_progress", "group_imports", "suppression_reports", "editions", "retries"),
    ],
)
def test_every_statement_is_valid_sql_for_this_schema(ses_conn, noun):
    for name, sql in statements(noun).items():
        with ses_conn.cursor() as cursor:
            numbered = _with_null_parameters(sql)
            try:
                # A PREPARE is checked by the server as it is.
                cursor.execute(numbered if name.startswith("prepare") else "EXPLAIN " + numbered)
            except psycopg2.Error as error:
                pytest.fail(f"{noun}.{name}: {error}")
            finally:
                ses_conn.rollback()


def _with_null_parameters(sql: str) -> str:
    import re

    return re.sub(r"%\(\w+\)s", "NULL", sql)
