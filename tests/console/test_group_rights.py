"""Who fills a group decides who gets the mail of every unfinished task on it, so they must be allowed to edit those."""

from __future__ import annotations

import pytest

from tests.console.console_world import OWN_PAGE, PREFIX, visible_text

CSV = b"email,name\nann@b.example,Ann\n"
UPLOAD = "/groups/customers/upload"


@pytest.fixture
def only_some(monkeypatch):
    """Nobody may edit the DAG of the task `guarded`, nor even see that of the task `secret`."""
    from airflow.api_fastapi.app import get_auth_manager

    manager = type(get_auth_manager())
    allowed = manager.is_authorized_dag

    def is_authorized_dag(self, *, method, details=None, **more):
        closed = {"send_task__secret": True, "send_task__guarded": method != "GET"}
        shut = details is not None and closed.get(details.id, False)
        return not shut and allowed(self, method=method, details=details, **more)

    monkeypatch.setattr(manager, "is_authorized_dag", is_authorized_dag)


def upload(client):
    files = {"file": ("f.csv", CSV, "text/csv")}
    return client.http.post(PREFIX + UPLOAD, files=files, headers=OWN_PAGE)


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        (("guarded",), "In the way: guarded."),
        (("secret",), "1 of them you may not see."),
        (("open", "secret", "guarded"), "In the way: guarded. 1 of them you may not see."),
    ],
)
def test_a_group_of_a_task_that_one_may_not_edit_is_not_filled(world, user, only_some, tasks, says):
    for task in tasks:
        world.seed(task, type="recurring", start_at="2099-01-01", every="1d", count=3)
    for answer in (user.get(UPLOAD), upload(user)):
        assert answer.status_code == 403
        text = visible_text(answer.text)
        assert f"You may not edit every unfinished send task that sends to this group. {says}" in text
        assert "secret" not in text
    assert world.rows("SELECT count(*) FROM recipient") == [(3,)]
    assert world.rows("SELECT count(*) FROM import_run") == [(0,)]
    page = user.get("/groups/customers").text
    assert (
        f"Nothing can be uploaded here. You may not edit every unfinished send task that sends to this group. {says}"
        in page
    )
    assert UPLOAD not in page + user.get("/groups").text


def test_tasks_that_are_over_are_in_nobodys_way(world, user, only_some):
    world.seed("guarded")
    world.seed("secret")
    world.execute("UPDATE send_task SET finished_at = now() WHERE name = 'guarded'")
    world.execute("UPDATE send_task SET cancelled_at = now() WHERE name = 'secret'")
    assert UPLOAD in user.get("/groups/customers").text
    assert UPLOAD in user.get("/groups").text
    assert user.get(UPLOAD).status_code == 200
    assert upload(user).status_code == 303
    assert world.rows("SELECT address FROM recipient") == [("ann@b.example",)]


def test_a_task_on_another_group_is_in_nobodys_way(world, user, only_some):
    world.seed("guarded", group="partners")
    world.group("customers", 1)
    page = user.get("/groups").text
    assert UPLOAD in page
    assert "/groups/partners/upload" not in page
    assert upload(user).status_code == 303


def test_a_group_without_recipients_offers_no_upload_either(world, user, only_some):
    world.seed("secret")
    world.execute("UPDATE recipient_group SET recipient_count = 0")
    assert UPLOAD not in user.get("/groups/customers").text
