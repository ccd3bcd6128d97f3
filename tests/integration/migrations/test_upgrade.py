"""A database of the version before schema 0018, with rows of every table, is upgraded and keeps what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg2
import pytest

from ses_ops.cli.main import run
from ses_ops.storage.audience import imports
from ses_ops.storage.connection import connected
from ses_ops.storage.migrate import current_version, newest_version, upgrade
from tests.integration.migrations.questions import LIMITS, answers, known_part
from tests.integration.sending_world import World

HERE = Path(__file__).parent
#: Rows of tables that a migration makes of those of another one: its name now, and those that it holds the rows of.
MERGED = {"import_run": ("group_import", "suppression_report")}
#: A database's columns, indexes, rules, views and functions, each as the text that would make it.
CATALOGUE = """
SELECT 'column', a.attrelid::regclass || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attstorage,
                 pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'rule', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT 'function', oid::regprocedure::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'states', t.typname, string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid GROUP BY t.typname
UNION ALL SELECT 'options', relname, reloptions::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
ORDER BY 1, 2
"""


@pytest.fixture
def before(postgres) -> Iterator[str]:
    """The DSN of the old version's database."""
    name = postgres.new_database()
    with psycopg2.connect(postgres.dsn(name)) as conn, conn.cursor() as cursor:
        cursor.execute((HERE / "before_0018.sql").read_text(encoding="utf-8"))
    conn.close()
    yield postgres.dsn(name)
    postgres.drop_database_soon(name)


@pytest.fixture
def ses(before, tmp_path, monkeypatch, capsys):
    """Runs `ses` on that database, and returns what it printed."""
    world = World(dsn=before, templates=tmp_path / "templates")
    world.close()
    for name in ("", "_CMD", "_SECRET"):
        monkeypatch.delenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" + name, raising=False)
    monkeypatch.setenv("SES_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SES_TEMPLATES", str(world.templates))
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", before)
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(LIMITS))

    def call(command: tuple[str, ...]) -> str:
        code = run(list(command))
        said = capsys.readouterr()
        assert code == 0, (command, said.err)
        return said.out

    return call


def rows(dsn: str, sql: str) -> list[tuple]:
    with psycopg2.connect(dsn) as conn, conn.cursor() as cursor:
        cursor.execute("SET search_path = public")
        cursor.execute(sql)
        found = cursor.fetchall()
    conn.close()
    return found


def counts(dsn: str) -> dict[str, int]:
    """Rows of each table; the version's own row aside."""
    tables = rows(dsn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return {
        table: rows(dsn, f"SELECT count(*) FROM {table}")[0][0] for (table,) in tables if table != "ses_schema_version"
    }


def test_the_dump_has_rows_of_every_table_and_every_state(before):
    assert current_version(before) == "0017"
    assert not [table for table, count in counts(before).items() if not count]
    states = {state for (state,) in rows(before, "SELECT DISTINCT state::text FROM message")}
    all_states = {state for (state,) in rows(before, "SELECT unnest(enum_range(NULL::message_state))::text")}
    # `sending` is a state of earlier versions: a chunk says what its sender holds.
    assert states >= all_states - {"sending"}
    assert len(rows(before, "SELECT DISTINCT state FROM chunk")) == 3
    assert len(rows(before, "SELECT DISTINCT type FROM send_task")) == 5
    assert len(rows(before, "SELECT DISTINCT state FROM group_import")) == 4
    standings = {standing for (standing,) in rows(before, "SELECT DISTINCT standing FROM chunk_now")}
    assert standings == {None, "cancelled", "queued", "retrying", "cached"}


def test_every_row_is_still_there_after_the_upgrade(before, ses):
    old = counts(before)
    ses(("migrate",))
    assert current_version(before) == newest_version()
    new = counts(before)
    for table, sources in MERGED.items():
        assert new.pop(table) == sum(old.pop(source) for source in sources), table
    # Tables of later versions are empty, but for a first secret of tokens, what attempts did, and the ledger's place.
    later = {table: new.pop(table) for table in new.keys() - old.keys()}
    assert {table for table, count in later.items() if count} == {"token_secret", "send_count", "ledger_home"}
    assert new == old


def test_what_attempts_had_done_is_counted_by_the_upgrade_as_their_messages_say(before, ses):
    ses(("migrate",))
    of_messages = rows(
        before,
        "SELECT m.attempt_id, count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state = 'failed'),"
        " count(*) FILTER (WHERE state = 'suppressed'), count(*) FILTER (WHERE state = 'unknown') FROM message m"
        " JOIN attempt a ON a.id = m.attempt_id AND a.ended_at IS NOT NULL"
        " WHERE state IN ('sent', 'failed', 'suppressed', 'unknown') GROUP BY 1 ORDER BY 1",
    )
    counted = rows(
        before,
        "SELECT attempt_id, sum(accepted), sum(invalid + spam_refused + other_refused + infrastructure),"
        " sum(suppressed), sum(unknown) FROM send_count GROUP BY 1 ORDER BY 1",
    )
    assert counted == of_messages
    assert all(sum(row[place] for row in counted) for place in (1, 2, 4)), "the dump has some of each"
    days = "SELECT count(*) FROM send_count s LEFT JOIN quota_day q ON q.sender_domain = s.sender_domain"
    assert rows(before, days + " AND q.starts_at = s.sent_day WHERE q.id IS NULL") == [(0,)]
    ses(("events", "recount"))


def test_the_upgraded_database_answers_every_question_as_the_version_before_did(ses):
    expected = json.loads((HERE / "before_0018.json").read_text(encoding="utf-8"))
    ses(("migrate",))
    found = answers(ses)
    assert found.keys() == expected.keys()
    assert [
        question for question in expected if known_part(found[question], expected[question]) != expected[question]
    ] == []


def test_entries_of_the_suppression_list_hold_for_all_mail_after_the_upgrade_from_schema_0019(before, ses):
    upgrade(before, "0019")
    assert current_version(before) == "0019"
    sql = "SELECT address_key, reason, note, expires_at, added_by FROM suppression ORDER BY 1"
    old = rows(before, sql)
    assert len(old) > 2
    ses(("migrate",))
    assert rows(before, sql) == old
    assert rows(before, "SELECT DISTINCT scope, source, occurrence_id, mailbox_provider FROM suppression") == [
        ("", "", None, None)
    ]
    assert rows(before, "SELECT count(*)::int, min(octet_length(secret)) FROM token_secret") == [(1, 32)]


def test_a_report_of_rejected_rows_is_found_by_its_id_after_the_upgrade(before, ses):
    sql = "SELECT id::text, report FROM {} WHERE report IS NOT NULL ORDER BY 1"
    reports = {
        id: bytes(report)
        for table in ("group_import", "suppression_report")
        for id, report in rows(before, sql.format(table))
    }
    assert len(reports) == 5
    ses(("migrate",))
    with connected(before) as conn:
        assert {id: imports.report_of(conn, id) for id in reports} == reports
        added, failed = (imports.find(conn, str(UUID(int=number))) for number in (6, 7))
    assert added is not None
    assert failed is not None
    assert (added.group_name, added.file_name, added.started_by) == (None, "file-6.csv", "ann")
    assert (added.state, added.rows_stored, added.added_count, added.rejected_count) == ("imported", 2, 1, 2)
    assert (failed.state, failed.rows_stored, failed.rejected) == ("failed", 0, (("bad address", 1),))
    assert added.rows_rejected == added.rejected_count == added.report_rows


def test_an_upgraded_database_has_the_schema_of_a_new_one(before, ses, ses_dsn):
    ses(("migrate",))
    upgraded, new = rows(before, CATALOGUE), rows(ses_dsn, CATALOGUE)
    assert len(new) > 200
    assert sorted(set(upgraded) ^ set(new)) == []


def test_an_older_version_refuses_a_newer_schema_and_changes_nothing(before, ses, capsys):
    ses(("migrate",))
    with psycopg2.connect(before) as conn, conn.cursor() as cursor:
        cursor.execute("UPDATE ses_schema_version SET version_num = '9999'")
    conn.close()
    old = rows(before, CATALOGUE), counts(before)
    assert run(["migrate"]) == 1
    said = capsys.readouterr().err
    assert f"newer version's schema (9999, this one knows {newest_version()})" in said
    assert said.count("\n") == 1
    assert (rows(before, CATALOGUE), counts(before)) == old
    assert current_version(before) == "9999"
