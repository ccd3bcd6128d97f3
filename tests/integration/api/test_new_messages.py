"""Messages over HTTP: accepted, sent, and sent once, however often a client asks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, bearer, new_key, rows
from tests.integration.api.sending_api import CODES, NEWS, SMALL, message, sending_api
from tests.recording_smtp import RecordingServer

PATH = "/v1/messages"


@pytest.fixture(scope="module")
def relay() -> Iterator[RecordingServer]:
    with RecordingServer(refuse=lambda rcpt: b"550 5.1.1 no such user" if "nobody" in rcpt else None) as server:
        yield server


@pytest.fixture(scope="module")
def copies(api_dsn, tmp_path_factory, relay) -> Iterator[list[ApiProcess]]:
    """Two copies side by side."""
    made = [sending_api(api_dsn, tmp_path_factory.mktemp("api") / "home", relay.uri) for _ in range(2)]
    for one in made:
        one.launch()
    for one in made:
        one.wait()
    yield made
    for one in made:
        one.kill()


@pytest.fixture(scope="module")
def key(copies):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        return new_key(copies[0].dsn, "shop", scopes=("send", "read"), domains=(CODES, SMALL))


@pytest.fixture(scope="module")
def client(copies, key):
    with copies[0].client(key) as client:
        yield client


def until(found, what="it", seconds=60.0):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen")


def sent(client, fields, **headers):
    return client.post(PATH, json=fields, headers=headers)


def problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code, answer.text
    return answer.json()


def test_a_message_is_accepted_sent_and_shown(client, relay):
    answer = sent(client, message("first@example.com", reference="order-1", tags=["code"]))
    assert answer.status_code == 202, answer.text
    said = answer.json()
    assert UUID(said["id"]).version == 7
    assert (said["status"], said["recipients"]) == (
        "accepted",
        [{"address": "first@example.com", "kind": "to", "status": "queued"}],
    )
    assert answer.headers["location"] == f"/v1/messages/{said['id']}"
    assert "ratelimit-remaining" in answer.headers
    until(lambda: relay.accepted["first@example.com"] == 1, "the mail")
    shown = until(
        lambda: (one := client.get(answer.headers["location"]).json())["status"] == "sent" and one, "the status sent"
    )
    assert (shown["reference"], shown["tags"], shown["from"]) == ("order-1", ["code"], f"Codes <codes@{CODES}>")
    assert [one["kind"] for one in shown["timeline"]] == ["accepted", "sent"]
    assert client.get(PATH, params={"reference": "order-1"}).json()["data"][0]["id"] == said["id"]


def test_what_the_server_says_is_shown_in_its_words(client, copies):
    said = sent(client, message("nobody@example.com")).json()
    shown = until(
        lambda: (one := client.get(f"{PATH}/{said['id']}").json())["status"] == "failed" and one, "the refusal"
    )
    assert shown["recipients"][0]["smtp_code"] == 550
    assert "no such user" in shown["recipients"][0]["words"]
    # A hard bounce: the address is suppressed from now on.
    found = "SELECT 1 FROM suppression WHERE address = 'nobody@example.com'"
    until(lambda: rows(copies[0].dsn, found), "the suppression")
    answer = sent(client, message("nobody@example.com"))
    problem(answer, 422, "recipient_suppressed")
    both = sent(client, message(["nobody@example.com", "somebody@example.com"])).json()
    assert [one["status"] for one in both["recipients"]] == ["suppressed", "queued"]


def test_an_equal_request_has_the_first_answer_and_mails_nothing(client, relay, copies, key):
    fields = message("once@example.com")
    first = sent(client, fields, **{"Idempotency-Key": "order-2"})
    turned = dict(reversed(fields.items()))
    with copies[1].client(key) as other:
        again = [
            sent(one, body, **{"Idempotency-Key": "order-2"}) for one in (client, other) for body in (fields, turned)
        ]
    assert [one.status_code for one in (first, *again)] == [202] * 5
    assert {one.content for one in again} == {first.content}
    assert {one.headers["idempotency-replayed"] for one in again} == {"true"}
    assert "idempotency-replayed" not in first.headers
    assert again[0].headers["location"] == first.headers["location"]
    found = client.get(PATH, params={"idempotency_key": "order-2"}).json()["data"]
    assert [one["id"] for one in found] == [first.json()["id"]]
    until(lambda: relay.accepted["once@example.com"], "the mail")
    time.sleep(0.5)
    assert relay.accepted["once@example.com"] == 1


def test_another_request_with_the_key_is_refused_and_the_first_stays(client, relay):
    headers = {"Idempotency-Key": "order-3"}
    first = sent(client, message("three@example.com"), **headers)
    for other in (message("four@example.com"), message("three@example.com", text="394 022\n")):
        problem(sent(client, other, **headers), 422, "idempotency_key_reused")
    assert sent(client, message("three@example.com"), **headers).content == first.content
    assert not relay.accepted["four@example.com"]


def test_two_hundred_equal_requests_at_two_copies_make_one_mail(client, relay, copies, key):
    async def ask():
        limits = httpx.Limits(max_connections=None)
        headers = {"Authorization": bearer(key), "Idempotency-Key": "two-hundred"}
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60, trust_env=False) as asker:
            fields = message("two-hundred@example.com")
            posts = [asker.post(f"{copies[place % 2].url}{PATH}", json=fields) for place in range(200)]
            return await asyncio.gather(*posts)

    answers = asyncio.run(ask())
    assert {one.status_code for one in answers} == {202}, {one.text for one in answers}
    assert len({one.content for one in answers}) == 1
    assert sum("idempotency-replayed" not in one.headers for one in answers) == 1
    until(lambda: relay.accepted["two-hundred@example.com"], "the mail")
    time.sleep(0.5)
    assert relay.accepted["two-hundred@example.com"] == 1


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({}, 400, None, "to"),
        (message("no address"), 400, None, "to"),
        (message(["ann@example.com", "no address"]), 400, None, "to[1]"),
        (message(subject="a\r\nBcc: eve@example.com"), 400, "control_character", "subject"),
        (message(headers={"Return-Path": "<eve@example.com>"}), 400, None, "headers.Return-Path"),
        (message(unsubscibe="en"), 400, "unknown_key_meant", "unsubscibe"),
        (message(text="{{ code }}"), 422, "values_missing", "values"),
        (message(text=None, template="nothing-of-the-kind"), 422, "template_unknown", "template"),
        (message(send_at="2020-01-01T00:00:00Z"), 400, "expiry_has_passed", "send_at"),
        ({**message(), "from": f"news@{NEWS}"}, 403, "api_key_domain_missing", "from"),
        ([], 400, "body_not_an_object", None),
    ],
)
def test_a_wrong_request_names_what_is_wrong_and_leaves_nothing(client, copies, fields, status, code, field):
    headers = {"Idempotency-Key": "wrong"}
    answer = sent(client, fields, **headers)
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert code is None or said["code"] == code, said
    assert said.get("field") == field, said
    assert not rows(copies[0].dsn, "SELECT 1 FROM idempotent_request WHERE idempotency_key = 'wrong'")


def test_over_quota_is_refused_at_once_with_the_seconds_until_the_day_ends(client, copies):
    to = [f"quota-{place}@example.com" for place in range(6)]
    fields = {**message(), "from": f"codes@{SMALL}"}
    answers = [client.post(PATH, json={**fields, "to": one}, headers={"Idempotency-Key": one}) for one in to]
    assert [one.status_code for one in answers] == [202] * 5 + [429]
    assert answers[-1].json()["code"].startswith("quota")
    assert 0 < int(answers[-1].headers["retry-after"]) <= 86_400
    assert not rows(copies[0].dsn, "SELECT 1 FROM idempotent_request WHERE idempotency_key = %s", to[-1])


def test_one_address_gets_ten_messages_an_hour(client):
    answers = [sent(client, message("often@example.com")) for _ in range(11)]
    assert [one.status_code for one in answers] == [202] * 10 + [429]
    problem(answers[-1], 429, "address_limit_reached")
    assert int(answers[-1].headers["retry-after"]) > 3_000


def test_a_scheduled_message_waits_and_says_so(client, relay):
    at = datetime.now(UTC) + timedelta(hours=2)
    said = sent(client, message("later@example.com", send_at=at.isoformat())).json()
    assert (said["status"], said["recipients"][0]["status"]) == ("scheduled", "scheduled")
    shown = client.get(f"{PATH}/{said['id']}").json()
    assert (shown["status"], shown["pending"]) == ("scheduled", True)
    assert not relay.accepted["later@example.com"]
    cancelled = [client.post(f"{PATH}/{said['id']}/cancel") for _ in range(2)]
    assert [one.status_code for one in cancelled] == [200, 200], cancelled[0].text
    assert {one.json()["status"] for one in cancelled} == {"cancelled"}


def test_what_has_left_is_not_cancelled(client):
    said = sent(client, message("gone@example.com")).json()
    problem(client.post(f"{PATH}/{said['id']}/cancel"), 409, "single_message_has_left")
    problem(client.post(f"{PATH}/{said['id'][:-1]}x/cancel"), 404, "message_not_found")


def test_a_message_is_sent_again_as_a_new_one(client, relay):
    first = sent(client, message("again@example.com")).json()
    until(lambda: client.get(f"{PATH}/{first['id']}").json()["status"] == "sent", "the mail")
    path = f"{PATH}/{first['id']}/resend"
    answers = [client.post(path, headers={"Idempotency-Key": "again"}) for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202], answers[0].text
    second = answers[0].json()
    assert second["id"] == answers[1].json()["id"] != first["id"]
    until(lambda: relay.accepted["again@example.com"] == 2, "the second mail")
    assert client.get(f"{PATH}/{second['id']}").json()["repeats"] == first["id"]
    unknown = second["id"][:-1] + ("1" if second["id"].endswith("0") else "0")
    problem(client.post(f"{PATH}/{unknown}/resend"), 404, "message_not_found")


def test_a_batch_has_a_result_for_each_message(client, relay):
    messages = [message(f"batch-{place}@example.com") for place in range(5)]
    messages[2] = message("no address")
    answer = client.post(f"{PATH}/batch", json={"messages": messages})
    assert answer.status_code == 207, answer.text
    said = answer.json()
    assert (said["accepted"], said["refused"]) == (4, 1)
    assert [one["status"] for one in said["results"]] == ["accepted", "accepted", "refused", "accepted", "accepted"]
    assert said["results"][2]["problem"]["field"] == "to"
    until(lambda: relay.accepted["batch-4@example.com"] == 1, "the last mail")


def test_an_equal_batch_sends_nothing_again_and_another_is_refused(client, relay):
    headers = {"Idempotency-Key": "batch"}
    messages = [message(f"equal-{place}@example.com") for place in range(20)]
    first = client.post(f"{PATH}/batch", json={"messages": messages}, headers=headers)
    again = client.post(f"{PATH}/batch", json={"messages": messages}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202), first.text
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    for other in (messages[:5], [*messages, message("more@example.com")], [message("other@example.com")]):
        answer = client.post(f"{PATH}/batch", json={"messages": other}, headers=headers)
        problem(answer, 422, "idempotency_key_reused")
    # The keys of batches and of single messages are apart.
    assert sent(client, message("apart@example.com"), **headers).status_code == 202
    until(lambda: all(relay.accepted[f"equal-{place}@example.com"] for place in range(20)), "all mails")
    time.sleep(0.5)
    assert {relay.accepted[f"equal-{place}@example.com"] for place in range(20)} == {1}
    assert not relay.accepted["more@example.com"] + relay.accepted["other@example.com"]


def test_a_batch_of_which_nothing_is_accepted_leaves_its_key_free(client):
    headers = {"Idempotency-Key": "free"}
    wrong = client.post(f"{PATH}/batch", json={"messages": [message("no address")]}, headers=headers)
    assert wrong.status_code == 207
    right = client.post(f"{PATH}/batch", json={"messages": [message("free@example.com")]}, headers=headers)
    assert right.status_code == 202, right.text


def test_a_batch_of_a_thousand_is_accepted_beside_other_requests(client, copies, key, relay):
    messages = [message(f"thousand-{place}@example.com") for place in range(1000)]
    slowest = 0.0

    def ask_beside():
        nonlocal slowest
        with copies[0].client(key) as beside:
            while not done.is_set():
                began = time.monotonic()
                assert sent(beside, message(f"{uuid4()}@example.com")).status_code == 202
                slowest = max(slowest, time.monotonic() - began)

    done = threading.Event()
    thread = threading.Thread(target=ask_beside)
    thread.start()
    answer = client.post(f"{PATH}/batch", json={"messages": messages}, headers={"Idempotency-Key": "thousand"})
    done.set()
    thread.join()
    assert answer.status_code == 202, answer.text[:500]
    said = answer.json()
    assert said["accepted"] == len({one["id"] for one in said["results"]}) == 1000
    assert slowest < 30, "a batch holds no other request up"
    until(lambda: sum(relay.accepted[f"thousand-{place}@example.com"] for place in range(1000)) == 1000, "all", 60)


def test_a_key_stands_for_one_path(client):
    first = sent(client, message("path@example.com")).json()
    until(lambda: client.get(f"{PATH}/{first['id']}").json()["status"] == "sent", "the mail")
    headers = {"Idempotency-Key": "one-path"}
    assert client.post(f"{PATH}/{first['id']}/resend", headers=headers).status_code == 202
    problem(sent(client, message("path@example.com"), **headers), 422, "idempotency_key_reused")


@pytest.mark.parametrize("messages", [[], None, {}, "no list", [message()] * 1001])
def test_a_batch_of_none_or_too_many_is_refused(client, messages):
    said = problem(client.post(f"{PATH}/batch", json={"messages": messages}), 400, "batch_not_usable")
    assert said["field"] == "messages"


@pytest.mark.parametrize("value", ["a b", "é".encode(), "x" * 256, ""])
def test_a_key_that_is_not_visible_ascii_is_refused(client, value):
    answer = sent(client, message(), **{"Idempotency-Key": value})
    assert problem(answer, 400, "idempotency_key_not_usable")["field"] == "Idempotency-Key"
