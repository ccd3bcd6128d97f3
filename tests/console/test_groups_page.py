"""Recipient groups: the list, a group and its rows, and what its buttons do."""

from __future__ import annotations

import re
from html import unescape

import pytest

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
JAPANESE = {"Accept-Language": "ja,en;q=0.5"}


@pytest.fixture
def only_open(monkeypatch):
    """Nobody may see the DAG of the task `secret`."""
    from airflow.api_fastapi.app import get_auth_manager

    manager = type(get_auth_manager())
    allowed = manager.is_authorized_dag

    def refused(self, *, details=None, **more):
        return (details is None or details.id != "send_task__secret") and allowed(self, details=details, **more)

    monkeypatch.setattr(manager, "is_authorized_dag", refused)


def lines_of(page) -> list[int]:
    return [int(line.replace(",", "")) for line in re.findall(r'<td class="numbers">([\d,]+)</td>', page.text)]


def test_an_empty_list_says_what_to_do_next(world, user, viewer):
    assert "There is no recipient group yet" in user.text("/groups")
    assert "Upload the first group" in user.text("/groups")
    assert "Upload the first group" not in viewer.text("/groups")


def test_the_list_shows_groups_and_the_tasks_that_use_them(world, viewer):
    world.group("customers", 12_345)
    world.group("partners", 1)
    world.task("sale", group="customers")
    text = viewer.text("/groups")
    assert "12,345" in text
    assert "sale" in text
    page = viewer.get("/groups?sort=recipients&order=asc").text
    assert re.findall(r'class="name" href="/ses/groups/([a-z]+)"', page) == ["partners", "customers"]
    assert "customers" not in viewer.text("/groups?q=PART")
    assert "No recipient group fits this search." in viewer.text("/groups?q=nobody")
    assert "customers" in viewer.text("/groups?q=ＣＵＳＴ"), "wide letters are letters"
    assert "受信者グループ" in viewer.get("/groups", headers=JAPANESE).text


def test_a_group_shows_its_rows_page_by_page_and_by_line(world, viewer):
    world.group("customers", 60)
    page = viewer.get("/groups/customers")
    assert lines_of(page) == list(range(1, 26))
    assert 'rel="prev"' not in page.text
    assert "/ses/groups/customers?line=26#rows" in page.text
    second = viewer.get("/groups/customers?line=30")
    assert lines_of(second) == list(range(30, 55))
    assert "/ses/groups/customers?line=5#rows" in second.text
    assert lines_of(viewer.get("/groups/customers?line=55")) == list(range(55, 61))
    assert "No recipient fits" in viewer.text("/groups/customers?line=99999999999")
    assert len(lines_of(viewer.get("/groups/customers?line=evil"))) == 25


def test_recipients_are_found_by_a_part_of_their_address(world, viewer):
    world.group("customers", 60)
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) VALUES"
        " ('customers-7@customers.example', 'customers-7@customers.example', 'complaint')"
    )
    for text in ("CUSTOMERS-7@", "Customers-7@customers.example"):
        found = viewer.get(f"/groups/customers?q={text}")
        assert lines_of(found) == [7]
        assert "suppressed" in found.text
    assert lines_of(viewer.get("/groups/customers?q=customers-1")) == [1, *range(10, 20)]
    page, seen = "/groups/customers?q=customers", []
    for way in ("next", "next", "prev", "prev"):
        page = unescape(re.search(rf'rel="{way}" href="/ses([^"#]*)#rows"', viewer.get(page).text)[1])
        seen.append(lines_of(viewer.get(page))[0])
    assert seen == [26, 51, 26, 1], "a search leads back too"
    assert 'rel="prev"' not in viewer.get(page).text
    assert viewer.get(f"/groups/customers?q=customers&line=30&trail={'9.' * 99}x.-1").status_code == 200
    for text in ("%25", "_", "customers_7@", "%5C", "no@b.example"):
        assert "No recipient fits this search." in viewer.text(f"/groups/customers?q={text}")


def test_a_group_that_is_not_there_is_no_page(world, admin):
    assert admin.get("/groups/nobody").status_code == 404
    assert admin.get("/groups/nobody/upload").status_code == 404
    assert admin.post("/groups/nobody/describe", description="x").status_code == 404
    assert admin.post("/groups/nobody/delete", confirmed="yes").status_code == 404


def test_the_description_is_changed_and_a_long_one_is_not_lost(world, user):
    world.group("customers", 1)
    assert user.post("/groups/customers/describe", description="People of spring").status_code == 303
    assert "People of spring" in user.text("/groups/customers")
    refused = user.post("/groups/customers/describe", description="long " * 200)
    assert refused.status_code == 422
    assert 'id="description-error"' in refused.text
    assert refused.text.count("long long") >= 1
    assert [row["event"] for row in world.audit_log()] == ["ses_describe_group"]


def test_deleting_asks_first_and_takes_recipients_and_reports_away(world, user):
    world.group("customers", 3)
    world.execute(
        "INSERT INTO import_run (id, group_name, file_name, started_by, state)"
        " VALUES (gen_random_uuid(), 'customers', 'f.csv', 'ann', 'failed')"
    )
    question = user.post("/groups/customers/delete")
    assert "Delete the recipient group customers?" in question.text
    assert world.rows("SELECT count(*) FROM recipient") == [(3,)]
    assert user.post("/groups/customers/delete", confirmed="yes").headers["location"] == "/ses/groups"
    assert "customers is deleted." in user.text("/groups")
    assert world.rows("SELECT (SELECT count(*) FROM recipient), (SELECT count(*) FROM import_run)") == [(0, 0)]
    assert [row["event"] for row in world.audit_log()] == ["ses_delete_group"]


def test_a_group_in_use_is_not_deleted_and_only_tasks_that_one_may_see_are_named(world, user, only_open):
    world.seed("open")
    world.seed("secret")
    assert user.post("/groups/customers/delete", confirmed="yes", back="/groups/customers").status_code == 303
    page = user.text("/groups/customers")
    assert (
        "customers cannot be deleted: send tasks use it. Delete these first: open. 1 of them you may not see." in page
    )
    assert "1 send task uses it that you may not see." in page
    assert "secret" not in page
    assert "secret" not in user.text("/groups")
    assert world.rows("SELECT count(*) FROM recipient_group") == [(1,)]


def test_a_group_that_is_being_imported_is_neither_deleted_nor_described(world, user, monkeypatch):
    from ses_ops.storage.audience import recipients
    from ses_ops.storage.connection import connect

    monkeypatch.setattr(recipients, "_LOCK_TIMEOUT", "50ms")
    world.group("customers", 1)
    other = connect(world.dsn)
    with other.cursor() as cursor:
        cursor.execute("UPDATE recipient_group SET recipient_count = 2")
        answer = user.post("/groups/customers/describe", description="mine")
        assert (answer.status_code, "mine" in answer.text) == (409, True)
        assert "A file is being imported into this group now" in answer.text
        user.post("/groups/customers/delete", confirmed="yes")
        assert "A file is being imported into this group now" in user.text("/groups")
    other.close()
    assert world.rows("SELECT count(*) FROM recipient") == [(1,)]


def test_samples_have_the_columns_of_a_group_or_of_a_template(world, viewer):
    world.group("名簿", 1)
    answer = viewer.get("/groups/名簿/sample.csv")
    assert answer.content.decode("utf-8").startswith("\ufeffaddress,name\nann@example.com,a value for name\n")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''%E5%90%8D%E7%B0%BF-sample.csv")
    assert "address,name\n" in viewer.get("/group-sample?template=hello").text
    for nothing in ("none", "../../etc", ""):
        assert viewer.get(f"/group-sample?template={nothing}").status_code == 404


def test_buttons_are_offered_to_those_who_may_press_them(world, viewer, user):
    world.group("customers", 1)
    for path in ("/groups", "/groups/customers"):
        assert "/ses/groups/customers/delete" in user.get(path).text
        seen = viewer.get(path).text
        assert '<form method="post"' not in seen
        assert "/upload" not in seen
        assert "/new-task?group" not in seen


def test_nothing_from_data_is_markup(world, user):
    world.group("customers", 2)
    world.execute("UPDATE recipient_group SET description = %s, variables = %s", HOSTILE, [HOSTILE])
    world.execute("UPDATE recipient SET address = %s, values = jsonb_build_object(%s::text, %s::text)", *[HOSTILE] * 3)
    world.execute(
        "INSERT INTO import_run (id, group_name, file_name, started_by, state, problem, fault, facts) VALUES"
        " ('00000000-0000-4000-8000-000000000001', 'customers', %s, %s, 'failed', %s, 'no_header', %s)",
        HOSTILE,
        HOSTILE,
        HOSTILE,
        '{"address": "<img src=x>"}',
    )
    number = "00000000-0000-4000-8000-000000000001"
    paths = (
        "/groups",
        "/groups/customers",
        "/groups/customers/upload",
        f"/imports/{number}",
        f"/live/imports/{number}",
    )
    for path in (*paths, f"/groups/customers?q={HOSTILE}"):
        page = user.get(path)
        assert page.status_code == 200
        assert "<img" not in page.text
        assert "<script>" not in page.text
        assert "style=" not in page.text
