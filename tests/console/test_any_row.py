"""Whatever the schema allows to be stored: no page, list or command falls with one row."""

from __future__ import annotations

import psycopg2
import pytest

from ses_ops.cli.main import run
from tests.console.console_world import visible_text
from tests.console.test_stored_rows import paths

#: Values of a text column.
TEXTS = (
    "",
    "x" * 3_000,
    "<script>%s {0} {{ x }} {% if #",
    "two\nlines\x01\x1b[31m\u202e",
    "Ünïcödé 日本語/../etc?a=b&c#d \U0001f600",
    "--help",
)
#: Columns of a send task that take any of them.
COLUMNS = (
    *("template", "subject", "sender", "sender_domain", "time_zone", "every", "cron", "reply_to", "unsubscribe_url"),
    *("unsubscribe", "advertisement", "paused_reason", "error", "name"),
)
#: What is put into each column of a kind, one sweep over all pages for each place of the lists.
VALUES = {
    "text": TEXTS,
    "jsonb": ("[1, 2]", "{}", "null", '[["a"]]', '{"name": ["x"]}', "3"),
    "ARRAY": ("{}", "{NULL,name}", '{"",""}', '{"a b","<x>"}', "{name}", "{NULL}"),
    "integer": (0, -1, 2**31 - 1, -(2**31), 1, 7),
    "smallint": (0, -1, 32_767, -32_768, 1, 7),
    "bigint": (0, -1, 2**63 - 1, -(2**63), 1, 7),
    "bytea": ("", "\\x00ff", "\\x1f8b", "x", "\\x1f8b0800", "a,b"),
    "interval": ("178000000 years", "-178000000 years") * 3,
    "timestamp with time zone": (
        *("infinity", "-infinity", "294276-01-01", "4000-01-01 BC", "9999-12-31 23:59+00", "epoch"),
    ),
}
SWEEPS = range(len(TEXTS))
#: Names by which the rows of this test are found again, and what pages hang on.
KEPT = {
    *(("send_task", "name"), ("send_task", "deleted_at"), ("recipient_group", "name"), ("sender_domain", "domain")),
    ("import_run", "group_name"),
}
IMPORTS = [f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3, 4)]
SEED = f"""
INSERT INTO import_run (id, group_name, file_name, started_by, state, ended_at, rejected, report_rows, report, fault)
VALUES ('{IMPORTS[0]}', 'customers', 'a.csv', 'ann', 'imported', now(), '[["bad address", 3]]', 3, 'x', NULL),
       ('{IMPORTS[1]}', 'customers', 'a.csv', 'ann', 'failed', now(), '[]', 0, NULL, 'no_address_column'),
       ('{IMPORTS[2]}', 'customers', 'a.csv', 'ann', 'running', NULL, '[]', 0, NULL, NULL);
INSERT INTO import_run (id, file_name, started_by, state, ended_at, rows_stored, added_count, rejected, report_rows,
                        report)
VALUES ('{IMPORTS[3]}', 'a.csv', 'ann', 'imported', now(), 1, 1, '[["bad address", 1]]', 1, 'x');
INSERT INTO suppression (address_key, address, reason, note, added_by)
VALUES ('a@b.example', 'a@b.example', 'manual', 'x', 'ann');
INSERT INTO attempt (chunk_id, run_id, host, pid, ended_at, ending, sent, failed)
SELECT id, 'manual__1', 'h', 1, now(), 'finished', 1, 1 FROM chunk;
INSERT INTO sender_domain VALUES ('mail.example.com');
INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment)
VALUES ('mail.example.com', now() - interval '1 hour', now() + interval '1 hour', 1, 100)
"""
MORE_PATHS = (
    *(f"{page}/{one}" for page in ("/imports", "/live/imports") for one in IMPORTS),
    f"/imports/{IMPORTS[0]}/rejected.csv",
    f"/suppression/reports/{IMPORTS[3]}",
    f"/suppression/reports/{IMPORTS[3]}/rejected.csv",
    *("/tasks/hello?status=failed", "/templates/hello?group=customers", "/new-task?clone=hello", "/tasks/again/edit"),
    *("/tasks/again", "/domains/mail.example.com", "/run/send_task__hello/manual__1"),
)


def fill(world, sweep: int) -> int:
    """Put the value of a sweep into every column that takes it; returns the number of columns."""
    columns = world.rows(
        "SELECT table_name, column_name, data_type"
        " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'ses_schema_version'"
        " ORDER BY 1, 2"
    )
    filled = 0
    for table, column, kind in columns:
        if kind not in VALUES or (table, column) in KEPT or column == "id" or column.endswith("_id"):
            continue
        value = VALUES[kind][sweep % len(VALUES[kind])]
        cast = {"ARRAY": "::text[]", "jsonb": "::jsonb"}.get(kind, "")
        try:
            world.execute(f'UPDATE "{table}" SET "{column}" = %s{cast}', value)
            filled += 1
        except psycopg2.Error:  # the schema does not allow it
            world.conn.rollback()
    return filled


@pytest.mark.parametrize("sweep", SWEEPS)
def test_no_page_falls_with_what_the_schema_allows_to_be_stored(world, admin, sweep):
    world.seed("hello", count=4)
    world.outcome("hello", sent=1, failed=1, cached=2)
    world.seed("again", type="recurring", start_at="2099-01-01", every="1d")
    world.execute(SEED.replace("%", "%%"))
    assert fill(world, sweep) > 50
    failing = {
        path: visible_text(answer.text)[:200]
        for path in dict.fromkeys([*paths(), *MORE_PATHS])
        if (answer := admin.get(path)).status_code >= 500
    }
    assert not failing


def broken_tasks(world) -> list[str]:
    """A task for each column and text, beside one that is fine; returns their names."""
    world.group("customers", 3)
    world.task("fine", group="customers")
    kinds = (
        {"type": "immediate"},
        {"type": "scheduled", "start_at": "2099-01-01"},
        {"type": "recurring", "start_at": "2099-01-01", "every": "1d"},
        {"type": "triggered"},
    )
    for number, (column, text) in enumerate((column, text) for column in COLUMNS for text in TEXTS):
        world.task(f"b-{number}", group="customers", **kinds[number % 4])
        paused = ", paused_at = now()" if column == "paused_reason" else ""
        world.execute(f"UPDATE send_task SET {column} = %s{paused} WHERE name = %s", text, f"b-{number}")
    return [name for (name,) in world.rows("SELECT name FROM send_task WHERE name <> 'fine'")]


def test_no_command_falls_with_one_task_and_each_can_be_deleted(world, admin, monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    names = broken_tasks(world)
    for command in (["task", "list"], ["task", "list", "--json"], ["group", "list"]):
        assert run(command) == 0, (command, capsys.readouterr().err)
    assert run(["doctor"]) in (0, 1)
    for path in ("/", "/tasks", "/groups", "/domains", "/templates", "/live/tasks", "/tasks/fine"):
        assert admin.get(path).status_code < 500, path
    advertised = world.rows("SELECT name FROM send_task WHERE advertisement = '--help'")[0][0]
    for page in (f"/tasks/{advertised}", f"/tasks/{advertised}/edit", f"/new-task?clone={advertised}"):
        assert admin.get(page).status_code == 200, page
    assert "its definition cannot be used: advertisement: it must be none" in admin.text(f"/tasks/{advertised}")
    for name in names:
        for command in (["show"], ["show", "--json"], ["delete"]):
            assert run(["task", *command, "--", name]) == 0, (name[:80], command, capsys.readouterr().err[-300:])
    assert world.rows("SELECT name FROM send_task WHERE deleted_at IS NULL") == [("fine",)]


@pytest.mark.parametrize("change", ["sender = 'nobody'", "reply_to = 'a b'", "advertisement = 'loud'"])
def test_a_task_of_which_no_mail_can_be_made_is_in_error_until_it_is_corrected(world, admin, change):
    world.seed("hello", type="scheduled", start_at="2099-01-01")
    world.execute(f"UPDATE send_task SET {change}")
    page = admin.text("/tasks/hello")
    assert world.overview("hello").status == "error"
    assert "its definition cannot be used: " in page
    assert "Correct it by an edit, or delete the task." in page
