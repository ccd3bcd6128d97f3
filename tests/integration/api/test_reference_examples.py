"""Every action of the reference with the example requests of its own command line, through its own client.

Ids, addresses and dates of the examples are those of nobody: they are exchanged for those of this installation, and
nothing else of a request is. What is answered has the members of the example's answer, and their types.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ses_ops.api.tencent.actions import ACTIONS
from tests.integration.api.reference_client import ReferenceClient, reference_key
from tests.integration.api.reference_world import SENDER, base64_of, reference_api
from tests.integration.sending_world import DOMAIN
from tests.recording_smtp import RecordingServer

DATA = Path(__file__).parents[2] / "data" / "tencent_ses"
EXAMPLES = json.loads((DATA / "examples.json").read_text("utf-8"))
API = json.loads((DATA / "api.json").read_text("utf-8"))
KINDS = {"string": str, "int": int, "bool": bool, "list": list, "object": dict}
#: What an answer has only in some states, so that ours need not have it.
OPTIONAL = {"TimedParam", "CycleParam"}


@pytest.fixture(scope="module")
def client(api_dsn, tmp_path_factory) -> Iterator[ReferenceClient]:
    with RecordingServer() as smtp:
        more = {"AIRFLOW_CONN_SES_SMTP": smtp.uri, "SES_PUBLIC_URL": "https://mail.example.net"}
        with reference_api(api_dsn, tmp_path_factory.mktemp("reference"), **more) as process:
            yield ReferenceClient(process.url, reference_key(api_dsn, "examples"))


@pytest.fixture(scope="module")
def ids(client) -> dict[str, int]:
    """What the examples are about: a list with one recipient, a template with the variables `code` and `name`."""
    content = {"Html": base64_of("<html>this is a example {{code}} {{name}}</html>")}
    template = client.json("CreateEmailTemplate", {"TemplateName": "example", "TemplateContent": content})
    receiver = client.json("CreateReceiver", {"ReceiversName": "of the examples", "Desc": ""})["ReceiverId"]
    client.json("CreateReceiverDetail", {"ReceiverId": receiver, "Emails": ["first@example.com"]})
    client.json("CreateEmailAddress", {"EmailAddress": SENDER, "EmailSenderName": "name"})
    return {"TemplateID": template["TemplateID"], "ReceiverId": receiver}


def today() -> str:
    return f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d}"


def fitted(action: str, request: dict[str, Any], ids: dict[str, int]) -> dict[str, Any]:
    """An example with the ids and addresses of this installation."""
    fields = copy.deepcopy(request)
    for name in ("TemplateID", "ReceiverId"):
        if name in fields:
            fields[name] = ids[name]
    if "Template" in fields:
        fields["Template"] = {"TemplateID": ids["TemplateID"], "TemplateData": '{"code":"1234","name":"123"}'}
    if "FromEmailAddress" in fields:
        fields["FromEmailAddress"] = fields["FromEmailAddress"].replace("noreply@mail.qcloud.com", SENDER)
        fields["FromEmailAddress"] = fields["FromEmailAddress"].replace("abc@bbc.com", SENDER)
    if "RequestDate" in fields:
        fields["RequestDate"] = today()
    if "ExpireDate" in fields:
        fields["ExpireDate"] = "2099-01-31"
    if action == "ListEmailTemplates":  # the example asks for no template at all
        fields = {"Limit": 10, "Offset": 0}
    return fields


#: What has to be done before an example can be, and what it is exchanged for.
def _before(client: ReferenceClient, action: str, fields: dict[str, Any], ids: dict[str, int]) -> None:
    address, password = {"Address": "test@example.com"}, "12abABxyz0"
    match action:
        case "DeleteReceiver":
            fields["ReceiverId"] = client.json("CreateReceiver", {"ReceiversName": "deleted"})["ReceiverId"]
        case "DeleteEmailTemplate":
            made = client.json("CreateEmailTemplate", {"TemplateName": "x", "TemplateContent": {"Text": "eA=="}})
            fields["TemplateID"] = made["TemplateID"]
        case "CreateReceiverDetailWithData":
            fields["ReceiverId"] = client.json("CreateReceiver", {"ReceiversName": "with data"})["ReceiverId"]
        case "GetEmailIdentity" | "UpdateEmailIdentity" | "DeleteEmailIdentity":
            fields["EmailIdentity"] = f"{action.lower()}.example.com"
            client.json("CreateEmailIdentity", {"EmailIdentity": fields["EmailIdentity"]})
        case "CreateEmailAddress" | "DeleteEmailAddress":
            fields["EmailAddress"] = f"{action.lower()}@{DOMAIN}"
            if action.startswith("Delete"):
                client.json("CreateEmailAddress", {"EmailAddress": fields["EmailAddress"]})
        case "UpdateEmailSmtpPassWord":
            fields |= {"EmailAddress": SENDER, "Password": password}
        case "UpdateAddressUnsubscribeConfig" | "DeleteAddressUnsubscribeConfig":
            fields["Address"] = address["Address"] = f"{action.lower()}@{DOMAIN}"
            client.json("CreateAddressUnsubscribeConfig", {**address, "UnsubscribeConfig": "2", "Status": 1})
        case "UpdateCustomBlackList":
            client.json("CreateCustomBlacklist", {"Emails": ["listed@example.com"]})
            listed = client.json("ListCustomBlacklist", {"Offset": 0, "Limit": 1, "Status": 2, "Email": "listed@"})
            fields["Id"] = listed["Data"][0]["Id"]
        case "GetSendEmailStatus":
            sent = {"FromEmailAddress": SENDER, "Subject": "x", "Simple": {"Text": "eA=="}}
            address_of = fields.get("ToEmailAddress", "example@cloud.com")
            answer = client.json("SendEmail", {**sent, "Destination": [address_of]})
            if "MessageId" in fields:
                fields["MessageId"] = answer["MessageId"]
        case "ListReceivers":
            fields |= {"Offset": 0, "Status": 3, "KeyWord": "examples"}
        case "ListReceiverDetails":
            fields |= {"Offset": 0, "Email": "first@"}
        case "ListSendTasks":
            content = {"Template": {"TemplateID": ids["TemplateID"], "TemplateData": '{"code":"1","name":"2"}'}}
            task = {"FromEmailAddress": SENDER, "Subject": "x", "TaskType": 1, "ReceiverId": ids["ReceiverId"]}
            client.json("BatchSendEmail", {**task, **content})
            fields["Offset"] = 0
        case "ListCustomBlacklist":
            client.json("CreateCustomBlacklist", {"Emails": ["abc@mail.com"]})
            fields["Offset"] = 0
        case "ListAddressUnsubscribeConfig":
            config = {"Address": SENDER, "UnsubscribeConfig": "1", "Status": 1}
            client.json("CreateAddressUnsubscribeConfig", config)


CASES = [(action, number) for action, found in EXAMPLES["requests"].items() for number in range(len(found))]


def test_the_examples_are_of_every_action_that_there_is():
    assert set(EXAMPLES["requests"]) == set(API["actions"]) == set(ACTIONS)


@pytest.mark.parametrize(("action", "number"), CASES)
def test_the_example_is_answered_as_there(client, ids, action, number):
    fields = fitted(action, EXAMPLES["requests"][action][number], ids)
    _before(client, action, fields, ids)
    if action == "UpdateEmailSmtpPassWord":
        assert client.refused(action, **fields) == "UnsupportedOperation"
        return
    answer = client.json(action, fields)
    assert answer.pop("RequestId")
    declared = API["objects"][API["actions"][action]["output"]]
    check_members(answer, declared, action)
    example = EXAMPLES["answers"][action][number]
    for name, value in example.items():
        if name != "RequestId" and isinstance(value, list) and value and answer[name] and isinstance(value[0], dict):
            missing = set(value[0]) - set(answer[name][0]) - OPTIONAL
            assert not missing, f"{action}.{name} lacks {missing}"
    if action.startswith(("List", "Get")):
        typed = client.call(action, **fields)
        assert typed.RequestId


def check_members(answer: dict[str, Any], declared: list[dict[str, Any]], place: str) -> None:
    """Every member that the reference declares is there, with its type, and no other."""
    known = {one["name"]: one for one in declared if one["name"] != "RequestId"}
    assert set(answer) == set(known), place
    for name, value in answer.items():
        if value is None:
            assert name in OPTIONAL, f"{place}.{name}"
            continue
        kind: Callable[..., Any] = KINDS[known[name]["type"]]
        assert type(value) is kind, f"{place}.{name} is {value!r}"
        inner = API["objects"].get(known[name]["member"])
        for one in (value if kind is list else [value]) if inner else ():
            check_members(one, with_disabled(inner, known[name]["member"]), f"{place}.{name}")


def with_disabled(declared: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """A member that is no longer declared, and still in every answer."""
    if name != "SendEmailStatus":
        return declared
    return [*declared, {"name": "UserComplainted", "type": "bool", "member": "bool"}]
