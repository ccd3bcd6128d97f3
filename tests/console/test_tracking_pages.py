"""What is tracked in the console: form, review and its warnings, test send, task page, edit, sender domain."""

from __future__ import annotations

import re

import pytest

from tests.console.console_world import client as make_client
from tests.console.console_world import visible_text
from tests.console.test_edit_task_page import opened
from tests.console.test_new_task_page import FORM, JAPANESE, error, told, value  # noqa: F401
from tests.console.test_review_of_task import tests  # noqa: F401
from tests.integration.sending_world import DOMAIN

PUBLIC = "https://mail.example.com"
BOTH = {"track_opens": "yes", "track_clicks": "yes"}


@pytest.fixture
def ready(world, monkeypatch):
    monkeypatch.setenv("SES_PUBLIC_URL", PUBLIC)
    world.group("customers", 3)
    (world.templates / "hello" / "body.html").write_text('<p>{{ name }}</p><a href="https://shop.example/">x</a>')
    return world


@pytest.fixture
def op(ready):
    """May write Variables, and is no administrator."""
    ready.seed("hello")
    yield from make_client(ready.app, "op")


def test_the_form_leaves_it_to_the_domain_and_the_review_says_what_is_chosen(ready, user):
    page = user.get("/new-task").text
    assert (value(page, "track_opens"), value(page, "track_clicks")) == ("", "")
    text = visible_text(user.post("/new-task/review", **FORM).text)
    assert "Opens as the sender domain says" in text
    review = user.post("/new-task/review", **{**FORM, "track_opens": "yes", "track_clicks": "no"}).text
    assert "Opens tracked Clicks not tracked" in visible_text(review)
    assert 'name="track_opens" value="yes"' in review


def test_the_preview_leads_where_the_mail_leads_in_the_end(ready, user):
    page = user.post("/new-task/review", **{**FORM, **BOTH}).text
    assert "https://shop.example/" in visible_text(page)
    assert f"{PUBLIC}/c/" not in page
    assert f"{PUBLIC}/o/" not in page


def test_without_a_public_address_the_field_says_what_to_set(ready, user, monkeypatch):
    monkeypatch.delenv("SES_PUBLIC_URL")
    answer = user.post("/new-task/review", **{**FORM, "track_clicks": "yes"})
    assert answer.status_code == 422
    assert "SES_PUBLIC_URL" in error(answer.text, "track_opens")
    assert value(answer.text, "track_clicks") == "yes"
    japanese = user.post("/new-task/review", headers=JAPANESE, **{**FORM, "track_clicks": "yes"})
    assert re.search(r"[ぁ-ん]", error(japanese.text, "track_opens"))
    assert not ready.rows("SELECT 1 FROM send_task")


def test_what_nobody_could_measure_or_see_is_warned_of(ready, user, monkeypatch):
    warnings = ("Gmail shows 102 kB", "is not https", "opens are not measured", "clicks are not measured")

    def warned(**form: str) -> list[bool]:
        text = visible_text(user.post("/new-task/review", **{**FORM, **form}).text)
        return [warning in text for warning in warnings]

    assert warned(**BOTH) == [False, False, False, False]
    body = ready.templates / "hello" / "body.html"
    body.write_text("<p>" + "x" * 104_448 + "</p>")
    assert warned() == [True, False, False, False]
    assert warned(**BOTH) == [True, False, False, True]
    body.write_text("<p>" + "x" * 104_400 + "</p>")
    assert warned() == [False, False, False, False]
    assert warned(track_opens="yes") == [True, False, False, False], "with its pixel it has more"
    monkeypatch.setenv("SES_PUBLIC_URL", "http://mail.example.com")
    assert warned(track_opens="yes") == [True, True, False, False]
    body.unlink()
    (ready.templates / "hello" / "body.txt").write_text("Hello {{ name }}")
    assert warned(**BOTH) == [False, False, True, True]


def test_the_test_send_is_tracked_as_the_mail(ready, user, tests):  # noqa: F811
    answer = user.post("/new-task/test", **{**FORM, "track_opens": "yes"}, test_recipients="me@example.com")
    assert answer.status_code == 200
    (order,) = tests
    assert order.track == "opens: true"


def test_the_task_page_the_edit_and_the_editions_show_it(ready, user, told):  # noqa: F811
    form = {**FORM, "type": "scheduled", "start_at": "2099-03-28T09:00", "track_opens": "yes"}
    assert user.post("/new-task", **form).status_code == 303
    assert ready.rows("SELECT track_opens, track_clicks FROM send_task") == [(True, None)]
    assert "Opens tracked Clicks as the sender domain says" in visible_text(user.get("/tasks/spring-sale").text)
    edit = opened(user, "spring-sale")
    assert (edit["track_opens"], edit["track_clicks"]) == ("yes", "")
    ready.execute("INSERT INTO occurrence (task_id, key, run_id) SELECT id, 'first', 'run' FROM send_task")
    changed = {**edit, "track_opens": "no", "track_clicks": "yes"}
    review = visible_text(user.post("/tasks/spring-sale/edit/review", **changed).text)
    assert "Opens tracked not tracked" in review
    assert user.post("/tasks/spring-sale/edit", **changed).status_code == 303
    assert ready.rows("SELECT track_opens, track_clicks FROM send_task") == [(False, True)]
    assert ready.rows("SELECT track_opens, track_clicks FROM former_edition") == [(True, None)]
    assert "Opens: tracked" in visible_text(user.get("/tasks/spring-sale").text)


def test_a_domain_says_it_for_all_others(ready, op):
    page = op.get(f"/domains/{DOMAIN}").text
    assert 'name="track_opens" type="checkbox" value="yes">' in page.replace(" checked", " CHECKED")
    done = op.post(f"/domain-tracking/{DOMAIN}", track_opens="yes")
    assert (done.status_code, done.headers["location"]) == (303, f"/ses/domains/{DOMAIN}")
    assert ready.rows("SELECT track_opens, track_clicks FROM sender_domain WHERE domain = %s", DOMAIN) == [
        (True, False)
    ]
    page = op.get(f"/domains/{DOMAIN}").text
    assert re.search(r'<input id="track_opens"[^>]* checked', page)
    assert not re.search(r'<input id="track_clicks"[^>]* checked', page)
    assert op.post(f"/domain-tracking/{DOMAIN}").status_code == 303
    assert ready.rows("SELECT track_opens FROM sender_domain WHERE domain = %s", DOMAIN) == [(False,)]
    facts = [row["extra"] for row in ready.audit_log()]
    assert [(one["opens"], one["before"]["opens"]) for one in facts] == [(True, False), (False, True)]


def test_a_domain_without_a_public_address_says_what_to_set_and_keeps_the_boxes(ready, op, monkeypatch):
    monkeypatch.delenv("SES_PUBLIC_URL")
    answer = op.post(f"/domain-tracking/{DOMAIN}", track_clicks="yes")
    assert answer.status_code == 422
    assert "SES_PUBLIC_URL" in visible_text(answer.text)
    assert re.search(r'<input id="track_clicks"[^>]* checked', answer.text)
    assert ready.rows("SELECT 1 FROM sender_domain WHERE track_clicks") == []
