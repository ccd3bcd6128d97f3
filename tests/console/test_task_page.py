"""A send task's page and its tabs in Airflow: what they say, to whom, and what their buttons do."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape

import pytest

from ses_ops.domain.occurrence import RunKind
from tests.recording_smtp import RecordingServer

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
JAPANESE = {"Accept-Language": "ja"}
TABS = ("/tasks/hello", "/dag/send_task__hello")


@pytest.fixture
def sent(world):
    """A task of 12 messages that was sent over a quota of 8: some sent, some failed, four cached."""
    from tests.integration.sending_world import quota

    def refuse(recipient: str) -> bytes | None:
        return b"550 5.1.1 no <b>such</b> user" if recipient.startswith(("customers-3@", "customers-5@")) else None

    with RecordingServer(refuse) as server:
        world.smtp_uri = server.uri
        world.quota_variable = quota(8)
        world.seed("hello", count=12)
        world.run_id = "scheduled__2026-11-24T09:30:00+00:00"
        world.whole_run(world.run("hello", run_id=world.run_id), chunk_size=4)
    return world


def test_the_page_says_where_every_message_is(sent, viewer):
    for path in TABS:
        text = viewer.text(path)
        assert "6 of 12 sent" in text
        assert "Goes on by itself" in text
        assert "today's quota of 8" in text
        assert re.search(r"requested 12 sent 6 failed 2 suppressed 0 in doubt 0 cached 4 on its way 0", text), text
        assert "Messages over time" in text
        assert "550 2" in text
        assert "no <b>such</b> user" in text
        assert "<b>such" not in viewer.get(path).text
        assert "9 – 12" in text, "the chunk that waits"


def test_the_page_says_on_which_days_the_rest_leaves(sent, viewer, monkeypatch):
    from ses_ops.console.tasks import forecast
    from tests.integration.sending_world import quota

    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(3)))
    reads = []
    read = forecast._SEEN._read
    monkeypatch.setattr(forecast._SEEN, "_read", lambda conn, name: reads.append(name) or read(conn, name))
    for path in (*TABS, "/live/task/hello"):
        text = viewer.text(path)
        # The four that are cached are due tomorrow.
        assert "The warm-up of mail.example.com spreads it over 2 days. The last message leaves between" in text
        rows = re.findall(r" 3 0 (\d) (\d)(?= )", text[text.index("When it leaves") : text.index("Under today's plan")])
        assert rows == [("3", "3"), ("1", "4")]
        assert "until somebody resumes it" not in text
    assert reads == ["hello"], "all who look share one forecast"
    assert "2日に分けて送信されます" in viewer.text("/tasks/hello", headers=JAPANESE)
    assert "When it leaves" not in viewer.text(f"/run/send_task__hello/{sent.run_id}")
    assert "When it leaves" not in viewer.text("/tasks/hello?occurrence=1")


def test_a_task_that_stands_still_says_what_a_resume_would_do(sent, user):
    user.post("/tasks/hello/pause")
    text = user.text("/tasks/hello")
    assert "stands still until somebody resumes it. If that happened now: All of it leaves on one day" in text
    user.post("/tasks/hello/cancel", confirmed="yes")
    assert "When it leaves" not in user.text("/tasks/hello")


def test_a_task_whose_domain_lost_its_plan_says_so_instead_of_days(sent, viewer, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", "{}")
    assert "mail.example.com: The Variable has no entry for this domain" in viewer.text("/tasks/hello")


def test_a_tab_of_a_run_is_about_that_run(sent, viewer):
    from urllib.parse import quote

    path = f"/run/send_task__hello/{quote(sent.run_id, safe='')}"
    text = viewer.text(path)
    assert "6 of 12 sent" in text
    assert "You see what this DAG run began" in text
    # As Airflow leaves it when nothing was encoded.
    assert "6 of 12 sent" in viewer.text(f"/run/send_task__hello/{sent.run_id}")
    other = viewer.text("/run/send_task__hello/manual__2026-11-24T10%3A00%3A00%2B00%3A00")
    assert "This DAG run has sent no mail." in other
    assert "Nothing was sent yet" in other


def test_a_form_of_a_runs_tab_leads_back_to_the_tab(sent, user):
    from urllib.parse import quote

    path = f"/run/send_task__hello/{quote(sent.run_id, safe='')}"
    back = re.search(
        r'action="/ses/tasks/hello/resume">\s*<input type="hidden" name="back" value="([^"]*)"', user.get(path).text
    )
    answer = user.post("/tasks/hello/resume", back=back[1])
    assert answer.headers["location"] == "/ses" + path
    assert "hello goes on." in user.text(path)


@pytest.mark.parametrize(
    ("dag", "words"),
    [
        ("some_other_dag", "This DAG sends no mail"),
        ("ses_test_send", "Test sends have no progress bar"),
        ("ses_maintenance", "looks after the mail"),
        ("send_task__gone", "This send task was deleted"),
    ],
)
def test_a_tab_of_a_dag_that_sends_no_task_is_friendly(dag, words, world, viewer):
    for path in (f"/dag/{dag}", f"/run/{dag}/manual__1"):
        assert words in viewer.text(path)


def test_a_task_that_does_not_exist_is_not_found(world, viewer):
    assert viewer.get("/tasks/nobody").status_code == 404
    assert viewer.get("/live/task/nobody").status_code == 404
    assert viewer.get("/tasks/nobody/messages.csv").status_code == 404
    world.seed("hello")
    assert viewer.get("/tasks/hello?occurrence=77").status_code == 404
    assert viewer.get("/tasks/hello?occurrence=-1&chunks=x&before=&after=..&status=evil").status_code == 200


def test_a_test_send_has_no_page(world, viewer):
    world.seed("hello")
    world.execute("UPDATE send_task SET type = 'test'")
    assert viewer.get("/tasks/hello").status_code == 404


def test_a_task_that_waits_says_when_it_starts_and_how_often(world, viewer):
    world.seed("hello", type="recurring", start_at="2099-01-01 09:00", every="7d", time_zone="Asia/Tokyo")
    text = viewer.text("/tasks/hello")
    assert "Starts Jan 1, 2099, 12:00:00" in text
    assert "(2099-01-08 09:00 in Asia/Tokyo)" in text
    assert "All of it leaves on one day of the warm-up of mail.example.com: from Jan 1, 2099, 12:00:00" in text
    assert "Nothing was sent yet" in text
    assert "Messages are listed here as soon as the task has started." in text


def test_the_forecast_leaves_the_suppressed_out_unless_the_group_is_huge(world, viewer, monkeypatch):

    from ses_ops.console.tasks import forecast

    world.seed("hello", count=4, type="recurring", start_at="2099-01-01 09:00", every="7d", time_zone="UTC")
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) SELECT address_key, 'x', 'manual' FROM"
        " recipient WHERE position = 1"
    )
    text = viewer.text("/tasks/hello")
    assert " 0 3 3 " in text
    assert "those on the suppression list too" not in text
    monkeypatch.setattr(forecast, "EXACT_UP_TO", 3)
    forecast._SEEN.forget()
    text = viewer.text("/tasks/hello")
    assert " 0 4 4 " in text
    assert "those on the suppression list too" in text


def test_an_error_says_what_to_do(world, user):
    world.seed("hello")
    world.execute("UPDATE send_task SET error = %s", f"the template has no variable city {HOSTILE}")
    page = user.get("/tasks/hello").text
    assert "Mend what this sentence says, then resume the task." in page
    assert "<script>alert" not in page
    assert "/tasks/hello/resume" in page


def test_a_start_that_was_missed_can_be_resumed_or_cancelled(world, user):
    world.seed("hello", type="scheduled", start_at="2099-01-01 09:00", time_zone="UTC")
    world.execute(
        "INSERT INTO occurrence (task_id, key, run_id, held_reason) SELECT id, 'once', 'r', 'its start was missed'"
        " FROM send_task"
    )
    page = user.get("/tasks/hello").text
    assert "Resume sends it now" in page
    assert 'action="/ses/tasks/hello/resume"' in page
    assert 'action="/ses/tasks/hello/cancel"' in page


def test_a_pause_by_a_person_is_said_with_who_and_why(sent, user):
    user.post("/tasks/hello/pause", reason=HOSTILE)
    page = user.get("/tasks/hello").text
    assert "Paused by a person since" in page
    assert "paused by user: &lt;script&gt;" in page


def test_a_pause_can_be_given_a_reason(world, user, viewer):
    world.seed("hello")
    for path in TABS:
        assert re.search(r'action="/ses/tasks/hello/pause">.*?name="reason"', user.get(path).text, re.DOTALL)
        assert 'name="reason"' not in viewer.get(path).text
    user.post("/tasks/hello/pause", reason="wrong price")
    page = user.get("/tasks/hello").text
    assert "paused by user: wrong price" in page
    assert 'name="reason"' not in page


def test_buttons_are_offered_to_those_who_may_press_them(sent, viewer, user):
    sent.execute("UPDATE chunk SET unknown = unknown + 1, sent = sent - 1 WHERE id = (SELECT min(id) FROM chunk)")
    for path in TABS:
        offered = set(re.findall(r'action="/ses/tasks/hello/([a-z-]+)"', user.get(path).text))
        assert offered >= {"resume", "cancel", "retry-failed", "resend-unknown", "assume-sent"}
        assert "/new-task?clone=hello" in user.get(path).text
        seen = viewer.get(path).text
        assert '<form method="post"' not in seen
        assert "/new-task?clone" not in seen
        assert "1 message in doubt" in seen


def test_a_person_without_the_right_to_read_the_dag_sees_nothing(world, viewer, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    world.seed("secret")
    manager = get_auth_manager()
    allowed = type(manager).is_authorized_dag

    def only_open(self, *, details=None, **more):
        return (details is None or details.id != "send_task__secret") and allowed(self, details=details, **more)

    monkeypatch.setattr(type(manager), "is_authorized_dag", only_open)
    for path in (
        *("/tasks/secret", "/dag/send_task__secret", "/run/send_task__secret/x", "/live/task/secret"),
        *("/tasks/secret/messages.csv", "/live/task/secret?tab=dag"),
    ):
        answer = viewer.get(path)
        assert answer.status_code == 403, path
        assert "customers" not in answer.text


@pytest.fixture
def doubtful(world):
    """A task that is done but for two messages in doubt."""
    world.seed("hello", count=4)
    world.freeze(world.run("hello"))
    world.execute("UPDATE message SET state = CASE WHEN seq > 2 THEN 'unknown' ELSE 'sent' END::message_state")
    world.execute("UPDATE chunk SET state = 'settled', pending = 0, sent = 2, unknown = 2")
    world.execute("UPDATE occurrence SET finished_at = now()")
    return world


def test_messages_in_doubt_are_sent_again_after_a_question(doubtful, user):
    question = user.post("/tasks/hello/resend-unknown", back="/tasks/hello")
    assert "may get it a second time" in question.text
    assert not doubtful.audit_log()
    user.post("/tasks/hello/resend-unknown", back="/tasks/hello", confirmed="yes")
    assert "2 messages in doubt of hello are sent again." in user.text("/tasks/hello")
    assert doubtful.overview("hello").unknown_count == 0
    assert doubtful.states() == {"sent": 2, "requeued": 2}
    (row,) = doubtful.audit_log()
    assert row["event"] == "ses_resolve_unknown"
    assert row["extra"] == {"task": "hello", "choice": "resend", "count": 2}


def test_messages_in_doubt_count_as_sent_after_a_question(doubtful, user):
    assert 'name="confirmed"' in user.post("/tasks/hello/assume-sent").text
    user.post("/tasks/hello/assume-sent", confirmed="yes", back="/tasks/hello")
    assert "2 messages in doubt of hello count as sent now." in user.text("/tasks/hello")
    assert doubtful.states() == {"sent": 4}
    assert doubtful.audit_log()[0]["extra"]["choice"] == "assume-sent"


def test_a_doubt_cannot_be_settled_while_its_chunk_is_sent(doubtful, user):
    doubtful.execute(
        "INSERT INTO sender_domain VALUES ('mail.example.com');"
        " INSERT INTO quota_day (sender_domain, starts_at, ends_at,"
        " number, allotment) VALUES ('mail.example.com', now(), now() + '1 day', 1, 100);"
        "UPDATE chunk SET state = 'reserved', run_id = 'r', quota_day_id = (SELECT id FROM quota_day)"
    )
    user.post("/tasks/hello/assume-sent", confirmed="yes", back="/tasks/hello")
    assert "is being sent; try again when it is done" in user.text("/tasks/hello")
    assert doubtful.overview("hello").unknown_count == 2


def listed(page: str) -> list[str]:
    return re.findall(r"<bdi>([^<]*)</bdi>", page)


def test_messages_are_found_by_address_and_filtered_by_status(sent, viewer):
    page = viewer.get("/tasks/hello?status=failed").text
    assert listed(page) == ["customers-3@customers.example", "customers-5@customers.example"]
    assert listed(viewer.get("/tasks/hello?address=%20CUSTOMERS-4@customers.example").text) == [
        "customers-4@customers.example"
    ]
    assert "No message fits this search." in viewer.text("/tasks/hello?address=ann@example.com")
    part = viewer.get("/tasks/hello?address=S-1&status=sent").text
    assert listed(part) == ["customers-1@customers.example"]
    assert 'value="S-1"' in part
    assert viewer.get("/tasks/hello?address=%25&after=1.2147483647").status_code == 200


def test_a_search_that_has_not_come_to_its_end_says_so(sent, viewer, monkeypatch):
    from ses_ops.storage.ledger import messages

    monkeypatch.setattr(messages, "MOST_LOOKED_AT", 4)
    assert "There are more." in viewer.text("/tasks/hello?address=s-7@")
    found = viewer.text("/tasks/hello?address=s-7@&after=1.4")
    assert "customers-7@customers.example" in found
    assert "at most, so it can be short" in found
    assert "There are no more messages." in viewer.text("/tasks/hello?address=s-7@&after=1.8")


def test_pages_of_messages_follow_by_key_and_keep_the_search(sent, viewer, monkeypatch):
    from ses_ops.console.tasks import messages as message_lines

    monkeypatch.setattr(message_lines, "SIZE", 5)

    def turned(page: str, way: str) -> str | None:
        found = re.search(rf'rel="{way}" href="/ses([^"#]*)', page)
        return viewer.get(found[1].replace("&amp;", "&")).text if found else None

    pages = [viewer.get("/tasks/hello").text]
    while following := turned(pages[-1], "next"):
        pages.append(following)
    everybody = [f"customers-{n}@customers.example" for n in range(1, 13)]
    assert [listed(page) for page in pages] == [everybody[:5], everybody[5:10], everybody[10:]]
    middle = turned(pages[2], "prev")
    assert listed(middle) == everybody[5:10]
    assert listed(turned(middle, "next")) == everybody[10:]
    assert listed(turned(middle, "prev")) == everybody[:5]
    assert turned(turned(middle, "prev"), "prev") is None
    page = viewer.get("/tasks/hello?status=sent&through=1.12").text
    assert "status=sent&amp;through=" in page
    page = viewer.get("/tasks/hello?status=sent").text
    assert "status=sent&amp;after=" in page


def test_an_export_has_what_the_list_has_and_nothing_that_a_spreadsheet_runs(sent, viewer):
    sent.execute("UPDATE message SET address = '=cmd|''/c calc''!A0@x.example' WHERE seq = 3")
    sent.execute("UPDATE message SET smtp_text = '+SUM(1)' WHERE seq = 5")
    answer = viewer.get("/tasks/hello/messages.csv?status=failed")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="hello-messages-')
    assert answer.content.startswith(b"\xef\xbb\xbf"), "Excel takes it for something else without"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["status"] for row in rows] == ["failed", "failed"]
    assert rows[0]["address"] == "'=cmd|'/c calc'!A0@x.example"
    assert rows[1]["answer"] == "'+SUM(1)"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", rows[0]["changed_at"])
    everything = viewer.get("/tasks/hello/messages.csv").content.decode("utf-8-sig")
    assert everything.count("\r\n") == 13
    part = viewer.get("/tasks/hello/messages.csv?address=customers-1").content.decode("utf-8-sig")
    assert part.count("\r\n") == 5, "the header, 1, 10, 11 and 12"


def test_an_export_reads_batch_after_batch(sent, viewer, monkeypatch):
    from ses_ops.console.tasks import export as message_export

    whole = viewer.get("/tasks/hello/messages.csv").content
    monkeypatch.setattr(message_export, "BATCH", 5)
    assert viewer.get("/tasks/hello/messages.csv").content == whole


def turned(page: str, way: str) -> str | None:
    """Where the link to older ("next") or newer ("prev") starts leads."""
    (section,) = re.findall(r'id="occurrences-heading".*?</section>', page, re.DOTALL)
    found = re.search(rf'rel="{way}" href="/ses([^"]*)"', section)
    return unescape(found[1]) if found else None


def test_a_recurring_task_lists_its_starts_and_can_be_narrowed_to_one(world, viewer):
    world.seed("weekly", count=3, type="recurring", start_at="2099-01-01 09:00", every="1d", time_zone="UTC")
    from datetime import UTC, datetime

    world.started_at("weekly", datetime(2026, 1, 1, tzinfo=UTC))
    for day in range(1, 26):
        world.freeze(world.run("weekly", RunKind.SCHEDULED, logical_at=datetime(2026, 1, day, tzinfo=UTC)))
    world.execute("UPDATE occurrence SET held_reason = NULL")
    page = viewer.get("/tasks/weekly").text
    links = re.findall(r"occurrence=(\d+)", page)
    assert len(links) == 10
    assert turned(page, "prev") is None
    older = viewer.get(turned(page, "next")).text
    oldest = viewer.get(turned(older, "next")).text
    assert len(set(re.findall(r"occurrence=(\d+)", oldest))) == 5
    assert turned(oldest, "next") is None
    back = viewer.get(turned(oldest, "prev")).text
    assert re.findall(r"occurrence=(\d+)", back) == re.findall(r"occurrence=(\d+)", older)
    assert re.findall(r"occurrence=(\d+)", viewer.get(turned(back, "prev")).text) == links
    one = viewer.text(f"/tasks/weekly?occurrence={links[0]}")
    assert "You see only start 25, of Jan 25, 2026" in one


def test_the_page_is_in_japanese_when_the_browser_asks_for_it(sent, viewer):
    page = viewer.get("/tasks/hello", headers=JAPANESE).text
    assert "送信数の推移" in page
    assert "12通中 6通送信済み" in page
    assert "mail.example.com の本日の割り当て 8通を使い切りました" in page


def test_hostile_values_are_text_everywhere(sent, user):
    sent.execute("UPDATE message SET address = %s, smtp_text = %s", HOSTILE, HOSTILE)
    sent.execute("UPDATE send_task SET subject = %s, sender = %s, template = %s", HOSTILE, HOSTILE, HOSTILE)
    sent.execute("UPDATE chunk SET reason = %s", HOSTILE)
    sent.execute("UPDATE occurrence SET held_reason = %s, run_id = %s", HOSTILE, HOSTILE)
    for path in (*TABS, "/live/task/hello", "/tasks/hello?status=failed", "/tasks/hello?address=" + HOSTILE):
        page = user.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img" not in page.text


def test_an_open_page_is_told_only_what_changed_and_shares_what_was_read(sent, viewer, user, monkeypatch):
    from ses_ops.console.tasks import snapshot

    monkeypatch.setattr(snapshot._SEEN, "_age", 60)
    snapshot._SEEN.forget()
    first = viewer.get("/live/task/hello")
    assert viewer.get("/live/task/hello", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    reads = []
    read = snapshot._SEEN._read
    monkeypatch.setattr(snapshot._SEEN, "_read", lambda conn, part: reads.append(part) or read(conn, part))
    for client in (viewer, user, viewer):
        client.get("/live/task/hello")
    assert reads == []
