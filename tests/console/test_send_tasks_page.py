"""The list of send tasks: what it shows, to whom, and what its buttons do."""

from __future__ import annotations

import re

import pytest

from ses_ops.storage.tasks.overview import KeptOverviews, list_tasks
from tests.console.console_world import visible_text

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
JAPANESE = {"Accept-Language": "ja,en;q=0.5"}


def test_an_empty_list_says_what_to_do_next(world, user, viewer):
    assert "There is no send task yet" in user.text("/tasks")
    assert "Make the first send task" in user.text("/tasks")
    assert "Make the first send task" not in viewer.text("/tasks")


def test_a_line_shows_counts_grouped_and_the_bar(world, viewer):
    world.seed("spring-sale", count=3)
    world.outcome("spring-sale", sent=12_000, failed=3, suppressed=40, unknown=2, cached=7_955)
    text = viewer.text("/tasks")
    assert "spring-sale" in text
    assert "12,000 of 20,000 sent" in text
    assert "7,955 cached" in text
    assert "3 failed" in text
    assert "40 suppressed" in text
    assert "2 in doubt" in text
    assert "paused" in text
    assert "goes on" in text
    html = viewer.get("/tasks").text
    assert re.search(r'<rect class="part sent" x="0" width="600"', html)


def test_the_page_is_in_japanese_when_the_browser_asks_for_it(world, viewer):
    world.seed("hello")
    page = viewer.get("/tasks", headers=JAPANESE).text
    assert '<html lang="ja">' in page
    assert "送信タスク" in page
    assert '<html lang="en">' in viewer.get("/tasks", headers={"Accept-Language": "fr"}).text


def test_filters_search_and_order_narrow_the_list(world, viewer):
    world.seed("alpha")
    world.seed("beta", sender="Other <news@other.example.com>")
    world.outcome("alpha", sent=5)

    def names(query: str) -> list[str]:
        return re.findall(r'data-key="([a-z]+)"', viewer.get(f"/tasks{query}").text)

    assert names("") == ["beta", "alpha"], "the newest first"
    assert names("?sort=name&order=asc") == ["alpha", "beta"]
    assert names("?q=ALPH") == names("?q=ａｌｐｈ") == ["alpha"]
    assert names("?domain=other.example.com") == ["beta"]
    assert names("?status=finished") == ["alpha"]
    assert names("?type=recurring") == []
    assert "No send task fits this search" in viewer.text("/tasks?q=nobody")
    assert len(names("?page=99&size=7&sort=evil&order=up&status=nonsense")) == 2, "odd addresses are no errors"


def test_a_long_list_has_pages_whose_links_keep_the_search(world, viewer):
    world.group("customers", 1)
    for number in range(30):
        world.task(f"task-{number:02}", group="customers")
    page = viewer.get("/tasks?q=task&sort=name&order=asc").text
    assert "1 to 25 of 30" in page
    assert 'href="/ses/tasks?q=task&amp;sort=name&amp;order=asc&amp;page=2"' in page
    assert "26 to 30 of 30" in viewer.text("/tasks?q=task&sort=name&order=asc&page=2")


def test_every_order_and_number_of_rows_is_offered_and_kept(world, viewer):
    world.group("customers", 1)
    for number in range(30):
        world.task(f"task-{number:02}", group="customers")
    page = viewer.get("/tasks?sort=sent&order=asc&size=50").text
    for column in ("created", "name", "status", "progress", "sent", "next", "updated"):
        assert f'<option value="{column}"' in page
    for chosen in ("sent", "asc", "50"):
        assert f'<option value="{chosen}" selected>' in page
    assert "Sorted by Sent, ascending; 50 rows" in page
    assert "1 to 30 of 30" in page
    assert 'data-live="/ses/live/tasks?sort=sent&amp;order=asc&amp;size=50"' in page


def test_what_is_kept_of_the_tasks_is_what_a_fresh_look_says(world):
    kept = KeptOverviews()

    def same() -> list[str]:
        found = kept.list_tasks(world.conn)
        assert found == list_tasks(world.conn)
        return [one.name for one in found]

    world.seed("alpha")
    world.seed("beta")
    assert same() == same() == ["alpha", "beta"]
    world.outcome("beta", sent=3, cached=4)
    same()
    world.execute("UPDATE send_task SET deleted_at = now() WHERE name = 'alpha'")
    assert same() == ["beta"]


def test_buttons_are_offered_to_those_who_may_press_them(world, viewer, user):
    world.seed("hello")
    assert 'action="/ses/tasks/hello/pause"' in user.get("/tasks").text
    assert 'action="/ses/tasks/hello/delete"' in user.get("/tasks").text
    seen = viewer.get("/tasks").text
    assert "hello" in seen
    assert '<form method="post"' not in seen
    assert "/new-task" not in seen


def test_a_person_sees_only_tasks_whose_dags_they_may_see(world, viewer, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    world.seed("open")
    world.seed("secret")
    manager = get_auth_manager()
    allowed = type(manager).is_authorized_dag

    def only_open(self, *, details=None, **more):
        return (details is None or details.id != "send_task__secret") and allowed(self, details=details, **more)

    monkeypatch.setattr(type(manager), "is_authorized_dag", only_open)
    for path in ("/tasks", "/live/tasks"):
        page = viewer.get(path).text
        assert "open" in page
        assert "secret" not in page
    assert viewer.post("/tasks/secret/pause").status_code == 403
    assert viewer.post("/tasks/no-such-task/pause").status_code == 403, "a refusal does not tell what exists"


def test_pausing_and_resuming_go_back_with_a_sentence_and_are_in_the_audit_log(world, user):
    world.seed("hello")
    answer = user.post("/tasks/hello/pause", back="/tasks?q=hel", reason="wrong price")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ses/tasks?q=hel")
    page = user.text("/tasks?q=hel")
    assert "hello is paused." in page
    assert "paused by user: wrong price" in page
    assert "hello is paused." not in user.text("/tasks"), "the sentence is said once"
    user.post("/tasks/hello/resume")
    assert world.overview("hello").status == "waiting"
    rows = [(row["event"], row["owner"], row["dag_id"]) for row in world.audit_log()]
    assert rows == [("ses_pause_task", "user", "send_task__hello"), ("ses_resume_task", "user", "send_task__hello")]
    assert world.audit_log()[0]["extra"] == {"task": "hello", "reason": "wrong price"}


@pytest.mark.parametrize("action", ["cancel", "delete"])
def test_what_cannot_be_undone_is_asked_first_without_script_too(action, world, user):
    world.seed("hello")
    question = user.post(f"/tasks/hello/{action}", back="/tasks?page=2")
    assert question.status_code == 200
    assert 'name="confirmed"' in question.text
    assert 'value="/tasks?page=2"' in question.text
    assert not world.audit_log()
    assert user.post(f"/tasks/hello/{action}", confirmed="yes").status_code == 303
    left = world.rows("SELECT cancelled_at IS NOT NULL, deleted_at IS NOT NULL FROM send_task")
    assert left == [(True, action == "delete")]


def test_airflow_is_told_of_a_task_that_was_deleted(world, user, monkeypatch):
    from ses_ops.orchestration import control

    told = []
    monkeypatch.setattr(control, "forget_task", told.append)
    world.seed("hello")
    user.post("/tasks/hello/cancel", confirmed="yes")
    assert told == []
    user.post("/tasks/hello/delete", confirmed="yes")
    assert told == ["hello"]


def test_what_a_person_paused_does_not_promise_to_go_on(world, user):
    world.seed("hello")
    world.outcome("hello", sent=1, cached=9)
    assert "goes on" in user.text("/tasks")
    user.post("/tasks/hello/pause")
    assert "goes on" not in user.text("/live/tasks")


def test_what_cannot_be_done_now_is_said_on_the_list_and_in_the_audit_log(world, user):
    world.seed("hello")
    world.outcome("hello", sent=1, cached=9)
    assert user.post("/tasks/hello/delete", confirmed="yes").status_code == 303
    assert "has 9 messages not sent yet" in user.text("/tasks")
    (row,) = world.audit_log()
    assert "9 messages" in row["extra"]["refused"]


def test_failed_messages_are_tried_again(world, user):
    world.seed("hello", count=4)
    world.freeze(world.run("hello"))
    world.execute("UPDATE message SET state = 'failed'")
    world.execute("UPDATE chunk SET state = 'settled', pending = 0, failed = 4")
    world.execute("UPDATE occurrence SET finished_at = now()")
    assert 'action="/ses/tasks/hello/retry-failed"' in user.get("/tasks").text
    assert "4 messages can be tried again" in visible_text(user.post("/tasks/hello/retry-failed").text)
    assert world.overview("hello").failed_count == 4
    user.post("/tasks/hello/retry-failed", confirmed="yes")
    assert "4 failed messages of hello are tried again." in user.text("/tasks")
    assert world.overview("hello").cached_count == 4


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_a_form_leads_nowhere_else(back, world, user):
    world.seed("hello")
    assert user.post("/tasks/hello/pause", back=back).headers["location"] == "/ses/tasks"


def test_an_open_page_is_told_only_what_changed_and_shares_what_was_read(world, viewer, monkeypatch):
    from ses_ops.console import visible_tasks

    world.seed("hello")
    first = viewer.get("/live/tasks")
    tag = first.headers["etag"]
    reads = []
    monkeypatch.setattr(visible_tasks.TASKS, "_age", 60)
    monkeypatch.setattr(visible_tasks.TASKS, "_read", lambda conn: reads.append(1) or list_tasks(conn))
    visible_tasks.TASKS.forget()
    for _ in range(10):
        again = viewer.get("/live/tasks", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    assert reads == [1]
    world.execute("UPDATE send_task SET subject = 'New words'")
    visible_tasks.TASKS.forget()
    assert "New words" in viewer.get("/live/tasks", headers={"If-None-Match": tag}).text


def test_an_open_page_asks_seldom_while_nothing_can_change(world, viewer):
    from ses_ops.console.database import forget_snapshots

    def every(path: str) -> int:
        forget_snapshots()
        return int(viewer.get(path).headers["x-every"])

    world.seed("hello")
    world.outcome("hello", sent=9)
    assert {every("/live/tasks"), every("/live/overview"), every("/live/task/hello")} == {12}, "it is finished"
    world.seed("weekly", type="recurring", start_at="2099-01-01 09:00", every="7d")
    assert every("/live/tasks") == 12, "in many years"
    world.execute("UPDATE send_task SET start_at = now() + interval '9 s' WHERE name = 'weekly'")
    assert 2 <= every("/live/overview") <= 9, "never past the moment at which mail leaves"
    world.execute("UPDATE send_task SET start_at = now() - interval '1 h' WHERE name = 'weekly'")
    assert every("/live/tasks") == 12, "what does not begin is not waited for every two seconds"
    assert every("/live/task/weekly") == 5, "one task is cheap"
    world.execute("UPDATE chunk SET pending = 1, sent = 8, state = 'cached'")
    world.execute("UPDATE occurrence SET finished_at = NULL")
    assert {every("/live/tasks"), every("/live/overview"), every("/live/task/hello")} == {2}
    tag = {"If-None-Match": viewer.get("/live/tasks").headers["etag"]}
    same = viewer.get("/live/tasks", headers=tag)
    assert (same.status_code, same.headers["x-every"]) == (304, "2")


def test_nothing_from_data_is_markup(world, user):
    world.seed("hello", subject=f"{HOSTILE}")
    world.execute("UPDATE send_task SET error = %s, sender = %s", HOSTILE, HOSTILE)
    user.post("/tasks/hello/pause", reason=HOSTILE)
    for path in ("/tasks", "/live/tasks", f"/tasks?q={HOSTILE}&domain={HOSTILE}"):
        page = user.get(path).text
        assert "<img" not in page
        assert "<script>" not in page
        assert "style=" not in page
