"""What fails after a change is stored is told as it is: no page says that nothing happened, and no error is made of it.

The cause is real: the moment our transaction commits, Airflow's metadata database takes no connections any more.
"""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager

import pytest
from psycopg2.extensions import parse_dsn

from ses_ops.storage.connection import connect
from tests.airflow_environment import in_environment, metadata_database
from tests.console.console_world import visible_text
from tests.console.test_new_task_page import FORM
from tests.dags import bundles

#: In the ses database: what is written there takes Airflow's database away as it commits, and what its pool has of it.
_TRIP = """
CREATE FUNCTION take_airflow_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'ALTER DATABASE {airflow} WITH ALLOW_CONNECTIONS false';
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{airflow}' AND state = 'idle';
    RETURN NULL;
END $$;
"""
_ON = "CREATE TRIGGER trip AFTER INSERT OR UPDATE OR DELETE ON {table} EXECUTE FUNCTION take_airflow_away()"
TABLES = ("send_task", "recipient_group", "suppression", "message")


@pytest.fixture
def begun(world, airflow_db):
    """An installation with a task of every kind that a button works on."""
    world.group("customers", 3)
    world.group("nobody", 1)
    world.task("waits", group="customers", type="triggered")
    world.task("stopped", group="customers", type="triggered")
    world.execute("UPDATE send_task SET paused_at = now(), paused_reason = 'x' WHERE name = 'stopped'")
    world.task("over", group="customers", type="triggered")
    world.execute("UPDATE send_task SET cancelled_at = now() WHERE name = 'over'")
    return world


@pytest.fixture
def tripwire(begun, airflow_db, postgres):
    """Sets it. Airflow's database comes back after the test."""
    name = parse_dsn(airflow_db)["dbname"]

    def is_set() -> None:
        conn = connect(begun.dsn)
        with conn, conn.cursor() as cursor:
            cursor.execute(_TRIP.format(airflow=name))
            for table in TABLES:
                cursor.execute(_ON.format(table=table))
        conn.close()

    yield is_set
    postgres.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


def airflow_is_away() -> bool:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy.exc import OperationalError

    try:
        with create_session() as session:
            session.get(DagModel, "x")
    except OperationalError:
        return True
    return False


EDITED = {**FORM, "name": "waits", "type": "triggered", "reply_to": "answers@example.com"}
_TASK, _GROUP = (f"SELECT count(*) FROM {table} WHERE " for table in ("send_task", "recipient_group"))
#: By what a person does: the page, the form, what the ses database says after it, and whether it is so.
ACTS = {
    "new task": ("/new-task", FORM, _TASK + "name = 'spring-sale'"),
    "edit": ("/tasks/waits/edit", EDITED, _TASK + "reply_to = 'answers@example.com'"),
    "pause": ("/tasks/waits/pause", {}, _TASK + "name = 'waits' AND paused_at IS NOT NULL"),
    "resume": ("/tasks/stopped/resume", {}, _TASK + "name = 'stopped' AND paused_at IS NULL"),
    "cancel": (
        "/tasks/waits/cancel",
        {"confirmed": "yes"},
        _TASK + "name = 'waits' AND cancelled_at IS NOT NULL",
    ),
    "delete": (
        "/tasks/over/delete",
        {"confirmed": "yes"},
        _TASK + "name = 'over' AND deleted_at IS NOT NULL",
    ),
    "new group": (
        "/new-group",
        {"name": "made"},
        _GROUP + "name = 'made'",
    ),
    "describe group": (
        "/groups/nobody/describe",
        {"description": "told"},
        _GROUP + "description = 'told'",
    ),
    "delete group": (
        "/groups/nobody/delete",
        {"confirmed": "yes"},
        "SELECT 1 - count(*) FROM recipient_group WHERE name = 'nobody'",
    ),
    "suppress": (
        "/suppression/add",
        {"addresses": "a@example.com", "reason": "manual"},
        "SELECT count(*) FROM suppression WHERE address = 'a@example.com'",
    ),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_change_that_is_stored_is_never_called_a_failure_because_airflow_went_away(tripwire, begun, user, act):
    path, form, done = ACTS[act]
    seen = user.get("/tasks/waits/edit").text if act == "edit" else ""
    if mark := re.search(r'name="seen" value="([^"]*)"', seen):
        form = {**form, "seen": mark[1]}
    tripwire()
    answer = user.post(path, **form)
    assert begun.rows(done) == [(1,)], visible_text(answer.text)
    assert airflow_is_away(), "the test is about what comes after"
    assert answer.status_code == 303, (answer.status_code, visible_text(answer.text))
    flash = answer.headers.get("set-cookie", "")
    assert "ses_flash=" in flash


def test_of_several_tasks_each_has_its_result_when_airflow_goes_away_after_the_first(tripwire, begun, user):
    tripwire()
    answer = user.post("/bulk-tasks", action="cancel", confirmed="yes", name="waits")
    assert answer.status_code == 200
    assert begun.rows(_TASK + "name = 'waits' AND cancelled_at IS NOT NULL") == [(1,)]
    assert "cancelled" in visible_text(answer.text)


@pytest.fixture
def limited(airflow_db, postgres):
    """Airflow on a database user with only the rights that somebody thought its api-server needs."""
    name, owner = parse_dsn(airflow_db)["dbname"], parse_dsn(airflow_db)["user"]
    role = f"limited_{name}"

    def use(extra: str = "") -> AbstractContextManager[None]:
        _execute(
            airflow_db,
            f"CREATE ROLE {role} LOGIN",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
            *([f"GRANT {extra} TO {role}"] if extra else []),
        )
        return metadata_database(airflow_db.replace(f"//{owner}@", f"//{role}@"))

    yield use
    _execute(airflow_db, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def _execute(dsn: str, *statements: str) -> None:
    conn = connect(dsn)
    with conn, conn.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    conn.close()


def test_without_a_row_in_the_audit_log_nothing_is_stored_and_the_page_says_why(begun, user, limited):
    with limited():
        answer = user.post("/new-task", **FORM)
    text = visible_text(answer.text)
    assert answer.status_code == 503, text
    assert "cannot use Airflow's database: permission denied for table log" in text
    assert "change itself was made" not in text
    assert begun.rows(_TASK + "name = 'spring-sale'") == [(0,)]


def test_who_may_not_write_dags_in_airflows_database_makes_a_task_all_the_same(begun, user, limited):
    bundles.processor_turn()
    with limited("INSERT, UPDATE ON log"):
        answer = user.post("/new-task", **FORM)
        page = user.get("/tasks")
    assert answer.status_code == 303, visible_text(answer.text)
    assert begun.rows(_TASK + "name = 'spring-sale'") == [(1,)]
    assert page.status_code == 200
    assert "Airflow has not read this send task yet" in visible_text(page.text)


@pytest.mark.parametrize("bundle", ["elsewhere", "unreadable list"])
def test_a_team_whose_bundle_has_another_name_makes_a_task_and_has_its_dag_at_once(
    begun, user, airflow_db, tmp_path, bundle
):
    config = bundles.configured([bundles.local("elsewhere", bundles.our_files(tmp_path / "x"))], tmp_path / "store")
    with in_environment(config):
        assert bundles.processor_turn() == {}
    if bundle == "unreadable list":
        config = {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([{"name": "elsewhere"}])}
    with in_environment(config):
        answer = user.post("/new-task", **FORM)
    assert answer.status_code == 303, visible_text(answer.text)
    assert answer.headers["location"].endswith("/tasks/spring-sale")
    from ses_ops.orchestration import control

    assert "spring-sale" in control.dag_switches()


def failing_route(app, error: Exception, *, stores: bool):
    """The console with one more page, which fails."""
    from fastapi import APIRouter

    from ses_ops.console.change_made import note_change

    def fail() -> None:
        if stores:
            note_change()
        raise error

    router = APIRouter()
    router.add_api_route("/fails", fail, methods=["GET", "POST"])
    app.include_router(router)
    return app


@pytest.mark.parametrize(
    ("method", "stores", "says"),
    [
        ("GET", False, "Nothing was changed."),
        ("POST", False, "It is not known whether the change was made."),
        ("POST", True, "The change itself was made, and it holds"),
    ],
)
def test_the_page_of_an_error_that_nobody_expected_claims_only_what_it_knows(method, stores, says):
    from fastapi.testclient import TestClient

    from ses_ops.console.app import Console
    from ses_ops.console.error_pages import add_error_pages
    from ses_ops.errors import DatabaseUnavailable

    for error, status in ((RuntimeError("x"), 500), (DatabaseUnavailable("cannot connect"), 503)):
        app = failing_route(Console(openapi_url=None), error, stores=stores)
        add_error_pages(app)
        with TestClient(app, raise_server_exceptions=False) as http:
            answer = http.request(method, "/fails")
        text = visible_text(answer.text)
        assert answer.status_code == status
        assert "half done" not in text
        assert (says in text) == (status == 500 or stores), text
