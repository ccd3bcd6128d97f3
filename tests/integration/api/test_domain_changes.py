"""Sender domains over HTTP: what a person decides on their page, a program with a key that manages them can too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key, rows
from tests.integration.api.sending_api import CODES, NEWS, PLAN, message, sending_api
from tests.recording_smtp import RecordingServer

PATH = f"/v1/domains/{CODES}"


@pytest.fixture(scope="module")
def relay() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture(scope="module")
def api(api_dsn, tmp_path_factory, relay) -> Iterator[ApiProcess]:
    process = sending_api(api_dsn, tmp_path_factory.mktemp("api") / "home", relay.uri)
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def client(api):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        made = new_key(api.dsn, "manager", domains=(CODES,))
    with api.client(made) as client:
        yield client


def decided(client, **fields):
    return client.post(f"{PATH}/decisions", json={"reason": "a test", **fields})


def until_it_answers(client, status):
    """A process looks at the blocks every two seconds."""
    ends = time.monotonic() + 60
    while (answer := client.post("/v1/messages", json=message(f"{uuid4()}@example.com"))).status_code != status:
        assert time.monotonic() < ends, answer.text
        time.sleep(0.1)
    return answer


def test_where_bounces_go_is_changed_and_taken_back(client):
    set_to = client.patch(PATH, json={"bounce_domain": "Bounces.Example.com"})
    assert (set_to.status_code, set_to.json()["bounce_domain"]) == (200, "bounces.example.com"), set_to.text
    late = client.patch(PATH, json={"bounce_domain": None}, headers={"If-Match": '"else"'})
    assert late.status_code == 412
    tag = client.get(PATH).headers["etag"]
    cleared = client.patch(PATH, json={"bounce_domain": None}, headers={"If-Match": tag})
    assert (cleared.status_code, cleared.json()["bounce_domain"]) == (200, None)
    assert client.patch(PATH, json={"track": {"opens": "yes"}}).json()["field"] == "track"
    assert client.patch(PATH, json={"bounce_domain": "no domain"}).status_code == 400
    assert client.patch(f"/v1/domains/{NEWS}", json={"bounce_domain": None}).status_code == 403


def test_a_blocked_domain_takes_no_message_until_it_is_released(client):
    blocked = decided(client, action="block")
    assert blocked.status_code == 200, blocked.text
    assert blocked.json()["quota"]["today"]["limited_by"] == "block"
    refused = until_it_answers(client, 429)
    assert refused.json()["code"] == "sender_domain_blocked_for_good"
    assert decided(client, action="release").status_code == 200
    until_it_answers(client, 202)
    again = decided(client, action="release")
    assert (again.status_code, again.json()["code"]) == (409, "sender_domain_has_no_block")


def test_decisions_are_kept_with_their_reason(client):
    assert decided(client, action="cap", level=8).status_code == 200
    assert decided(client, action="uncap").status_code == 200
    newest = client.get(f"{PATH}/decisions").json()["data"]
    assert [one["kind"] for one in newest[:2]] == ["cap", "cap"]
    assert newest[0]["reason"] == "a test"
    assert newest[0]["by"] == "manager (API key)"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"action": "praise"}, "action"),
        ({"action": "pin"}, "level"),
        ({"action": "pin", "level": True}, "level"),
        ({"action": "block", "level": 3}, "level"),
        ({"action": "cap", "level": 8, "today": True}, "today"),
        ({"action": "block", "today": "yes"}, "today"),
        ({"action": "block", "reason": " "}, "reason"),
        ({"action": "block", "reason": "x" * 501}, "reason"),
        ({"action": ["pin"]}, "action"),
    ],
)
def test_a_wrong_decision_changes_nothing(client, fields, field):
    before = client.get(f"{PATH}/decisions").json()
    answer = decided(client, **fields)
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert client.get(f"{PATH}/decisions").json() == before


def test_a_level_out_of_bounds_is_refused(client):
    assert decided(client, action="pin", level=21).status_code == 400


def test_a_plan_is_shown_and_its_change_is_asked_of_airflow(client, api):
    shown = client.get(f"{PATH}/plan")
    assert shown.json() == {"domain": CODES, "entry": PLAN}
    entry = {**PLAN, "daily_limit": 500}
    assert client.put(f"{PATH}/plan", json=entry, headers={"If-Match": '"else"'}).status_code == 412
    asked = client.put(f"{PATH}/plan", json=entry, headers={"If-Match": shown.headers["etag"]})
    assert (asked.status_code, asked.json()["status"]) == (202, "asked"), asked.text
    kinds = rows(api.dsn, "SELECT subject, facts->'entry' FROM airflow_request WHERE kind = 'quota_entry'")
    assert kinds == [(CODES, entry)]
    wrong = client.put(f"{PATH}/plan", json={**PLAN, "plan": [0.5]})
    assert wrong.status_code == 422, wrong.text
    assert wrong.json()["field"] == "plan"
    assert client.put(f"/v1/domains/{NEWS}/plan", json=entry).status_code == 403
