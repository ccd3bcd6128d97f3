"""Equal requests that could not be accepted any more: they get the first answer, and not a refusal of what was sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, new_key
from tests.integration.api.reference_client import ReferenceClient
from tests.integration.api.sending_api import CODES, message, sending_api
from tests.recording_smtp import RecordingServer

TEMPLATE = {"name": "goes", "subject": "Hello", "text": "Hello {{ name }}\n"}


@pytest.fixture(scope="module")
def copies(api_dsn, tmp_path_factory) -> Iterator[list[ApiProcess]]:
    """Two, so that an answer is not known where it is asked for again."""
    with RecordingServer() as relay:
        made = [sending_api(api_dsn, tmp_path_factory.mktemp("api") / "home", relay.uri) for _ in range(2)]
        for one in made:
            one.launch()
        for one in made:
            one.wait()
        yield made
        for one in made:
            one.kill()


@pytest.fixture(scope="module")
def made(copies):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, FERNET_KEY)
        return new_key(copies[0].dsn, "late")


@pytest.fixture
def clients(copies, made) -> Iterator[list[httpx.Client]]:
    with copies[0].client(made) as one, copies[1].client(made) as two:
        yield [one, two]


def ask(client, path, fields, key):
    return client.post(path, json=fields, headers={"Idempotency-Key": key})


def test_a_send_at_that_has_passed_meanwhile(clients):
    moment = (datetime.now(UTC) - timedelta(minutes=5) + timedelta(seconds=10)).isoformat()
    fields = message("moment@example.com", send_at=moment)
    first = ask(clients[0], "/v1/messages", fields, "moment")
    batch = ask(clients[0], "/v1/messages/batch", {"messages": [fields]}, "moments")
    assert (first.status_code, batch.status_code) == (202, 202), first.text + batch.text
    time.sleep(10.5)
    assert ask(clients[1], "/v1/messages", fields, "another").status_code == 400
    again = ask(clients[1], "/v1/messages", fields, "moment")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    again = ask(clients[1], "/v1/messages/batch", {"messages": [fields]}, "moments")
    assert (again.status_code, again.json()["results"]) == (202, batch.json()["results"])


def test_a_template_that_is_gone_meanwhile(clients, copies, made):
    assert clients[0].post("/v1/templates", json=TEMPLATE).status_code == 201
    number = clients[0].get("/v1/templates/goes").json()["number"]
    fields = {**message("template@example.com"), "template": "goes", "values": {"name": "Ann"}}
    del fields["text"]
    first = ask(clients[0], "/v1/messages", fields, "template")
    assert first.status_code == 202, first.text
    asked = {
        "FromEmailAddress": f"codes@{CODES}",
        "Destination": ["reference@example.com"],
        "Subject": "Hello",
        "SmtpMessageId": "<one@codes.example.com>",
        "Template": {"TemplateID": number, "TemplateData": '{"name":"Ann"}'},
    }
    name = ReferenceClient(copies[0].url, made).call("SendEmail", **asked).MessageId
    assert clients[0].delete("/v1/templates/goes").status_code == 204
    # The other copy reads the templates again every two seconds; an address takes ten messages an hour.
    for number in range(6):
        time.sleep(2.5 * (number + 1))
        refused = ask(clients[1], "/v1/messages", fields, f"nothing-{number}")
        if refused.status_code == 422:
            break
    assert refused.status_code == 422, refused.text
    again = ask(clients[1], "/v1/messages", fields, "template")
    assert (again.status_code, again.content) == (202, first.content)
    other = ReferenceClient(copies[1].url, made)
    assert other.call("SendEmail", **asked).MessageId == name
    asked["SmtpMessageId"] = "<two@codes.example.com>"
    assert other.refused("SendEmail", **asked) == "FailedOperation.InvalidTemplateID"
