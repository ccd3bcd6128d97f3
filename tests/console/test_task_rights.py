"""Rights on single DAGs: what one right does not give away of another."""

from __future__ import annotations

import pytest

from tests.console.console_world import visible_text

NEW = {"name": "fresh", "type": "immediate", "template": "hello", "group": "customers", "sender": "news@example.com"}


@pytest.fixture
def refuse(monkeypatch):
    """`refuse(dag_id, method, entity)`: nobody may do this with the DAG (any entity when it is None)."""
    from airflow.api_fastapi.app import get_auth_manager

    manager = type(get_auth_manager())
    allowed = manager.is_authorized_dag

    def refuse(dag_id, refused, entity=None):
        def is_authorized_dag(self, *, method, access_entity=None, details=None, **more):
            if details is not None and details.id == dag_id and method == refused and entity in (None, access_entity):
                return False
            return allowed(self, method=method, access_entity=access_entity, details=details, **more)

        monkeypatch.setattr(manager, "is_authorized_dag", is_authorized_dag)

    return refuse


@pytest.fixture
def only_edits(refuse):
    """Nobody may start a run of the DAG of `hello`."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity

    refuse("send_task__hello", "POST", DagAccessEntity.RUN)


def state_of(world):
    return world.rows("SELECT paused_at IS NOT NULL, error FROM send_task") + world.rows("SELECT due_at FROM chunk")


@pytest.mark.parametrize("waits", ["cached", "error"])
def test_who_may_not_start_a_run_cannot_resume_what_would_start_one(world, user, only_edits, waits):
    world.seed("hello")
    if waits == "cached":
        world.outcome("hello", sent=5, cached=5)
        world.execute("UPDATE send_task SET paused_at = now()")
    else:
        world.execute("UPDATE send_task SET error = 'no such group'")
    before = state_of(world)
    assert "/tasks/hello/resume" not in user.get("/tasks").text + user.get("/tasks/hello").text
    answer = user.post("/tasks/hello/resume")
    assert answer.status_code == 403
    assert "Mail of this task waits and would be sent." in visible_text(answer.text)
    assert state_of(world) == before
    assert world.rows("SELECT count(*) FROM send_task WHERE paused_at IS NULL AND error IS NULL") == [(0,)]
    (row,) = world.audit_log()
    assert row["event"] == "ses_resume_task"
    assert row["extra"]["refused"].startswith("Mail of this task waits")


def test_who_may_only_edit_resumes_a_task_that_has_nothing_to_send(world, user, only_edits):
    world.seed("hello", type="recurring", start_at="2099-01-01", every="1d")
    user.post("/tasks/hello/pause")
    assert "/tasks/hello/resume" in user.get("/tasks").text
    assert user.post("/tasks/hello/resume").status_code == 303
    assert state_of(world) == [(False, None)]


def test_who_may_not_see_the_task_that_they_made_is_led_to_the_list(world, user, refuse):
    world.group("customers", 3)
    refuse("send_task__fresh", "GET")
    answer = user.post("/new-task", **NEW)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ses/tasks")
    assert "The send task fresh is created." in user.text("/tasks")


@pytest.mark.parametrize("cause", [ZeroDivisionError("with ann@b.example"), KeyboardInterrupt()])
def test_what_failed_in_the_middle_is_not_recorded_as_done(world, cause):
    from ses_ops.orchestration.audit import AirflowAuditLog

    with pytest.raises(type(cause)), AirflowAuditLog().recorded("ann", "pause_task", task="hello"):
        raise cause
    (row,) = world.audit_log()
    assert row["extra"] == {"task": "hello", "failed": type(cause).__name__}


def test_so_many_exports_run_at_a_time(world, user, monkeypatch):
    from threading import BoundedSemaphore

    from ses_ops.console import database

    world.seed("hello")
    monkeypatch.setattr(database, "_EXPORTS", BoundedSemaphore(1))
    paths = ("/tasks/hello/messages.csv", "/suppression/export")
    assert [user.get(path).status_code for path in paths * 2] == [200] * 4
    with database.streaming():
        assert [user.get(path).status_code for path in paths] == [503, 503]
    assert [user.get(path).status_code for path in paths] == [200, 200]
    assert len(world.audit_log()) == 6


def test_an_export_is_in_the_audit_log_with_what_it_held(world, user, viewer):
    world.seed("hello")
    viewer.get("/tasks/hello/messages.csv?status=failed&address=ann@b.example&other=x")
    user.get("/suppression/export?q=example.com&reason=manual")
    assert viewer.get("/suppression/export").status_code == 403
    assert [(row["event"], row["owner"], row["extra"]) for row in world.audit_log()] == [
        ("ses_export_messages", "viewer", {"task": "hello", "status": "failed", "address": "ann@b.example"}),
        ("ses_export_suppression", "user", {"search": "example.com", "reason": "manual"}),
    ]
