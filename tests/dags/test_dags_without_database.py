"""DAGs never disappear: not without the database, not because of one broken row, not in a worker."""

from __future__ import annotations

import time

from tests.airflow_environment import HOME

AWAY = "postgresql://nobody@/ses?host=/nonexistent"
STATIC = {"ses_test_send", "ses_maintenance", "ses_bounce_mailbox"}


def send_task_dags(bag):
    assert bag.import_errors == {}
    return set(bag.dags) - STATIC


def test_without_the_database_the_dags_are_those_of_the_last_good_look(world, dag_bag, monkeypatch):
    world.group("customers", 1)
    world.task("one", group="customers")
    world.task("two", group="customers", type="recurring", start_at="2099-01-01 09:00", every="7d")
    before = dag_bag()
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", AWAY)
    after = dag_bag()
    assert send_task_dags(after) == send_task_dags(before) == {"send_task__one", "send_task__two"}
    for name in send_task_dags(before):
        assert after.dags[name].timetable == before.dags[name].timetable


def test_without_the_database_and_without_a_memory_nothing_raises(world, dag_bag, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", AWAY)
    assert send_task_dags(dag_bag()) == set()


def test_an_airflow_without_our_database_says_in_one_line_what_to_do(world, dag_bag, monkeypatch, caplog, postgres):
    """At every parse: no traceback, and no import error."""
    for dsn, words in (("", "Admin > Connections"), (postgres.dsn(postgres.new_database()), "the ses database has ")):
        caplog.clear()
        monkeypatch.setenv("AIRFLOW_CONN_SES_DB", dsn)
        assert send_task_dags(dag_bag()) == set()
        (line,) = [one for one in caplog.records if one.name.startswith("ses_ops")]
        assert words in line.getMessage()
        assert "\n" not in line.getMessage()
        assert line.exc_info is None


def test_a_memory_that_is_damaged_does_no_harm(world, dag_bag, monkeypatch):
    (HOME / "ses_send_tasks.json").write_text("{ half a fi")
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", AWAY)
    assert send_task_dags(dag_bag()) == set()


def test_a_database_without_tables_counts_as_away(world, dag_bag, monkeypatch, postgres):
    world.group("customers", 1)
    world.task("one", group="customers")
    dag_bag()
    empty = postgres.new_database()
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", postgres.dsn(empty))
    assert send_task_dags(dag_bag()) == {"send_task__one"}


def test_a_deleted_task_has_no_dag(world, dag_bag):
    world.group("customers", 1)
    world.task("one", group="customers")
    assert send_task_dags(dag_bag()) == {"send_task__one"}
    world.execute("UPDATE send_task SET deleted_at = now()")
    assert send_task_dags(dag_bag()) == set()


def test_a_row_that_cannot_be_read_keeps_its_dag_which_says_so_and_harms_no_other(world, dag_bag):
    world.group("customers", 1)
    world.task("fine", group="customers")
    world.task("broken", group="customers")
    world.execute(
        "UPDATE send_task SET time_zone = 'Mars/Olympus', type = 'recurring', every = 'often' WHERE name = 'broken'"
    )
    far = "type = 'recurring', start_at = '9999-12-31 00:00+00', cron = '0 0 1 1 *'"
    for change in ("cron = 'R R * * *', every = NULL, time_zone = 'UTC'", far, "start_at = '-infinity'"):
        bag = dag_bag()
        assert not bag.import_errors
        assert send_task_dags(bag) == {"send_task__fine", "send_task__broken"}
        assert "cannot be read" in bag.dags["send_task__broken"].description
        world.execute(f"UPDATE send_task SET {change} WHERE name = 'broken'")


def test_a_worker_makes_only_the_dag_that_it_runs(world, dag_bag):
    from airflow.dag_processing.bundles.base import BaseDagBundle  # noqa: F401 - loads what the manager needs
    from airflow.sdk.definitions.context import get_parsing_context  # noqa: F401

    from ses_ops.orchestration.dag_rows import rows_for_dags

    world.group("customers", 1)
    world.task("one", group="customers")
    world.task("two", group="customers")
    assert [row["name"] for row in rows_for_dags("send_task__two")] == ["two"]
    assert rows_for_dags("ses_maintenance") == []
    assert len(rows_for_dags(None)) == 2


def test_a_thousand_send_tasks_are_read_well_within_airflows_limit(world, dag_bag):
    world.group("customers", 1)
    world.task("first", group="customers")
    world.execute(
        "INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, start_at, time_zone, every)"
        " SELECT 'task-' || n, 'recurring', template, sender, sender_domain, group_id, now(), 'Asia/Tokyo', '24h'"
        " FROM send_task, generate_series(1, 999) n"
    )
    begin = time.process_time()
    assert len(send_task_dags(dag_bag())) == 1000
    assert time.process_time() - begin < 15, "the DAG file must be read within dagbag_import_timeout (30 s)"
