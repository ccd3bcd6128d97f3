"""Send tasks, groups and the suppression list over the API: what the command line can, for the key's sender domains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key, rows
from tests.integration.sending_world import DOMAIN, World, quota

OTHER = "other.example.com"
NEWS = {"type": "triggered", "template": "hello", "sender": f"Shop <news@{DOMAIN}>", "group": "customers"}


@pytest.fixture(scope="module")
def templates(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("templates")


@pytest.fixture(scope="module")
def api(api_dsn, templates, tmp_path_factory) -> Iterator[ApiProcess]:
    settings = {
        VARIABLE: FERNET_KEY,
        "SES_TEMPLATES": str(templates),
        "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(quota(10)),
    }
    process = ApiProcess(dsn=api_dsn, spool=tmp_path_factory.mktemp("api") / "home", settings=settings)
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def shared_world(api, templates) -> Iterator[World]:
    world = World(dsn=api.dsn, templates=templates)
    yield world
    world.close()


@pytest.fixture
def world(shared_world) -> World:
    shared_world.execute(
        "TRUNCATE send_task, recipient_group, recipient, suppression, airflow_request, api_key CASCADE"
    )
    shared_world.group("customers", 25)
    return shared_world


def client_of(api, name: str, **key) -> httpx.Client:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        return api.client(new_key(api.dsn, name, **key))


@pytest.fixture
def client(api, world) -> Iterator[httpx.Client]:
    with client_of(api, "everything") as client:
        yield client


@pytest.fixture
def foreign(api, world) -> Iterator[httpx.Client]:
    """A key that may do everything, for another sender domain."""
    with client_of(api, "other", domains=(OTHER,)) as client:
        yield client


@pytest.fixture
def reader(api, world) -> Iterator[httpx.Client]:
    with client_of(api, "reader", scopes=("read",)) as client:
        yield client


def ok(answer: httpx.Response, status: int = 200):
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def refused(answer: httpx.Response, status: int, code: str, field: str | None = None) -> None:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    said = answer.json()
    assert (answer.status_code, said["code"], said.get("field")) == (status, code, field), said


def asked(world) -> list[tuple[str, str]]:
    """What was asked of Airflow."""
    return world.rows("SELECT kind, subject FROM airflow_request WHERE kind <> 'audit_entry' ORDER BY id")


def entries(world) -> list[tuple[str, str]]:
    """The entries of the audit log of what was not refused: who did what."""
    return world.rows(
        "SELECT asked_by, facts->>'action' FROM airflow_request"
        " WHERE kind = 'audit_entry' AND NOT facts->'facts' ? 'refused' ORDER BY id"
    )


def test_a_task_is_created_once_changed_and_deleted(client, world):
    made = client.put("/v1/tasks/news/definition", json=NEWS)
    assert ok(made, 201)["applied"] == "created"
    assert made.headers["location"] == "/v1/tasks/news"
    assert ok(client.put("/v1/tasks/news/definition", json=NEWS))["applied"] == "unchanged"
    changed = ok(client.put("/v1/tasks/news/definition", json={**NEWS, "subject": "New: {{ name }}"}))
    assert (changed["applied"], changed["definition"]["subject"]) == ("changed", "New: {{ name }}")
    assert asked(world) == [("update_dags", "news")] * 2
    ok(client.delete("/v1/tasks/news"), 204)
    refused(client.get("/v1/tasks/news"), 404, "send_task_not_found")
    assert asked(world)[-1] == ("forget_task", "news")
    who = "everything (API key)"
    assert entries(world) == [(who, "create_task"), (who, "change_task"), (who, "delete_task")]


def test_a_definition_that_was_read_is_taken_back_as_it_is(client, world):
    definitions = [
        NEWS,
        {**NEWS, "type": "recurring", "every": "7d", "start_at": "2030-01-01 09:00", "time_zone": "Asia/Tokyo"},
        {**NEWS, "type": "recurring", "cron": "0 9 * * MON", "until": "2031-12-31", "start_grace": "2h"},
        {
            **NEWS,
            "type": "scheduled",
            "start_at": "2030-01-01T00:00:00+02:00",
            "subject": "Hello",
            "on_unknown": "hold",
        },
        {**NEWS, "type": "immediate", "track": {"opens": False, "clicks": None}, "reply_to": "a@mail.example.com"},
    ]
    for number, definition in enumerate(definitions):
        place = f"/v1/tasks/task-{number}/definition"
        ok(client.put(place, json=definition), 201)
        read = ok(client.get(place))
        assert read["name"] == f"task-{number}"
        assert ok(client.put(place, json=read))["applied"] == "unchanged", read


def test_a_change_goes_through_only_to_the_state_that_was_read(client, world):
    place = "/v1/tasks/news/definition"
    refused(client.put(place, json=NEWS, headers={"If-Match": '"x"'}), 412, "precondition_failed")
    ok(client.put(place, json=NEWS, headers={"If-None-Match": "*"}), 201)
    seen = client.get(place).headers["etag"]
    ok(client.put(place, json={**NEWS, "subject": "Mine"}, headers={"If-Match": seen}))
    for lost in (
        client.put(place, json={**NEWS, "subject": "Theirs"}, headers={"If-Match": seen}),
        client.put(place, json=NEWS, headers={"If-None-Match": "*"}),
        client.delete("/v1/tasks/news", headers={"If-Match": seen}),
    ):
        assert lost.status_code == 412
    assert ok(client.get(place))["subject"] == "Mine"
    assert client.get(place, headers={"If-None-Match": client.get(place).headers["etag"]}).status_code == 304


def test_of_changes_at_the_same_moment_one_goes_through(client, world):
    place = "/v1/tasks/news/definition"
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: client.put(place, json=NEWS, headers={"If-None-Match": "*"}), range(8)))
        seen = client.get(place).headers["etag"]
        bodies = [{**NEWS, "subject": f"Number {number}"} for number in range(8)]
        changed = list(threads.map(lambda body: client.put(place, json=body, headers={"If-Match": seen}), bodies))
    assert sorted(one.status_code for one in made)[0] == 201
    assert {one.status_code for one in made} <= {201, 412, 409}
    assert sorted(one.status_code for one in changed) == [200] + [412] * 7
    (won,) = [one.json()["definition"]["subject"] for one in changed if one.status_code == 200]
    assert ok(client.get(place))["subject"] == won


@pytest.mark.parametrize(
    ("wrong", "status", "code", "field"),
    [
        ({"template": "nothing"}, 422, "template_not_found", "template"),
        ({"group": "nobody"}, 400, "no_such_group", "group"),
        ({"sender": "nobody"}, 400, None, "sender"),
        ({"type": "test"}, 400, "choice_not_known", "type"),
        ({"tempalte": "hello"}, 400, "unknown_key", "tempalte"),
        ({"subject": {"a": 1}}, 400, "not_a_text", "subject"),
        ({"subject": "a\r\nBcc: everybody@example.com"}, 400, "control_character", "subject"),
        ({"roles": ["Marketing"]}, 400, "roles_by_people_only", "roles"),
        ({"name": "other"}, 400, "not_a_task_name", "name"),
        ({"start_grace": 5}, 400, "not_a_span", "start_grace"),
    ],
)
def test_a_wrong_definition_is_refused_by_its_field_and_writes_nothing(client, world, wrong, status, code, field):
    answer = client.put("/v1/tasks/news/definition", json={**NEWS, **wrong})
    refused(answer, status, code or answer.json()["code"], field)
    assert world.rows("SELECT 1 FROM send_task") == []


def test_the_mail_of_a_task_is_shown_by_starts_and_messages(client, world):
    ok(client.put("/v1/tasks/news/definition", json=NEWS), 201)
    for number in (1, 2):
        run = world.run("news", "triggered", run_id=f"run-{number}")
        world.freeze(run)
    task = ok(client.get("/v1/tasks/news"))
    counts = task["counts"]
    assert (task["status"], counts["request_count"], counts["queued_count"]) == ("sending", 50, 50)
    first = ok(client.get("/v1/tasks/news/starts", params={"limit": 1}))
    second = ok(client.get("/v1/tasks/news/starts", params={"limit": 1, "cursor": first["next_cursor"]}))
    assert [one["number"] for one in first["data"] + second["data"]] == [2, 1]
    assert second["next_cursor"] is None
    found, cursor = [], None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = ok(client.get("/v1/tasks/news/messages", params={"limit": 7, "start": 2, **more}))
        found += page["data"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [one["seq"] for one in found] == list(range(1, 26))
    assert {(one["start"], one["status"]) for one in found} == {(2, "queued")}
    one = ok(client.get("/v1/tasks/news/messages", params={"address": "customers-3@customers.example"}))["data"]
    assert {row["address"] for row in one} == {"customers-3@customers.example"}
    refused(client.get("/v1/tasks/news/messages", params={"start": 9}), 404, "start_of_this_send_task_not_found")
    days = ok(client.get("/v1/tasks/news/forecast"))["days"]
    assert [day["count"] for day in days] == [10, 10, 10, 10, 10]


def test_decisions_are_made_once_and_told_to_airflow(client, world):
    ok(client.put("/v1/tasks/news/definition", json=NEWS), 201)
    paused = ok(client.post("/v1/tasks/news/pause", json={"reason": "wrong price"}))
    assert paused["changed"]
    assert "wrong price" in paused["task"]["reason"]
    assert not ok(client.post("/v1/tasks/news/pause"))["changed"]
    refused(client.post("/v1/tasks/news/start"), 409, "task_paused")
    ok(client.post("/v1/tasks/news/resume"))
    assert ok(client.post("/v1/tasks/news/retry-failed"))["count"] == 0
    assert ok(client.post("/v1/tasks/news/resolve-unknown", json={"choice": "assume-sent"}))["count"] == 0
    ok(client.post("/v1/tasks/news/cancel"))
    refused(client.post("/v1/tasks/news/start"), 409, "task_cancelled")
    kinds = [kind for kind, _ in asked(world)]
    assert kinds == ["update_dags", "pause_dag", "pause_dag", "unpause_dag"]
    assert entries(world)[-1] == ("everything (API key)", "cancel_task")


def test_an_equal_start_is_one_run(client, world):
    ok(client.put("/v1/tasks/news/definition", json=NEWS), 201)
    runs = [
        ok(client.post("/v1/tasks/news/start", headers={"Idempotency-Key": key}))["run_id"] for key in ("a", "a", "b")
    ]
    assert runs[0] == runs[1] != runs[2]
    assert ok(client.post("/v1/tasks/news/start"))["run_id"] not in runs
    found = world.rows("SELECT facts->>'run_id' FROM airflow_request WHERE kind = 'trigger_run' ORDER BY id")
    assert [run for (run,) in found][:3] == runs
    ok(client.put("/v1/tasks/once/definition", json={**NEWS, "type": "immediate"}), 201)
    refused(client.post("/v1/tasks/once/start"), 409, "task_starts_by_itself")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("retry-failed", {"codes": ["452"]}, "codes"),
        ("retry-failed", {"codes": [True]}, "codes"),
        ("resolve-unknown", {"choice": "guess"}, "choice"),
        ("resolve-unknown", {}, "choice"),
        ("pause", {"reason": 5}, "reason"),
        ("pause", {"why": "x"}, "why"),
        ("pause", [], None),
    ],
)
def test_a_wrong_decision_changes_nothing(client, world, path, body, field):
    ok(client.put("/v1/tasks/news/definition", json=NEWS), 201)
    before = entries(world)
    answer = client.post(f"/v1/tasks/news/{path}", json=body)
    assert (answer.status_code, answer.json().get("field")) == (400, field), answer.text
    assert entries(world) == before


def test_a_key_of_another_sender_domain_sees_and_changes_nothing_of_a_task(client, foreign, world):
    ok(client.put("/v1/tasks/news/definition", json=NEWS), 201)
    before = entries(world)
    assert ok(foreign.get("/v1/tasks"))["data"] == []
    for answer in (
        foreign.get("/v1/tasks/news"),
        foreign.get("/v1/tasks/news/definition"),
        foreign.get("/v1/tasks/news/starts"),
        foreign.get("/v1/tasks/news/messages"),
        foreign.get("/v1/tasks/news/forecast"),
        foreign.delete("/v1/tasks/news"),
        *(foreign.post(f"/v1/tasks/news/{what}") for what in ("start", "pause", "resume", "cancel")),
        foreign.post("/v1/tasks/news/retry-failed"),
    ):
        refused(answer, 404, "send_task_not_found")
    taken = {**NEWS, "sender": f"news@{OTHER}"}
    for mine in (NEWS, taken):
        assert foreign.put("/v1/tasks/news/definition", json=mine).status_code == 403
    assert ok(client.get("/v1/tasks", params={"domain": DOMAIN}))["data"][0]["sender_domain"] == DOMAIN
    assert foreign.get("/v1/tasks", params={"domain": DOMAIN}).status_code == 403
    assert entries(world) == before


def test_a_key_for_reading_changes_nothing(reader, client, world):
    ok(client.put("/v1/tasks/news/definition", json=NEWS), 201)
    ok(reader.get("/v1/tasks/news"))
    for method, path in (
        *(("PUT", "/v1/tasks/news/definition"), ("DELETE", "/v1/tasks/news"), ("POST", "/v1/tasks/news/start")),
        *(("PUT", "/v1/groups/g"), ("DELETE", "/v1/groups/customers"), ("POST", "/v1/groups/g/recipients")),
        *(("PUT", "/v1/groups/g/recipients"), ("POST", "/v1/suppressions"), ("DELETE", "/v1/suppressions/a@b.example")),
    ):
        refused(reader.request(method, path, json={}), 403, "api_key_scope_missing")


def test_tasks_are_listed_in_pages(client, world):
    names = [f"task-{number}" for number in range(5)]
    for name in names:
        ok(client.put(f"/v1/tasks/{name}/definition", json=NEWS), 201)
    found, cursor = [], None
    while cursor is not None or not found:
        page = ok(client.get("/v1/tasks", params={"limit": 2, **({"cursor": cursor} if cursor else {})}))
        found += [one["name"] for one in page["data"]]
        cursor = page["next_cursor"]
    assert found == names
    assert ok(client.get("/v1/tasks", params={"status": "cancelled"}))["data"] == []


def test_a_group_is_made_filled_replaced_and_deleted(client, world):
    assert ok(client.put("/v1/groups/vips", json={"description": "The best"}), 201)["recipient_count"] == 0
    people = [
        {"address": "ann@example.com", "values": {"name": "Ann", "spent": 12.5, "note": "=1+1"}},
        {"address": "nobody", "values": {"name": "No"}},
        {"address": "bo@example.com", "values": {"name": "two\nlines, and 'quotes\""}},
        {"address": "Ann@example.com"},
    ]
    done = ok(client.post("/v1/groups/vips/recipients", json={"recipients": people}))
    assert (done["added"], done["recipients"], done["rejected_count"]) == (2, 2, 2)
    assert [one["position"] for one in done["rejected"]] == [1, 3]
    found = ok(client.get("/v1/groups/vips/recipients"))["data"]
    assert [(one["address"], one["values"].get("name"), one["values"].get("note")) for one in found] == [
        ("ann@example.com", "Ann", "=1+1"),
        ("bo@example.com", "two\nlines, and 'quotes\"", ""),
    ]
    file = "email;name;spent;note\r\ncy@example.com;Cy;;\r\n"
    more = client.post("/v1/groups/vips/recipients", content=file, headers={"Content-Type": "text/csv"})
    assert ok(more)["recipients"] == 3
    replaced = ok(client.put("/v1/groups/vips/recipients", json={"recipients": [{"address": "dee@example.com"}]}))
    assert (replaced["recipients"], replaced["added"]) == (1, 1)
    group = client.get("/v1/groups/vips")
    assert (group.json()["description"], group.json()["variables"]) == ("The best", [])
    assert client.delete("/v1/groups/vips", headers={"If-Match": '"old"'}).status_code == 412
    ok(client.delete("/v1/groups/vips", headers={"If-Match": group.headers["etag"]}), 204)
    refused(client.get("/v1/groups/vips"), 404, "recipient_group_not_found")
    assert [one["name"] for one in ok(client.get("/v1/groups"))["data"]] == ["customers"]


def test_a_group_that_a_task_uses_is_not_deleted(client, foreign, world):
    ok(client.put("/v1/tasks/news/definition", json=NEWS), 201)
    refused(client.delete("/v1/groups/customers"), 409, "group_in_use")
    assert ok(client.get("/v1/groups/customers"))["tasks"] == ["news"]
    assert ok(foreign.get("/v1/groups/customers"))["tasks"] == []


def test_recipients_come_in_pages_and_by_search(client, world):
    found, cursor = [], None
    while cursor is not None or not found:
        asked = {"limit": 10, **({"cursor": cursor} if cursor else {})}
        page = ok(client.get("/v1/groups/customers/recipients", params=asked))
        found += [one["address"] for one in page["data"]]
        cursor = page["next_cursor"]
    assert found == [f"customers-{number}@customers.example" for number in range(1, 26)]
    some = ok(client.get("/v1/groups/customers/recipients", params={"search": "customers-2"}))["data"]
    assert len(some) == 7


@pytest.mark.parametrize(
    "body",
    [
        {"recipients": []},
        {"recipients": "ann@example.com"},
        {"recipients": [{"address": "nobody"}]},
        {"recipients": [{"address": "ann@example.com", "values": {"a": {"b": 1}}}]},
        {"recipients": [{"address": "ann@example.com", "values": ["a"]}]},
        {"recipients": [{"address": "ann@example.com", "name": "Ann"}]},
        {"recipients": [{"address": "ann@example.com", "values": {"address": "x"}}]},
        {"recipients": [{"address": "ann@example.com", "values": {"": "x"}}]},
        {"recipients": [{"address": 5}]},
        {"recipients": ["ann@example.com"]},
        {},
        [],
    ],
)
def test_recipients_that_cannot_be_read_change_nothing(client, world, body):
    answer = client.put("/v1/groups/customers/recipients", json=body)
    assert answer.status_code in (400, 422), answer.text
    assert world.rows("SELECT count(*)::int FROM recipient") == [(25,)]


def test_an_address_is_suppressed_shown_and_gets_mail_again(client, world):
    body = {"addresses": ["ann@example.com", "bo@example.com"], "note": "asked by phone"}
    assert ok(client.post("/v1/suppressions", json=body)) == {"changed": True, "count": 2}
    assert ok(client.post("/v1/suppressions", json=body)) == {"changed": False, "count": 0}
    shown = client.get("/v1/suppressions/Ann@EXAMPLE.com")
    (entry,) = ok(shown)["data"]
    assert (entry["reason"], entry["scope"], entry["added_by"]) == ("manual", "", "everything (API key)")
    removed = client.delete("/v1/suppressions/ann@example.com", headers={"If-Match": '"old"'})
    assert removed.status_code == 412
    ok(client.delete("/v1/suppressions/ann@example.com", headers={"If-Match": shown.headers["etag"]}), 204)
    refused(client.get("/v1/suppressions/ann@example.com"), 404, "suppressed_address_not_found")
    assert [action for _, action in entries(world)] == ["suppress", "suppress", "unsuppress"]


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"addresses": ["ann@example.com", "nobody"]}, None, "addresses[1]"),
        ({"addresses": [5]}, "not_a_text", "addresses[0]"),
        ({"addresses": []}, "list_not_usable", "addresses"),
        ({"reason": "dislike"}, "option_not_known", "reason"),
        ({"reason": "complaint", "expires_at": "2099-01-01"}, "expiry_not_of_this_reason", None),
        ({"expires_at": "2001-01-01"}, "expiry_has_passed", None),
        ({"note": "a\nb"}, "control_character", "note"),
    ],
)
def test_a_wrong_entry_is_refused_and_nobody_is_suppressed(client, world, wrong, code, field):
    answer = client.post("/v1/suppressions", json={"addresses": ["ann@example.com"], **wrong})
    refused(answer, 400, code or answer.json()["code"], field)
    assert world.rows("SELECT 1 FROM suppression") == []


def test_a_key_of_one_domain_sees_its_entries_and_changes_no_others(client, foreign, world):
    world.execute(
        "INSERT INTO suppression (address_key, address, reason, note, scope, created_at)"
        " SELECT a, a, 'unsubscribe', '', s, now() - n * interval '1 hour'"
        " FROM (VALUES ('a@x.example', '', 1), ('b@x.example', %s, 2),"
        " ('c@x.example', %s, 3), ('c@x.example', '', 3), ('d@x.example', '', 3)) AS v (a, s, n)",
        OTHER,
        DOMAIN,
    )
    seen, cursor = [], None
    while cursor is not None or not seen:
        asked = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = ok(foreign.get("/v1/suppressions", params=asked))
        seen += [(one["address"], one["scope"]) for one in page["data"]]
        cursor = page["next_cursor"]
    assert seen == [("a@x.example", ""), ("b@x.example", OTHER), ("c@x.example", ""), ("d@x.example", "")]
    assert len(ok(client.get("/v1/suppressions"))["data"]) == 5
    assert len(ok(client.get("/v1/suppressions", params={"domain": DOMAIN}))["data"]) == 1
    assert foreign.get("/v1/suppressions", params={"domain": DOMAIN}).status_code == 403
    refused(foreign.post("/v1/suppressions", json={"addresses": ["z@x.example"]}), 403, "api_key_not_for_all_mail")
    refused(foreign.delete("/v1/suppressions/a@x.example"), 403, "api_key_not_for_all_mail")
    assert foreign.delete("/v1/suppressions/c@x.example", params={"domain": DOMAIN}).status_code == 403
    ok(foreign.delete("/v1/suppressions/b@x.example", params={"domain": OTHER, "why": "asked"}), 204)
    assert rows(world.dsn, "SELECT count(*)::int FROM suppression") == [(4,)]
