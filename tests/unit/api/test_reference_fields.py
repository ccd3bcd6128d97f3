"""Parameters of the reference's actions: what is declared, how they are read, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.api.tencent.action_error import ActionError
from ses_ops.api.tencent.fields import checked, declarations, read_json, read_pairs, unflattened

DATA = Path(__file__).parents[2] / "data" / "tencent_ses"
API = json.loads((DATA / "api.json").read_text("utf-8"))
TYPES = {"string": "text", "int": "int", "bool": "bool"}


def refused(action: str, given: dict) -> ActionError:
    with pytest.raises(ActionError) as found:
        checked(action, given)
    return found.value


def test_every_action_and_every_field_is_declared_as_the_reference_declares_it():
    ours = declarations()
    assert set(API["actions"]) <= set(ours)
    for name, fields in API["objects"].items():
        owner = name.removesuffix("Request") if name.endswith("Request") else name
        if owner not in ours:
            continue
        theirs = {
            one["name"]: (
                TYPES.get(one["type"], "text" if one["member"] == "string" else one["member"]),
                one["type"] == "list",
                one["required"],
            )
            for one in fields
        }
        assert {one.name: (one.kind, one.many, one.required) for one in ours[owner]} == theirs, owner


def flat(value: object, place: str = "") -> dict[str, str]:
    """As the reference's clients flatten parameters."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        found: dict[str, str] = {}
        for name, one in pairs:
            found |= flat(one, f"{place}.{name}" if place else str(name))
        return found
    return {place: str(value)}


texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
send_email = st.fixed_dictionaries(
    {"FromEmailAddress": texts, "Subject": texts, "Destination": st.lists(texts, min_size=1, max_size=12)},
    optional={
        "Template": st.fixed_dictionaries({"TemplateID": st.integers(0, 2**63 - 1), "TemplateData": texts}),
        "Attachments": st.lists(st.fixed_dictionaries({"FileName": texts, "Content": texts}), min_size=1, max_size=3),
        "TriggerType": st.integers(0, 1),
    },
)


@given(send_email)
def test_a_query_a_form_and_json_say_the_same(fields):
    by_json = checked("SendEmail", read_json(json.dumps(fields).encode()))
    by_query = checked("SendEmail", unflattened(read_pairs(urlencode(flat(fields)))))
    assert by_json == by_query == fields


def test_a_number_may_come_as_a_text_and_a_text_as_a_number():
    template = {"TemplateID": "100091", "TemplateData": "{}"}
    found = checked("SendEmail", {"FromEmailAddress": "a@b.c", "Subject": 5, "Template": template, "Unsubscribe": 2})
    assert found["Template"]["TemplateID"] == 100091
    assert (found["Subject"], found["Unsubscribe"]) == ("5", "2")
    assert checked("UpdateEmailIdentity", {"EmailIdentity": "x", "NewAPI": "true"})["NewAPI"] is True


def test_what_is_missing_unknown_or_of_another_type_is_named():
    assert (
        refused("SendEmail", {"Subject": "x"}).message
        == "The request is missing a required parameter `FromEmailAddress`."
    )
    template = {"TemplateID": 1}
    problem = refused("SendEmail", {"FromEmailAddress": "x", "Subject": "x", "Template": template})
    assert (problem.code, "`Template.TemplateData`" in problem.message) == ("MissingParameter", True)
    problem = refused("ListEmailAddress", {"Offset": 0})
    assert (problem.code, problem.message) == ("UnknownParameter", "The parameter `Offset` is not recognized.")
    for wrong in ("x", 1.5, True, [], {}, "1" * 30):
        assert refused("DeleteReceiver", {"ReceiverId": wrong}).code == "InvalidParameter", wrong
    assert refused("DeleteReceiver", {"ReceiverId": 2**63}).code == "InvalidParameterValue"
    assert refused("CreateReceiverDetail", {"ReceiverId": 1}).code == "MissingParameter.EmailsNecessary"
    assert refused("DeleteReceiver", {}).code == "MissingParameter.ReceiverIdNecessary"
    assert refused("CreateReceiver", {"ReceiversName": "a\0b"}).code == "InvalidParameterValue"
    for wrong in ("x", {"a": "b"}, [["x"]]):
        assert refused("DeleteBlackList", {"EmailAddressList": wrong}).code == "InvalidParameter", wrong


def test_a_null_is_as_good_as_nothing():
    assert checked("ListReceivers", {"Offset": 0, "Limit": 1, "KeyWord": None}) == {"Offset": 0, "Limit": 1}


@pytest.mark.parametrize("query", ["a", "a=1&a=2", "a=%ff", "a.b=1&a=2", "a=1&a.b=2", "a.b.c.d.e=1"])
def test_a_query_that_is_no_tree_is_refused(query):
    with pytest.raises(ActionError) as found:
        unflattened(read_pairs(query))
    assert found.value.code == "InvalidParameter"


def test_a_body_that_is_no_object_is_refused():
    assert read_json(b"") == {}
    with pytest.raises(ActionError):
        read_json(b"[]")
