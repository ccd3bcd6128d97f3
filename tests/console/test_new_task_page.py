"""New send task: what the form proposes, what the look ahead says, and that nothing happens before it is asked for."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from ses_ops.console.mail_frame import MAIL_POLICY
from tests.console.console_world import visible_text
from tests.integration.sending_world import DOMAIN, quota

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
    from ses_ops.operators import airflow_control

    heard: list[dict] = []
    monkeypatch.setattr(airflow_control, "update_dags", lambda **what: heard.append(what))
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


def test_without_a_group_or_template_the_page_says_what_to_make_first(world, user):
    page = user.get("/new-task").text
    assert "There is no recipient group yet" in page
    assert "✓ There is a template." in page
    assert 'href="/ses/groups"' in page
    assert "<select" not in page


def test_the_form_begins_with_values_that_need_no_thought(ready, user):
    page = user.get("/new-task").text
    assert value(page, "type") == "immediate"
    assert value(page, "template") == "hello", "the only one"
    assert value(page, "group") == "customers", "the only one"
    assert value(page, "sender") == f"news@{DOMAIN}", "at the only domain with a warm-up plan"
    assert value(page, "name") == f"hello-{datetime.now(UTC):%Y-%m-%d}"
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert value(page, "start_at") == f"{tomorrow:%Y-%m-%d}T09:00"


def test_the_form_remembers_the_last_sender_and_proposes_a_name_that_is_free(ready, user):
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    ready.seed(f"hello-{today}", sender='"Last, One" <last@other.example.com>')
    page = user.get("/new-task").text
    assert value(page, "sender") == '"Last, One" <last@other.example.com>'
    assert value(page, "name") == f"hello-{today}-2"


def test_what_is_risky_to_guess_is_left_to_the_person(ready, user):
    ready.group("everybody", 2)
    assert value(user.get("/new-task").text, "group") == ""


def test_the_look_ahead_says_to_how_many_and_changes_nothing(ready, user, told):
    ready.execute(
        "INSERT INTO suppression (address_key, address, reason) SELECT address_key, address, 'manual' FROM recipient"
        " WHERE position <= 3"
    )
    answer = user.post("/new-task/review", **FORM)
    assert answer.status_code == 200
    text = visible_text(answer.text)
    assert "7 recipients" in text
    assert "10 in the group customers, 3 of them on the suppression list." in text
    assert "variables of the mail and of the group match: name" in text
    assert "At once, as soon as the task exists." in text
    assert "Hello Person 1" in text
    assert "customers-1@customers.example" in text
    assert not ready.rows("SELECT 1 FROM send_task")
    assert not ready.audit_log()
    assert not told


def test_the_forecast_counts_what_is_cached_already(ready, user, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(4)))
    ready.seed("earlier")
    ready.outcome("earlier", cached=6)
    text = visible_text(user.post("/new-task/review", **FORM).text)
    # 4 a day. The cached 6 are due tomorrow: they take that day, and half of the day after it.
    rows = re.findall(r" 4 ([\d]+) ([\d]+) ([\d]+)(?= |$)", text[text.index("In all") : text.index("Under today")])
    assert rows == [("0", "4", "4"), ("2", "2", "6"), ("0", "4", "10")]
    assert "spreads it over 3 days. The last message leaves between" in text


def test_a_long_forecast_shows_its_beginning_and_its_end(ready, user, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(1)))
    ready.group("many", 40)
    text = visible_text(user.post("/new-task/review", **{**FORM, "group": "many"}).text)
    assert "over 40 days" in text
    assert "and 25 more days" in text


def test_a_domain_without_a_plan_is_a_warning(ready, user):
    text = visible_text(user.post("/new-task/review", **{**FORM, "sender": "news@new.example.com"}).text)
    assert "new.example.com: The Variable has no entry for this domain" in text
    assert "Until that is mended the task will show an error and send nothing." in text
    assert user.post("/new-task", **{**FORM, "sender": "news@new.example.com"}).status_code == 303


def test_the_next_five_starts_are_in_the_tasks_zone_and_in_utc_across_a_clock_change(ready, user):
    answer = user.post("/new-task/review", **{**RECURRING, "time_zone": "Europe/Berlin"})
    rows = re.findall(r"<tr><td>([^<]*)</td><td>([^<]*)</td></tr>", answer.text)
    rows = [tuple(cell.replace("\u202f", " ") for cell in row) for row in rows]
    assert len(rows) == 5
    assert rows[0] == ("Sat, Mar 28, 2099 9:00 AM", "Sat, Mar 28, 2099 8:00 AM")
    assert rows[1] == ("Sun, Mar 29, 2099 9:00 AM", "Sun, Mar 29, 2099 7:00 AM")


def test_an_end_says_that_these_are_all(ready, user):
    text = visible_text(user.post("/new-task/review", **{**RECURRING, "until": "2099-03-29T12:00"}).text)
    assert "These are all: then the end is reached." in text
    assert "Mar 30" not in text


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


def test_all_errors_are_said_at_once(ready, user):
    page = user.post("/new-task/review", **{**FORM, "name": "-", "sender": "", "group": "", "start_grace": "x"}).text
    assert all(error(page, name) for name in ("name", "sender", "group", "start_grace"))


def test_the_errors_are_in_japanese_too(ready, user):
    page = user.post("/new-task/review", headers=JAPANESE, **{**FORM, "name": "-", "sender": "x", "group": ""}).text
    for name in ("name", "sender", "group"):
        assert re.search(r"[ぁ-ん]", error(page, name)), name


def test_variables_that_do_not_match_are_named_on_both_sides(ready, user):
    ready.execute("UPDATE recipient_group SET variables = '{city,plan}'")
    page = user.post("/new-task/review", **FORM).text
    assert error(page, "template") == "The mail needs name, which the recipient group does not have."
    assert error(page, "group") == "The recipient group has city, plan, which the mail does not use."


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
    assert user.post("/new-task", **{**FORM, "name": ""}).status_code == 303
    assert ready.rows("SELECT name FROM send_task") == [(f"hello-{datetime.now(UTC):%Y-%m-%d}",)]


def test_the_dag_exists_when_the_answer_comes(ready, user):
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    from ses_ops.operators import airflow_control

    DagBundlesManager().sync_bundles_to_db()
    began = time.monotonic()
    assert user.post("/new-task", **FORM).status_code == 303
    assert "spring-sale" in airflow_control.dag_switches()
    assert time.monotonic() - began < 10
    assert "has not read" not in user.text("/tasks")


def test_before_airflow_has_read_any_dag_file_it_is_asked_to(ready, user):
    assert user.post("/new-task", **FORM).status_code == 303
    assert "The send task spring-sale is created." in user.text("/tasks")


def test_without_airflow_the_task_is_there_all_the_same(ready, user, monkeypatch):
    from ses_ops.errors import DatabaseUnavailable
    from ses_ops.operators import airflow_control

    def away(**_):
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(airflow_control, "update_dags", away)
    assert user.post("/new-task", **FORM).status_code == 303
    assert "it does within a minute" in user.text("/tasks")


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


def test_the_mail_stands_in_a_frame_that_can_run_nothing(ready, user, viewer):
    (ready.templates / "hello" / "body.html").write_text("<p>Dear {{ name }}</p><script>alert(1)</script>")
    page = user.post("/new-task/review", **FORM).text
    source = unescape(re.search(r'<iframe sandbox="" [^>]*src="/ses([^"]*)"', page)[1])
    frame = viewer.get(source)
    assert "Dear Person 1" in frame.text
    assert frame.headers["content-security-policy"] == MAIL_POLICY
    assert "alert(1)" not in page


def test_hostile_values_are_text(ready, user):
    name = json.dumps({"name": HOSTILE})
    ready.execute("UPDATE recipient SET values = %s", name)
    (ready.templates / "hello" / "body.txt").write_text("Dear {{ name }}")
    answer = user.post("/new-task/review", **{**FORM, "subject": "{{ name }}" + HOSTILE})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert HOSTILE in visible_text(answer.text)
    wrong = user.post("/new-task/review", **dict.fromkeys(FORM, HOSTILE))
    assert wrong.status_code == 422
    assert "<script>alert" not in wrong.text


def test_the_form_and_the_look_ahead_are_quick_with_many_tasks_and_much_cached(ready, user):
    ready.seed("task-0")
    ready.execute(
        "INSERT INTO send_task (name, type, template, sender, sender_domain, group_id, time_zone)"
        " SELECT 'task-' || n, type, template, sender, sender_domain, group_id, 'UTC'"
        " FROM send_task, generate_series(1, 999) n"
    )
    ready.execute(
        "INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count)"
        " SELECT id, 'once', 'run', now(), 10000 FROM send_task"
    )
    ready.execute(
        "INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent,"
        " sending_through, cached_at) SELECT o.id, o.task_id, 'mail.example.com', 500 * n + 1, 500 * (n + 1), 'cached',"
        " 100, 400, 500 * n, now() FROM occurrence o, generate_series(0, 19) n"
    )
    ready.execute("ANALYZE")
    took = {"form": [], "review": []}
    for _ in range(3):
        began = time.perf_counter()
        assert user.get("/new-task").status_code == 200
        took["form"].append(time.perf_counter() - began)
        began = time.perf_counter()
        assert user.post("/new-task/review", **FORM).status_code == 200
        took["review"].append(time.perf_counter() - began)
    assert max(min(times) for times in took.values()) < 0.3, took
