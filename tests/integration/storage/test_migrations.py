"""The schema: made from nothing, safe to repeat, its laws held by the database itself."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg2
import pytest

import ses_ops.storage
from ses_ops.storage.migrate import current_version, newest_version, upgrade
from ses_ops.storage.named_sql import Statements


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


_STORAGE = Path(ses_ops.storage.__file__).parent
_FILES = sorted(path for path in _STORAGE.rglob("*.sql") if "migrations" not in path.parts)


@pytest.mark.parametrize("file", [str(path.relative_to(_STORAGE)) for path in _FILES])
def test_every_statement_is_valid_sql_for_this_schema(ses_conn, file):
    """Each is planned. Statements that make something for others of their file are carried out."""
    with ses_conn.cursor() as cursor:
        for name, sql in Statements(_STORAGE / file).by_name.items():
            ready = _with_all_values(cursor, _with_null_parameters(sql))
            begins = re.sub(r"(--.*\n)*", "", ready).split()[0]
            try:
                if begins in ("PREPARE", "CREATE"):
                    cursor.execute(ready)
                elif begins != "COPY":
                    cursor.execute("EXPLAIN " + ready)
            except psycopg2.Error as error:
                pytest.fail(f"{file}, {name}: {error}")


def _with_all_values(cursor, sql: str) -> str:
    """A prepared statement that gets its values as one tuple, with a NULL for each of them."""
    found = re.search(r"^EXECUTE (\w+) NULL;?$", sql, re.MULTILINE)
    if found is None:
        return sql
    cursor.execute("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = %s", (found[1],))
    return f"EXECUTE {found[1]} ({', '.join(['NULL'] * cursor.fetchone()[0])})"


def _with_null_parameters(sql: str) -> str:
    return re.sub(r"%(\(\w+\))?s", "NULL", sql)


BEFORE_STANDING = """
INSERT INTO recipient_group (name, variables) VALUES ('g', '{}');
INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, time_zone, finished_at, cancelled_at,
                       paused_at, error)
SELECT name, 'immediate', 't', 's', 'd.example', 1, 'UTC', finished_at, cancelled_at, paused_at, error
FROM (VALUES ('over, then cancelled', now() - interval '2 days', now(), NULL, NULL),
             ('over, then paused', now() - interval '2 days', NULL, now(), NULL),
             ('cancelled', NULL, '2026-01-02 03:04:05+00'::timestamptz, NULL, NULL),
             ('paused', NULL, NULL, now(), NULL),
             ('no entry', NULL, NULL, NULL, 'ses_warmup_quota[''d.example'']: there is no entry'),
             ('wrong plan', NULL, NULL, NULL, 'ses_warmup_quota[''d.example''].plan: must be "standard"'))
     AS x (name, finished_at, cancelled_at, paused_at, error);
INSERT INTO occurrence (task_id, key, run_id) SELECT t.id, k, k FROM send_task t, unnest(ARRAY['a', 'b']) k;
INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent, sending_through,
                   cached_at, due_at, reason)
SELECT id, task_id, 'd.example', 1, 10, 'cached', 4, 6, 0, now(), now() + interval '1 day', 'the quota' FROM occurrence;
INSERT INTO attempt (chunk_id, run_id, host, pid, ended_at, sent, failed)
SELECT id, 'r', 'h', 1, now(), 5, 0 FROM chunk;
"""


def test_an_older_ledger_says_where_its_mail_stands(postgres):
    """From the schema before: what had ended is finished again, cancelled mail is cancelled, starts are numbered."""
    name = postgres.new_database()
    dsn = postgres.dsn(name)
    upgrade(dsn, "0010")
    with psycopg2.connect(dsn) as conn, conn.cursor() as cursor:
        cursor.execute(BEFORE_STANDING)
    conn.close()
    upgrade(dsn)
    with psycopg2.connect(dsn) as conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT t.name, t.cancelled_at IS NOT NULL, t.paused_at IS NOT NULL, c.standing, c.why,"
            " c.next_try_at IS NOT NULL FROM send_task t JOIN chunk_now c ON c.task_id = t.id GROUP BY 1, 2, 3, 4, 5, 6"
        )
        found = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute("SELECT array_agg(number ORDER BY id) FROM occurrence GROUP BY task_id")
        numbers = cursor.fetchall()
        cursor.execute("SELECT sum(sent) FROM attempt")
        ((sent,),) = cursor.fetchall()
        cursor.execute("SELECT count(*) FROM task_pause WHERE resumed_at IS NULL")
        ((pauses,),) = cursor.fetchall()
    conn.close()
    postgres.drop_database(name)
    assert found == {
        "over, then cancelled": (False, False, "cached", "the quota", True),
        "over, then paused": (False, False, "cached", "the quota", True),
        "cancelled": (True, False, "cancelled", "cancelled at 2026-01-02 03:04 UTC", False),
        "paused": (False, True, "cached", "the quota", False),
        "no entry": (False, False, "cached", "nothing can be sent from 'd.example': there is no entry", False),
        "wrong plan": (
            False,
            False,
            "cached",
            "nothing can be sent from 'd.example': plan: must be \"standard\"",
            False,
        ),
    }
    assert numbers == [([1, 2],)] * 6
    assert sent == 6 * 2 * 6, "what a person had counted as sent is in the days, too"
    assert pauses == 1
