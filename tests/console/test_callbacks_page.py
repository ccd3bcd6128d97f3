"""The pages of callbacks: endpoints are added, shown, paused, tried and replayed, and no secret is shown twice."""

from __future__ import annotations

import re

import pytest

from ses_ops.application.callbacks import endpoint_decisions as decisions
from ses_ops.domain.callback_target import parse_networks
from ses_ops.domain.message_event import EventKind
from tests.integration.callbacks.delivering import SOMEBODY
from tests.integration.events.mailing import sent

SECRET_URL = "http://127.0.0.1:9/hook/very-secret?token=tok-9f3"


@pytest.fixture
def allowed(monkeypatch):
    monkeypatch.setenv("SES_CALLBACK_ALLOW", "127.0.0.0/8")


@pytest.fixture
def endpoint(world, allowed):
    new = decisions.NewEndpoint(name="crm", url=SECRET_URL)
    return decisions.add(world.conn, SOMEBODY, new, allowed=parse_networks("127.0.0.0/8", where=""))


def test_an_endpoint_is_added_and_its_secret_is_shown_once(world, admin, allowed):
    assert "There is no endpoint yet." in admin.text("/callbacks")
    page = admin.post("/new-callback", name="crm", url=SECRET_URL, format="native", kind="bounced")
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", page.text.replace("&#43;", "+")))
    for path in ("/callbacks", "/callbacks/crm"):
        text = admin.get(path).text
        assert "http://127.0.0.1:9/" in text
        assert not {one for one in (secret, "very-secret", "tok-9f3") if one in text}
    assert world.rows("SELECT name, kinds, created_by FROM callback_endpoint") == [("crm", ["bounced"], "admin")]
    assert "secret" not in str(world.audit_log()).replace("callback_secret", "")


@pytest.mark.parametrize(
    ("name", "url", "said"),
    [
        ("crm", "http://169.254.169.254/latest", "is in a private network"),
        ("crm", "ftp://example.com/", "not an http or https address"),
        ("crm", "https://user:password@example.com/", "must not have a user and a password"),
        ("C R M", "http://127.0.0.1:9/", "lower case letters"),
    ],
)
def test_what_cannot_be_an_endpoint_is_said_beside_its_field_and_nothing_is_added(
    world, admin, allowed, name, url, said
):
    page = admin.post("/new-callback", name=name, url=url, format="native")
    assert page.status_code == 422
    assert said in page.text
    assert world.rows("SELECT count(*)::int FROM callback_endpoint") == [(0,)]


def test_it_is_paused_resumed_tried_and_removed_with_entries_in_the_audit_log(world, admin, endpoint):
    for act in ("pause", "resume", "test"):
        assert admin.post(f"/callbacks/crm/{act}").status_code == 303
    assert world.rows("SELECT kind FROM callback_waiting") == [("test",)]
    assert admin.post("/callbacks/crm/remove").status_code == 200, "it asks first"
    assert admin.post("/callbacks/crm/remove", confirmed="yes").status_code == 303
    assert admin.get("/callbacks/crm").status_code == 404
    assert world.rows("SELECT url, secret FROM callback_endpoint")[0][0] == "http://127.0.0.1:9/…"
    events = {row["event"].removeprefix("ses_") for row in world.audit_log()}
    acts = {"pause_callback_endpoint", "resume_callback_endpoint", "test_callback_endpoint", "remove_callback_endpoint"}
    assert events >= acts


def test_a_new_secret_is_asked_for_and_shown_once(world, admin, endpoint):
    assert "whsec_" not in admin.post("/callbacks/crm/rotate").text
    page = admin.post("/callbacks/crm/rotate", confirmed="yes").text
    assert "whsec_" in page
    assert endpoint.secret not in page
    assert "Two secrets until" in admin.text("/callbacks/crm")


def test_the_last_posts_stand_there_with_their_answers_and_can_be_made_again(world, admin, viewer, endpoint):
    mailing = sent(world, "spring", ["anna@example.org", "bob@example.org"])
    mailing.record(mailing.event(1, EventKind.DELIVERED), mailing.event(2, EventKind.COMPLAINED))
    world.execute(
        "WITH gone AS (DELETE FROM callback_waiting RETURNING *)"
        " INSERT INTO callback_delivery (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind, entered_at,"
        "   outcome, tries, status, answer)"
        " SELECT endpoint_id, event_key, occurred_at, occurrence_id, seq, kind, entered_at,"
        "   CASE kind WHEN 'delivered' THEN 'delivered' ELSE 'failed' END, 8, 500, '<b>no</b>' FROM gone"
    )
    page = viewer.get("/callbacks/crm").text
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert "Post again" not in page, "who only looks cannot replay"
    assert "failed for good" in viewer.text("/callbacks")
    replayed = {"since": "2026-11-01", "not_delivered": "yes"}
    assert admin.post("/callbacks/crm/replay", **replayed).status_code == 303
    assert world.rows("SELECT kind FROM callback_waiting") == [("complained",)]
    ((key,),) = world.rows("SELECT event_key::text FROM callback_delivery WHERE kind = 'delivered'")
    assert admin.post("/callbacks/crm/replay", event=key).status_code == 303
    assert admin.post("/callbacks/crm/replay", event=key).status_code == 303, "what waits is not doubled"
    assert world.rows("SELECT kind FROM callback_waiting ORDER BY 1") == [("complained",), ("delivered",)]
    refused = admin.post("/callbacks/crm/replay", event="nonsense")
    assert (refused.status_code, "is not the id of an event" in refused.text) == (422, True)


def test_the_overview_says_that_an_endpoint_was_stopped(world, viewer, endpoint):
    assert "Events are not posted" not in viewer.text("/")
    world.execute("UPDATE callback_endpoint SET stopped_at = now(), stopped_why = 'it answered 410'")
    text = viewer.text("/")
    assert "Events are not posted" in text
    assert "crm was stopped" in text
