"""New send task: what the form proposes, what the look ahead says, and that nothing happens before it is asked for."""

from __future__ import annotations

import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from tests.console.console_world import visible_text
from tests.integration.sending_world import DOMAIN

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
JAPANESE = {"Accept-Language": "ja"}
FORM = {
    "name": "spring-sale",
    "type": "immediate",
    "template": "hello",
    "sender": f"Example <news@{DOMAIN}>",
    "group": "customers",
    "time_zone": "UTC",
}
RECURRING = {**FORM, "type": "recurring", "start_at": "2099-03-28T09:00", "every_count": "1", "every_unit": "d"}


@pytest.fixture
def ready(world):
    """An installation with a template and a group."""
    world.group("customers", 10)
    return world


@pytest.fixture
def told(monkeypatch):
    """What Airflow is told, by name of the change."""
    from ses_ops.orchestration import control

    heard: list[dict] = []
    monkeypatch.setattr(control, "update_dags", lambda **what: heard.append(what))
    return heard


def value(html: str, name: str) -> str:
    """What a field of a form holds."""
    if select := re.search(rf'<select id="{name}".*?</select>', html, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"[^>]* selected', select[0])
        return unescape(chosen[1]) if chosen else ""
    found = re.search(rf'<input [^>]*name="{name}"[^>]*', html)
    assert found, name
    if 'type="radio"' in found[0]:
        chosen = re.search(rf'<input [^>]*name="{name}" value="([^"]*)" checked', html)
        return chosen[1] if chosen else ""
    return unescape(re.search(r'value="([^"]*)"', found[0])[1])


def error(html: str, name: str) -> str | None:
    found = re.search(rf'<p class="error" id="{name}-error">(.*?)</p>', html, re.DOTALL)
    return found and unescape(found[1])


def new_task_link(user, page: str) -> str:
    """Where "New send task" leads on a page, beside the navigation's own."""
    return unescape(re.search(r'href="/ses(/new-task\?[^"]+)"', user.get(page).text)[1])


def test_without_a_group_or_template_the_page_says_what_to_make_first(world, user):
    page = user.get("/new-task").text
    assert "There is no recipient group yet" in page
    assert "✓ There is a template." in page
    assert 'href="/ses/groups"' in page
    assert "<select" not in page


def on_one_day(act):
    """The result of `act`, a function of today's date, and that date: done again when midnight passed meanwhile."""
    while True:
        today = datetime.now(UTC).date()
        result = act(today)
        if datetime.now(UTC).date() == today:
            return result, today


def test_the_form_begins_with_values_that_need_no_thought(ready, user):
    page, today = on_one_day(lambda _: user.get("/new-task").text)
    assert value(page, "type") == "immediate"
    assert value(page, "template") == "hello", "the only one"
    assert value(page, "group") == "customers", "the only one"
    assert value(page, "sender") == f"news@{DOMAIN}", "at the only domain with a warm-up plan"
    assert value(page, "name") == f"hello-{today}"
    tomorrow = today + timedelta(days=1)
    assert value(page, "start_at") == f"{tomorrow:%Y-%m-%d}T09:00"


def test_the_form_remembers_the_last_sender_and_proposes_a_name_that_is_free(ready, user):
    def seeded_page(today):
        ready.seed(f"hello-{today}", sender='"Last, One" <last@other.example.com>')
        return user.get("/new-task").text

    page, today = on_one_day(seeded_page)
    assert value(page, "sender") == '"Last, One" <last@other.example.com>'
    assert value(page, "name") == f"hello-{today}-2"


def test_the_form_takes_over_the_group_and_the_template_of_the_page_that_led_to_it(ready, user):
    ready.group("partners", 3)
    shutil.copytree(ready.templates / "hello", ready.templates / "bye")
    page = user.get(new_task_link(user, "/groups/partners")).text
    assert (value(page, "group"), value(page, "template")) == ("partners", "")
    page, today = on_one_day(lambda _: user.get(new_task_link(user, "/templates/bye")).text)
    assert (value(page, "group"), value(page, "template")) == ("", "bye")
    assert value(page, "name") == f"bye-{today}", "the name follows the template"
    page = user.get("/new-task", params={"group": HOSTILE, "template": "../hello"}).text
    assert (value(page, "group"), value(page, "template")) == ("", ""), "only what exists"
    assert "<script>alert" not in page


def test_what_is_risky_to_guess_is_left_to_the_person(ready, user):
    ready.group("everybody", 2)
    assert value(user.get("/new-task").text, "group") == ""


#: What is typed, the field that it is wrong in, and words of the error.
MISTAKES = (
    ({"template": ""}, "template", "Choose a template."),
    ({"template": "gone"}, "template", "There is no template named 'gone'"),
    ({"group": ""}, "group", "Choose a recipient group."),
    ({"group": "gone"}, "group", "This recipient group is not there any more"),
    ({"sender": ""}, "sender", "Write who the mail comes from"),
    ({"sender": "news at example"}, "sender", "has no @"),
    ({"reply_to": "nobody"}, "reply_to", "has no @"),
    ({"name": "Spring Sale"}, "name", "must be 1 to 100 of a-z"),
    ({"type": ""}, "type", "Choose when the mail is to leave."),
    ({"type": "scheduled", "start_at": ""}, "start_at", "Choose the day and the time"),
    ({"type": "scheduled", "start_at": "2020-01-01T00:00"}, "start_at", "has passed"),
    ({"type": "scheduled", "start_at": "soon"}, "start_at", "is not a time"),
    ({"type": "recurring", "start_at": "2099-01-01T00:00", "every_count": "x"}, "every_count", "whole number"),
    ({"type": "recurring", "repeat": "cron", "cron": ""}, "cron", "five fields"),
    ({"type": "recurring", "repeat": "cron", "cron": "0 0 31 2 *"}, "cron", "five fields"),
    ({**RECURRING, "until": "2099-01-01T00:00"}, "until", "not after the start"),
    ({**RECURRING, "time_zone": "Mars/Base"}, "time_zone", "such as Asia/Tokyo"),
    ({"subject": "Hello {{ nme }}"}, "template", "The mail needs nme"),
    ({"subject": "Hello {{ name"}, "subject", ""),
    ({"subject": "x" * 1000}, "subject", "998"),
    ({"unsubscribe_url": "example.com/u"}, "unsubscribe_url", "must begin with https://"),
    ({"unsubscribe_url": "https://example.com/{{ id }}"}, "template", "The mail needs id"),
    ({"start_grace": "a while"}, "start_grace", "Write a span"),
)


def test_an_error_stands_beside_its_field_and_nothing_typed_is_lost(ready, user):
    # One test, not one a mistake: a new database for each would take most of the time.
    for changes, field, words in MISTAKES:
        form = {**FORM, "every_unit": "d", **changes}
        answer = user.post("/new-task/review", **form)
        assert answer.status_code == 422, changes
        assert words in (error(answer.text, field) or ""), (changes, visible_text(answer.text))
        kept = {name: value(answer.text, name) for name in form if name not in ("template", "group", "type")}
        assert kept == {name: form[name] for name in kept}
        again = user.post("/new-task", **form)
        assert (again.status_code, error(again.text, field)) == (422, error(answer.text, field))
    assert not ready.rows("SELECT 1 FROM send_task")
    assert not ready.audit_log()


def test_a_link_that_the_template_shows_and_the_task_lacks_is_said_beside_its_field(ready, user):
    (ready.templates / "hello" / "body.html").write_text("<p>{{ name }}</p>\n<a href='{{ unsubscribe_url }}'>x</a>")
    answer = user.post("/new-task/review", **FORM)
    assert answer.status_code == 422
    assert "It shows {{ unsubscribe_url }} (line 2 of hello/body.html)" in error(answer.text, "unsubscribe_url")
    japanese = user.post("/new-task", headers=JAPANESE, **FORM)
    assert re.search(r"[ぁ-ん]", error(japanese.text, "unsubscribe_url"))
    assert not ready.rows("SELECT 1 FROM send_task")
    linked = user.post("/new-task/review", **{**FORM, "unsubscribe_url": "https://example.com/u?n={{ name }}"})
    assert linked.status_code == 200


def test_all_errors_are_said_at_once(ready, user):
    page = user.post("/new-task/review", **{**FORM, "name": "-", "sender": "", "group": "", "start_grace": "x"}).text
    assert all(error(page, name) for name in ("name", "sender", "group", "start_grace"))


def test_the_errors_are_in_japanese_too(ready, user):
    page = user.post("/new-task/review", headers=JAPANESE, **{**FORM, "name": "-", "sender": "x", "group": ""}).text
    for name in ("name", "sender", "group"):
        assert re.search(r"[ぁ-ん]", error(page, name)), name


def test_a_variable_that_the_group_does_not_have_is_refused(ready, user):
    ready.execute("UPDATE recipient_group SET variables = '{city,plan}'")
    page = user.post("/new-task/review", **FORM).text
    assert error(page, "template") == "The mail needs name, which the recipient group does not have."
    assert error(page, "group") is None


def test_columns_that_the_mail_does_not_use_are_named_in_the_review_and_the_task_is_made(ready, user):
    ready.execute("UPDATE recipient_group SET variables = '{city,name,plan}'")
    answer = user.post("/new-task/review", **FORM)
    assert answer.status_code == 200
    text = visible_text(answer.text)
    assert "The group has a column for each variable of the mail: name" in text
    assert "The mail does not use 2 columns of the group: city, plan" in text
    assert user.post("/new-task", **FORM).status_code == 303


def test_the_person_can_go_back_to_the_form_from_the_look_ahead(ready, user):
    answer = user.post("/new-task/review", **{**FORM, "subject": HOSTILE, "step": "edit"})
    assert answer.status_code == 200
    assert value(answer.text, "subject") == HOSTILE
    assert value(answer.text, "name") == "spring-sale"


def test_creating_makes_the_task_tells_airflow_and_is_in_the_audit_log(ready, user, told):
    more = {"subject": "For {{ name }}", "reply_to": "a@example.com", "advertisement": "before", "until": "nonsense"}
    answer = user.post("/new-task", **{**FORM, **more})
    assert answer.status_code == 303
    assert answer.headers["location"] in ("/ses/tasks/spring-sale", "/ses/tasks")
    assert "The send task spring-sale is created." in user.text("/tasks")
    assert told == [{"created": ["spring-sale"], "changed": []}]
    found = ready.rows("SELECT type, subject, sender_domain, reply_to, advertisement, until FROM send_task")
    assert found == [("immediate", "For {{ name }}", DOMAIN, "a@example.com", "before", None)]
    (row,) = ready.audit_log()
    assert (row["event"], row["owner"], row["dag_id"]) == ("ses_create_task", "user", "send_task__spring-sale")


def test_a_form_that_is_sent_twice_makes_one_task_and_says_so_twice(ready, user, told):
    for _ in range(2):
        assert user.post("/new-task", **FORM).status_code == 303
    assert ready.rows("SELECT count(*)::int FROM send_task") == [(1,)]
    assert len(told) == 1


def test_the_name_of_another_task_is_refused_and_that_task_stays_as_it_was(ready, user):
    ready.seed("spring-sale", subject="The first")
    answer = user.post("/new-task", **FORM)
    assert answer.status_code == 422
    assert "already" in error(answer.text, "name")
    assert ready.rows("SELECT subject FROM send_task") == [("The first",)]


def test_a_name_that_is_left_empty_is_proposed(ready, user, told):
    before = datetime.now(UTC)
    assert user.post("/new-task", **{**FORM, "name": ""}).status_code == 303
    ((name,),) = ready.rows("SELECT name FROM send_task")
    # The day may begin meanwhile.
    assert name in {f"hello-{moment:%Y-%m-%d}" for moment in (before, datetime.now(UTC))}


def test_the_dag_exists_when_the_answer_comes(ready, user):
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    from ses_ops.orchestration import control

    DagBundlesManager().sync_bundles_to_db()
    began = time.monotonic()
    assert user.post("/new-task", **FORM).status_code == 303
    assert "spring-sale" in control.dag_switches()
    assert time.monotonic() - began < 25, "it waited for the next turn of Airflow's own"
    assert "has not read" not in user.text("/tasks")


def test_before_airflow_has_read_any_dag_file_it_is_asked_to(ready, user):
    assert user.post("/new-task", **FORM).status_code == 303
    assert "The send task spring-sale is created." in user.text("/tasks")


def test_without_airflow_the_task_is_there_all_the_same(ready, user, monkeypatch):
    from ses_ops.errors import DatabaseUnavailable
    from ses_ops.orchestration import control

    def away(**_):
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(control, "update_dags", away)
    assert user.post("/new-task", **FORM).status_code == 303
    assert "its DAG processor does so at its next turn" in user.text("/tasks")


def test_a_clone_has_everything_but_the_name_and_a_start_that_has_passed(ready, user):
    ready.seed("weekly", type="recurring", start_at="2099-01-01 09:00", every="7d")
    page = user.get("/new-task?clone=weekly").text
    assert value(page, "name") == "weekly-copy"
    assert value(page, "type") == "recurring"
    assert (value(page, "every_count"), value(page, "every_unit")) == ("7", "d")
    assert value(page, "start_at") == "2099-01-01T09:00"
    ready.execute("UPDATE send_task SET start_at = '2020-01-01'")
    assert value(user.get("/new-task?clone=weekly").text, "start_at") == ""
    assert user.get("/new-task?clone=nothing").status_code == 404


def test_an_end_that_is_a_day_is_the_whole_day_and_is_shown_as_one(ready, user):
    form = {**RECURRING, "until": "2099-03-30", "time_zone": "Asia/Tokyo"}
    review = visible_text(user.post("/new-task/review", **form).text)
    assert "End: 2099-03-30, the whole day in Asia/Tokyo" in review
    assert "Mar 30, 2099" in review
    assert user.post("/new-task", **form).status_code == 303
    assert ready.rows("SELECT until FROM send_task") == [(datetime(2099, 3, 30, 14, 59, 59, 999999, tzinfo=UTC),)]
    assert "2099-03-30, the whole day in Asia/Tokyo" in user.text(f"/tasks/{form['name']}")
    edit = user.get(f"/tasks/{form['name']}/edit").text
    assert '<input type="date" id="until" name="until" value="2099-03-30"' in edit


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"until": "9999-12-31T23:59", "time_zone": "America/New_York"}, "until", "years from 1970 to 2200"),
        ({"until": "9999-12-31"}, "until", "years from 1970 to 2200"),
        ({"start_at": "0001-01-01T00:00", "time_zone": "Asia/Tokyo"}, "start_at", "years from 1970 to 2200"),
        ({"start_at": "9999-12-31T00:00", "repeat": "cron", "cron": "0 0 1 1 *"}, "start_at", "years from 1970"),
        ({"every_count": "99999"}, "every_count", "longer than the years"),
        ({"every_count": "40000"}, "every_count", "second start would be after the year 2200"),
        ({"start_grace": "999999d"}, "start_grace", "longer than the years"),
        ({"repeat": "cron", "cron": "R R * * *"}, "cron", "its minute cannot be 'R'"),
        ({"repeat": "cron", "cron": "0 9 L * *"}, "cron", "its day of the month cannot be 'L'"),
    ],
)
def test_what_no_schedule_can_have_is_said_beside_its_field_and_never_stored(ready, user, changes, field, words):
    for path in ("/new-task/review", "/new-task"):
        answer = user.post(path, **{**RECURRING, **changes})
        assert answer.status_code == 422
        assert words in error(answer.text, field)
    assert ready.rows("SELECT count(*) FROM send_task") == [(0,)]
