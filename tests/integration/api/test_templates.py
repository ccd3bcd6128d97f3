"""Templates over HTTP: made, written anew, looked at, used; a state that was not read is not replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key, rows
from tests.integration.api.sending_api import message, sending_api
from tests.recording_smtp import RecordingServer

PATH = "/v1/templates"
TEXTS = {"subject": "Your order {{ number }}", "text": "Thank you for {{ number }}.\n"}


@pytest.fixture(scope="module")
def relay() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture(scope="module")
def api(api_dsn, tmp_path_factory, relay) -> Iterator[ApiProcess]:
    folder = tmp_path_factory.mktemp("templates")
    for name in ("aaa", "newsletter"):
        (folder / name).mkdir()
        (folder / name / "subject.txt").write_text("News for {{ name }}\n")
        (folder / name / "body.html").write_text("<p>Hello {{ name }}</p>\n")
        (folder / name / "sample.json").write_text(json.dumps({"name": "Ann"}))
    process = sending_api(api_dsn, tmp_path_factory.mktemp("api") / "home", relay.uri, SES_TEMPLATES=str(folder))
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def client(api):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        made = new_key(api.dsn, "writer")
    with api.client(made) as client:
        yield client


def test_a_template_is_made_used_and_deleted(client, relay, api):
    made = client.post(PATH, json={"name": "order", **TEXTS})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"{PATH}/order"
    said = made.json()
    assert (said["origin"], said["version"], said["variables"]) == ("stored", 1, ["number"])
    assert client.get(f"{PATH}/order").json() == said
    asked = {**message("ann@example.com"), "template": "order", "values": {"number": "4711"}}
    del asked["text"], asked["subject"]
    answer = client.post("/v1/messages", json=asked)
    assert answer.status_code == 202, answer.text
    shown = client.get(answer.headers["location"]).json()
    assert (shown["template"], shown["template_version"]) == ("order", 1)
    assert client.delete(f"{PATH}/order").status_code == 204
    assert client.get(f"{PATH}/order").status_code == 404
    assert client.post("/v1/messages", json=asked).status_code in (202, 422)  # another second it may be known
    assert rows(api.dsn, "SELECT count(*) FROM stored_template WHERE deleted_at IS NOT NULL") == [(1,)]


def test_put_makes_a_template_and_then_versions_of_it(client):
    first = client.put(f"{PATH}/receipt", json=TEXTS)
    assert (first.status_code, first.json()["version"]) == (201, 1), first.text
    second = client.put(f"{PATH}/receipt", json={**TEXTS, "html": "<p>{{ number }} {{ name }}</p>"})
    assert (second.status_code, second.json()["version"]) == (200, 2)
    assert second.json()["variables"] == ["name", "number"]
    equal = client.put(f"{PATH}/receipt", json={**TEXTS, "html": "<p>{{ number }} {{ name }}</p>"})
    assert equal.json()["version"] == 2
    assert [one["version"] for one in client.get(f"{PATH}/receipt/versions").json()["data"]] == [2, 1]
    assert client.get(f"{PATH}/receipt", params={"version": 1}).json()["html"] is None


def test_a_state_that_was_not_read_is_not_replaced(client):
    client.put(f"{PATH}/guarded", json=TEXTS)
    tag = client.get(f"{PATH}/guarded").headers["etag"]
    other = {**TEXTS, "text": "Other {{ number }}\n"}
    assert client.put(f"{PATH}/guarded", json=other, headers={"If-None-Match": "*"}).status_code == 412
    assert client.put(f"{PATH}/guarded", json=other, headers={"If-Match": '"else"'}).status_code == 412
    assert client.put(f"{PATH}/guarded", json=other, headers={"If-Match": tag}).status_code == 200
    late = client.put(f"{PATH}/guarded", json=TEXTS, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert client.delete(f"{PATH}/guarded", headers={"If-Match": tag}).status_code == 412
    assert client.get(f"{PATH}/guarded").json()["text"] == other["text"]
    assert client.put(f"{PATH}/nobody", json=TEXTS, headers={"If-Match": "*"}).status_code == 412


def test_those_of_the_folder_are_listed_shown_and_never_written(client):
    for number in range(3):
        client.put(f"{PATH}/list-{number}", json=TEXTS)
    everything = client.get(PATH, params={"limit": 500}).json()["data"]
    names = [one["name"] for one in everything]
    assert names[:2] == ["aaa", "newsletter"]
    seen, cursor = [], None
    while True:
        page = client.get(PATH, params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        seen += [one["name"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == names
    shown = client.get(f"{PATH}/newsletter").json()
    assert (shown["origin"], shown["variables"], shown["version"]) == ("folder", ["name"], None)
    assert client.put(f"{PATH}/newsletter", json=TEXTS).status_code in (404, 409)
    assert client.delete(f"{PATH}/newsletter").status_code == 404


def test_a_preview_shows_the_mail_and_sends_nothing(client, relay):
    before = relay.total
    client.put(f"{PATH}/shown", json={**TEXTS, "html": "<b>{{ number }}</b>"})
    seen = client.post(f"{PATH}/shown/preview", json={"values": {"number": "<1>"}})
    assert seen.status_code == 200, seen.text
    assert (seen.json()["subject"], "<b>&lt;1&gt;</b>" in seen.json()["html"]) == ("Your order <1>", True)
    assert client.post(f"{PATH}/newsletter/preview", json={}).json()["subject"] == "News for Ann"
    assert client.post(f"{PATH}/shown/preview", json={"values": {}}).status_code in (400, 422)
    assert client.post(f"{PATH}/nobody/preview", json={}).status_code == 404
    assert relay.total == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"subject": "x"}, "text"),
        ({"text": "{{ open"}, "text"),
        ({"text": "{% for a in b %}", "subject": "x"}, "text"),
        ({"text": 1}, "text"),
        ({"text": "x", "colour": "red"}, "colour"),
        ({"text": "x", "subject": "a\r\nBcc: x"}, "subject"),
        ({"html": "{{ ''.__class__ }}", "subject": "x"}, "html"),
        ([], None),
    ],
)
def test_a_template_of_which_no_mail_can_be_made_is_not_written(client, fields, field):
    answer = client.put(f"{PATH}/wrong", json=fields)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json().get("field") == field, answer.text
    assert client.get(f"{PATH}/wrong").status_code == 404


@pytest.mark.parametrize("name", ["..", "a%2Fb", "A", "%00", "x" * 250])
def test_an_odd_name_is_no_template(client, name):
    assert client.put(f"{PATH}/{name}", json=TEXTS).status_code in (400, 404, 405), name
    assert client.get(f"{PATH}/{name}").status_code in (200, 400, 404), name
