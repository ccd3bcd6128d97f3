"""Test sends: what the form refuses, the run that it starts, and what became of each message."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from ses_ops.domain.warmup import QuotaPlans
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.console.console_world import visible_text
from tests.integration.sending_world import quota
from tests.recording_smtp import RecordingServer

FORM = {
    "recipients": "Ann@customers.example\nben@customers.example",
    "sender": "Example <news@mail.example.com>",
    "subject": "",
    "v.name": "Ann",
}
PATH = "/templates/hello/test"


@pytest.fixture
def dags(world, airflow_db):
    """Airflow has read the DAG of test sends."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    (bundle,) = manager.get_all_dag_bundles()
    file = bundle.path / "ses_test_send.py"
    bag = BundleDagBag(dag_folder=str(file), bundle_path=bundle.path, bundle_name=bundle.name)
    sync_bag_to_db(bag, bundle.name, bundle.version)


def post(person, **changes: str) -> Any:
    return person.post(PATH, **{**FORM, **changes})


def runs() -> list[Any]:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = list(session.scalars(select(DagRun).where(DagRun.dag_id == "ses_test_send")))
        session.expunge_all()
        return found


def set_run_state(state: str) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(update(DagRun).values(state=state))


def send(world, run_id: str, *, limit: int = 1_000_000, uri: str = "smtp://127.0.0.1:1/?tls=none") -> None:
    """What the run does."""
    from ses_ops.application.test_sends import TestSend, test_send

    (run,) = runs()
    test_send(
        world.dsn,
        TestSend(**run.conf),
        run_id=run_id,
        plans=QuotaPlans.parse(quota(limit)),
        smtp=smtp_settings_from_connection_uri(uri),
        templates_root=world.templates,
        stop=threading.Event(),
    )


def test_the_form_begins_with_the_last_sender_and_the_values_of_the_look(world, user):
    world.seed("hello", sender="Shop <shop@mail.example.com>")
    page = user.get(f"{PATH}?v.name=Zoë").text
    assert 'value="Shop &lt;shop@mail.example.com&gt;"' in page
    assert 'value="Zoë"' in page
    assert "At most 20 addresses" in visible_text(page)
    assert "mail.example.com" in page


def test_a_good_form_starts_the_run_and_is_in_the_audit_log(world, user, dags):
    answer = post(user, recipients="ann@customers.example, ANN@customers.example;ben@customers.example")
    assert answer.status_code == 303, visible_text(answer.text)
    (run,) = runs()
    assert answer.headers["location"] == f"/ses/test-sends/{run.run_id}"
    assert run.conf == {
        "template": "hello",
        "sender": "Example <news@mail.example.com>",
        "recipients": ["ann@customers.example", "ben@customers.example"],
        "subject": None,
        "values": {"name": "Ann"},
    }
    assert run.triggering_user_name == "user"
    (row,) = world.audit_log()
    assert (row["event"], row["owner"]) == ("ses_test_send", "user")
    assert row["extra"]["run"] == run.run_id
    assert "values" not in row["extra"]


def test_what_cannot_be_sent_stands_beside_its_field_and_starts_nothing(world, user, dags, monkeypatch):
    many = "\n".join(f"a{n}@customers.example" for n in range(21))
    for change, field, words in (
        ({"recipients": many}, "recipients", "These are 21 addresses; at most 20"),
        ({"recipients": ""}, "recipients", "Write at least one address"),
        ({"recipients": "ann"}, "recipients", "has no @"),
        ({"sender": ""}, "sender", "Write who the mail is from"),
        ({"sender": "nobody"}, "sender", "has no @"),
        ({"sender": "a@other.example"}, "sender", "has no entry for this domain"),
        ({"subject": "x" * 999}, "subject", "At most 998 characters"),
        ({"subject": "Hi {{ city }}"}, "subject", "The template has no variable city"),
        ({"subject": "Hi {{ name"}, "subject", "unexpected end"),
    ):
        answer = post(user, **change)
        assert answer.status_code == 422, change
        assert words in visible_text(answer.text), change
        assert f'id="{field}-error"' in answer.text, change
        assert "Ann@customers.example" in answer.text or field == "recipients", "what was typed is still there"
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(1)))
    assert "has room for 1 more messages" in visible_text(post(user).text)
    assert not runs()
    assert not world.audit_log()


def test_a_dag_that_is_paused_or_not_read_yet_is_said_before_anything_is_started(world, user):
    assert "Airflow has not read the DAG ses_test_send yet" in visible_text(post(user).text)
    assert not world.audit_log()


def test_a_dag_that_is_paused_is_said(world, user, dags):
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.get(DagModel, "ses_test_send").is_paused = True
    assert "The DAG ses_test_send is paused in Airflow" in visible_text(post(user).text)
    assert not runs()


def test_a_form_that_airflow_itself_refuses_is_shown_with_its_reason(world, user, dags):
    folder = world.templates / "newer"
    folder.mkdir()
    (folder / "subject.txt").write_text("New")
    (folder / "body.txt").write_text("New")
    answer = user.post("/templates/newer/test", **FORM)
    assert answer.status_code == 422
    assert "Airflow refused it, try again in a minute" in visible_text(answer.text)
    assert not runs()


def test_the_result_follows_each_message(world, user, viewer, dags):
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) VALUES ('ben@customers.example', 'ben', 'manual')"
    )
    run_id = post(user).headers["location"].rpartition("/")[2]
    waiting = viewer.text(f"/test-sends/{run_id}")
    assert "Airflow starts the run within a few seconds" in waiting
    assert f'href="/dags/ses_test_send/runs/{run_id}"' in viewer.get(f"/test-sends/{run_id}").text
    with RecordingServer() as server:
        send(world, run_id, uri=server.uri)
    set_run_state("success")
    text = viewer.text(f"/live/test-sends/{run_id}")
    assert "Ann@customers.example sent" in text
    assert "ben@customers.example suppressed" in text
    assert "This address is on the suppression list." in text
    assert "1 of 2 messages were sent." in text
    tag = viewer.get(f"/live/test-sends/{run_id}").headers["etag"]
    assert viewer.get(f"/live/test-sends/{run_id}", headers={"If-None-Match": tag}).status_code == 304


def test_all_sent_is_good_news(world, user, dags):
    run_id = post(user).headers["location"].rpartition("/")[2]
    with RecordingServer() as server:
        send(world, run_id, uri=server.uri)
    assert "All 2 messages were accepted by the mail server." in user.text(f"/test-sends/{run_id}")


def test_over_the_quota_nothing_was_sent_and_the_page_says_why(world, user, dags):
    from ses_ops.errors import QuotaExhausted

    run_id = post(user).headers["location"].rpartition("/")[2]
    with pytest.raises(QuotaExhausted):
        send(world, run_id, limit=1)
    set_run_state("failed")
    text = user.text(f"/test-sends/{run_id}")
    assert "Nothing was sent: today's quota of mail.example.com has no room" in text


def test_a_run_that_failed_before_it_began_points_to_its_log(world, user, dags):
    run_id = post(user).headers["location"].rpartition("/")[2]
    set_run_state("failed")
    assert "its log in Airflow has the reason" in user.text(f"/test-sends/{run_id}")


def test_who_may_not_see_the_dag_of_test_sends_sees_no_result(world, user, viewer, dags, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager

    run_id = post(user).headers["location"].rpartition("/")[2]
    manager = type(get_auth_manager())
    allowed = manager.is_authorized_dag

    def others(self, *, details=None, **more):
        return (details is None or details.id != "ses_test_send") and allowed(self, details=details, **more)

    monkeypatch.setattr(manager, "is_authorized_dag", others)
    assert viewer.get(f"/test-sends/{run_id}").status_code == 403
    assert viewer.get(f"/live/test-sends/{run_id}").status_code == 403


def test_the_mailbox_of_make_run_is_linked_where_this_browser_can_open_it(world, user, dags, monkeypatch):
    from ses_ops import settings

    smtp = "smtp://127.0.0.1:1025/?tls=none"
    stack = {
        "db_dsn": world.dsn,
        "airflow_db_dsn": "",
        "smtp_uri": smtp,
        "web_url": "http://127.0.0.1:8080",
        "mailbox_url": "http://127.0.0.1:8025",
    }
    settings.stack_file().parent.mkdir(parents=True)
    settings.stack_file().write_text(json.dumps(stack))
    monkeypatch.setenv("AIRFLOW_CONN_SES_SMTP", smtp)
    run_id = post(user).headers["location"].rpartition("/")[2]
    with RecordingServer() as server:
        send(world, run_id, uri=server.uri)
    link = 'href="http://127.0.0.1:8025/'
    path = f"/ses/test-sends/{run_id}"
    assert link not in user.http.get(path).text, "console.example is not this machine: its browser cannot open it"
    here = user.http.get(path, headers={"Host": "localhost:8080"}).text
    assert f'{link}"' in here
    assert f'{link}?to=Ann%40customers.example"' in here or f'{link}?to=Ann@customers.example"' in here
    assert link in user.http.get("/ses/templates", headers={"Host": "127.0.0.1:8080"}).text
    monkeypatch.setenv("AIRFLOW_CONN_SES_SMTP", "smtp://mail.example.com:587")
    assert link not in user.http.get(path, headers={"Host": "localhost:8080"}).text, "mail goes elsewhere"
