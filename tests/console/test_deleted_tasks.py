"""A deleted task: its page, its messages and its export stay readable, marked deleted; a search finds it."""

from __future__ import annotations

import re

import pytest

from tests.integration.sending_world import World
from tests.recording_smtp import RecordingServer


@pytest.fixture
def gone(world: World, user) -> int:
    """The id of a task that sent 3 of 4 messages and was deleted."""

    def refuse(recipient: str) -> bytes | None:
        return b"550 5.1.1 no such user" if recipient.startswith("customers-3@") else None

    with RecordingServer(refuse) as server:
        world.smtp_uri = server.uri
        world.seed("hello", count=4)
        world.whole_run(world.run("hello"))
    world.execute("UPDATE send_task SET subject = 'Rare words', cancelled_at = now(), deleted_at = now()")
    ((number,),) = world.rows("SELECT id FROM send_task")
    return int(number)


def _messages(page: str) -> int:
    return page.count("@customers.example")


def test_the_page_of_a_deleted_task_can_be_read_and_offers_nothing(gone, world, user):
    page = user.get("/tasks/hello")
    assert page.status_code == 200
    assert "This send task was deleted" in page.text
    assert _messages(page.text) >= 4
    assert '<form method="post"' not in page.text
    assert "/tasks/hello/edit" not in page.text
    assert f'data-live="/ses/live/task/hello?task={gone}"' in page.text
    assert user.get(f"/live/task/hello?task={gone}").status_code == 200
    assert user.get("/live/task/hello").status_code == 404, "a page of the task that existed says what became of it"


def test_filters_pages_and_export_stay_with_the_deleted_task(gone, world, user):
    page = user.get(f"/tasks/hello?task={gone}&status=failed").text
    assert "customers-3@customers.example" in page
    assert "customers-2@customers.example" not in page
    assert f'name="task" value="{gone}"' in page
    export = re.search(r'href="/ses(/tasks/hello/messages.csv[^"]*)"', page)
    assert export is not None
    assert f"task={gone}" in export[1]
    rows = user.get(f"/tasks/hello/messages.csv?task={gone}").text.strip().splitlines()
    assert len(rows) == 5


def test_a_new_task_of_the_same_name_hides_nothing(gone, world, user):
    world.task("hello", group="customers")
    now = user.get("/tasks/hello").text
    assert "This send task was deleted" not in now
    assert f'href="/ses/tasks/hello?task={gone}"' in now, "the way to the deleted task of this name"
    before = user.get(f"/tasks/hello?task={gone}").text
    assert "This send task was deleted" in before
    assert "To the send task that has this name now" in before
    assert user.get("/tasks/hello?task=999999").status_code == 404


def test_the_id_of_a_task_of_another_name_opens_nothing(gone, world, user):
    world.task("other", group="customers")
    assert user.get(f"/tasks/other?task={gone}").status_code == 404
    assert user.get(f"/tasks/other/messages.csv?task={gone}").status_code == 404


@pytest.mark.parametrize("query", ["?status=deleted", "?q=hello", "?q=rare+words"])
def test_a_deleted_task_is_found_where_it_is_looked_for(gone, world, user, query):
    assert f'href="/ses/tasks/hello?task={gone}"' in user.get("/tasks" + query).text
    assert f'href="/ses/tasks/hello?task={gone}"' in user.get("/live/tasks" + query).text


@pytest.mark.parametrize("query", ["", "?status=finished", "?q=hello&status=cancelled"])
def test_it_stands_in_no_other_list(gone, world, user, query):
    assert f"?task={gone}" not in user.get("/tasks" + query).text


def test_who_may_not_see_its_dag_sees_nothing_of_it(gone, world, viewer, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    manager = get_auth_manager()
    monkeypatch.setattr(type(manager), "is_authorized_dag", lambda self, **_: False)
    monkeypatch.setattr(type(manager), "filter_authorized_dag_ids", lambda self, **_: set())
    assert viewer.get(f"/tasks/hello?task={gone}").status_code in (403, 404)
    assert f"?task={gone}" not in viewer.get("/tasks?status=deleted").text


def test_the_tab_of_its_dag_shows_what_it_sent(gone, world, user):
    assert "This send task was deleted" in user.get("/dag/send_task__hello").text
    assert "This send task was deleted" in user.get("/dag/send_task__never").text


@pytest.mark.parametrize("path", ["/tasks/never", "/groups/never", "/live/task/never", "/tasks/never/messages.csv"])
def test_what_never_was_is_told_without_a_command(path, world, user):
    page = user.get(path)
    assert page.status_code == 404
    assert "named &#39;never&#39;" in page.text
    assert "`ses " not in page.text
