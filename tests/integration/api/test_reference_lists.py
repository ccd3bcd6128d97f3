"""Clients of the reference change and list what this installation has: groups, templates, addresses, senders."""

from __future__ import annotations

import json

import pytest

from ses_ops.domain.address import parse_address
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.storage.audience import recipients
from ses_ops.storage.connection import connected, transaction
from ses_ops.storage.suppression import entries
from tests.integration.api.api_process import rows
from tests.integration.api.reference_client import ReferenceClient, reference_key
from tests.integration.api.reference_world import SENDER, base64_of, reference_api
from tests.integration.sending_world import DOMAIN

PAGE = {"Offset": 0, "Limit": 100}


@pytest.fixture(scope="module")
def api(api_dsn, tmp_path_factory):
    with reference_api(api_dsn, tmp_path_factory.mktemp("reference")) as process:
        yield process


@pytest.fixture(scope="module")
def client(api, api_dsn):
    return ReferenceClient(api.url, reference_key(api_dsn, "lists"))


@pytest.fixture(scope="module")
def reader(api, api_dsn):
    """A key of another sender domain, which reads."""
    return ReferenceClient(api.url, reference_key(api_dsn, "other", ["manage"], ["other.example.com"]))


def counts(answer) -> tuple[int, ...]:
    names = ("TotalCount", "ValidCount", "TooLongCount", "EmptyEmailCount", "RepeatCount")
    return tuple(getattr(answer, name) for name in names)


# --- receivers


def test_a_receiver_is_a_recipient_group_whose_name_may_be_any_text(client, api_dsn):
    made = client.call("CreateReceiver", ReceiversName="双十一 / newsletter: été!", Desc="描述")
    again = client.call("CreateReceiver", ReceiversName="双十一 - newsletter- été!")
    found = client.call("ListReceivers", **PAGE, KeyWord="双十一").Data
    assert [one.ReceiverId for one in found] == [again.ReceiverId, made.ReceiverId]
    assert (found[1].ReceiversName, found[1].Desc, found[1].Count) == ("双十一 / newsletter: été!", "描述", 0)
    assert found[1].ReceiversStatus == 1
    with connected(api_dsn) as conn:
        names = {group.id: group.name for group in recipients.list_groups(conn)}
    assert len({names[made.ReceiverId], names[again.ReceiverId]}) == 2
    recipients.check_group_name(names[made.ReceiverId])
    same = {"ReceiversName": "双十一 / newsletter: été!"}
    assert client.refused("CreateReceiver", **same) == "InvalidParameterValue.RepeatReceiverName"
    for name in ("", " ", "a\nb", "x" * 101):
        assert client.refused("CreateReceiver", ReceiversName=name) == "InvalidParameterValue.ReceiverNameIllegal"
    long = {"ReceiversName": "long", "Desc": "x" * 301}
    assert client.refused("CreateReceiver", **long) == "InvalidParameterValue.ReceiverDescIllegal"


def test_addresses_are_added_each_once_and_counted_as_there(client):
    id = client.call("CreateReceiver", ReceiversName="counted").ReceiverId
    emails = ["a@example.com", "b@example.com", "A@example.com", "", "no address", "x" * 300 + "@example.com"]
    assert counts(client.call("CreateReceiverDetail", ReceiverId=id, Emails=emails)) == (6, 2, 1, 1, 1)
    assert counts(client.call("CreateReceiverDetail", ReceiverId=id, Emails=["b@example.com"])) == (1, 0, 0, 0, 1)
    assert counts(client.call("CreateReceiverDetail", ReceiverId=id, Emails=["", "?"])) == (2, 0, 0, 1, 0)
    found = client.call("ListReceiverDetails", ReceiverId=id, **PAGE)
    assert [one.Email for one in found.Data] == ["a@example.com", "b@example.com"]
    assert (found.TotalCount, found.ValidCount, found.InvalidCount) == (2, 2, 0)
    assert client.call("ListReceivers", **PAGE, KeyWord="counted").Data[0].ReceiversStatus == 3
    refused = client.refused
    assert refused("CreateReceiverDetail", ReceiverId=id, Emails=[]) == "MissingParameter.EmailsNecessary"
    many = {"ReceiverId": id, "Emails": ["a@example.com"] * 20_001}
    assert refused("CreateReceiverDetail", **many) == "LimitExceeded.ReceiverDetailRequestLimit"
    nobody = {"ReceiverId": 10**12, "Emails": ["a@example.com"]}
    assert refused("CreateReceiverDetail", **nobody) == "OperationDenied.ReceiverNotExist"


def with_data(*pairs: tuple[str, dict]) -> list[dict[str, str]]:
    return [{"Email": email, "TemplateData": json.dumps(data, ensure_ascii=False)} for email, data in pairs]


def test_recipients_have_values_of_the_same_names(client):
    id = client.call("CreateReceiver", ReceiversName="with values").ReceiverId
    datas = with_data(
        ("a@example.com", {"name": "安", "age": 12}), ("b@example.com", {"age": "", "name": 'a "b", c\nd'})
    )
    assert counts(client.call("CreateReceiverDetailWithData", ReceiverId=id, Datas=datas)) == (2, 2, 0, 0, 0)
    found = client.call("ListReceiverDetails", ReceiverId=id, **PAGE, Email="b@").Data
    assert [json.loads(one.TemplateData) for one in found] == [{"name": 'a "b", c\nd', "age": ""}]

    def refused(*datas: dict[str, str]) -> str:
        return client.refused("CreateReceiverDetailWithData", ReceiverId=id, Datas=list(datas))

    code = "InvalidParameterValue."
    assert refused(*with_data(("c@example.com", {"name": "x"}))) == code + "TemplateDataInconsistent"
    two = with_data(("c@example.com", {"name": "x", "age": 1}), ("d@example.com", {"name": "x"}))
    assert refused(*two) == code + "TemplateDataInconsistent"
    assert refused(*with_data(("nobody", {"name": "x", "age": 1}))) == code + "ReceiverEmailInvalid"
    assert refused({"Email": "c@example.com", "TemplateData": "{"}) == code + "InValidTemplateData"
    assert refused(*with_data(("c@example.com", {"name": ["x"], "age": 1}))) == code + "InValidTemplateData"
    assert refused(*with_data(("c@example.com", {"name": "<b>x</b>", "age": 1}))) == code + "InValidTemplateData"
    assert refused(*with_data(("c@example.com", {"name": "x" * 800, "age": 1}))) == code + "TemplateDataLenLimit"
    assert client.call("ListReceiverDetails", ReceiverId=id, **PAGE).TotalCount == 2, "nothing of them is half applied"


def test_a_recipient_that_gets_no_mail_is_invalid_there_and_says_why(client, api_dsn):
    id = client.call("CreateReceiver", ReceiversName="with a bounce").ReceiverId
    client.call("CreateReceiverDetail", ReceiverId=id, Emails=["gone@example.com", "here@example.com"])
    with connected(api_dsn) as conn, transaction(conn):
        facts = {"reason": SuppressionReason.HARD_BOUNCE, "note": "550 5.1.1 no such user", "expires_at": None}
        entries.add(conn, parse_address("gone@example.com"), **facts)
    found = client.call("ListReceiverDetails", ReceiverId=id, **PAGE, Status=2)
    assert [(one.Email, one.Reason, one.Status) for one in found.Data] == [("gone@example.com", "hard_bounce", 2)]
    assert (found.TotalCount, found.ValidCount, found.InvalidCount) == (1, 1, 1)


def test_receivers_are_deleted_and_listed_by_pages(client):
    ids = [client.call("CreateReceiver", ReceiversName=f"page {number}").ReceiverId for number in range(3)]
    page = client.call("ListReceivers", Offset=1, Limit=1, KeyWord="page ")
    assert ([one.ReceiverId for one in page.Data], page.TotalCount) == ([ids[1]], 3)
    assert client.call("ListReceivers", Offset=9, Limit=1, KeyWord="page ").TotalCount == 3
    assert client.refused("ListReceivers", Offset=0, Limit=101) == "FailedOperation.InvalidLimit"
    client.call("DeleteReceiver", ReceiverId=ids[0])
    assert client.refused("DeleteReceiver", ReceiverId=ids[0]) == "OperationDenied.ReceiverNotExist"


# --- templates


def test_templates_are_stored_with_versions_and_listed(client, api_dsn):
    html, text = "<p>Code {{code}} für 安</p>", "Code {{code}}"
    content = {"Html": base64_of(html), "Text": base64_of(text)}
    id = client.call("CreateEmailTemplate", TemplateName="验证码 template", TemplateContent=content).TemplateID
    found = client.call("GetEmailTemplate", TemplateID=id)
    assert (found.TemplateName, found.TemplateStatus) == ("验证码 template", 0)
    assert (found.TemplateContent.Html, found.TemplateContent.Text) == (content["Html"], content["Text"])
    changed = {"Html": base64_of("<p>{{code}}</p>")}
    client.call("UpdateEmailTemplate", TemplateID=id, TemplateName="new name", TemplateContent=changed)
    found = client.call("GetEmailTemplate", TemplateID=id)
    assert (found.TemplateName, found.TemplateContent.Html, found.TemplateContent.Text) == (
        "new name",
        changed["Html"],
        "",
    )
    listed = client.call("ListEmailTemplates", **PAGE)
    assert [(one.TemplateID, one.TemplateName, one.TemplateStatus) for one in listed.TemplatesMetadata] == [
        (id, "new name", 0)
    ]
    assert rows(api_dsn, "SELECT version FROM stored_template WHERE id = %s", id) == [(2,)]
    client.call("DeleteEmailTemplate", TemplateID=id)
    for action in ("GetEmailTemplate", "DeleteEmailTemplate"):
        assert client.refused(action, TemplateID=id) == "InvalidParameterValue.TemplateNotExist"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({}, "InvalidParameterValue.TemplateContentIsNULL"),
        ({"Html": ""}, "InvalidParameterValue.TemplateContentIsNULL"),
        ({"Html": "not base64!"}, "InvalidParameterValue.TemplateContentIsWrong"),
        ({"Html": "/w=="}, "InvalidParameterValue.TemplateContentIsWrong"),
        ({"Html": base64_of("{{ a.__class__ }}")}, "InvalidParameterValue.TemplateContentIsWrong"),
        ({"Text": base64_of("{% if %}")}, "InvalidParameterValue.TemplateContentIsWrong"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(client, content, code):
    assert client.refused("CreateEmailTemplate", TemplateName="x", TemplateContent=content) == code


# --- lists of addresses


def test_the_custom_blacklist_is_the_suppression_list_of_people_and_programs(client, api_dsn):
    emails = ["one@example.net", "ONE@example.net", "two@example.net", "no address", "x" * 260 + "@example.net"]
    made = client.call("CreateCustomBlacklist", Emails=emails, ExpireDate="2099-01-31")
    numbers = (made.TotalCount, made.ValidCount, made.TooLongCount, made.RepeatCount, made.InvalidCount)
    assert numbers == (5, 2, 1, 1, 1)
    again = client.call("CreateCustomBlacklist", Emails=["two@example.net", "three@example.net"])
    assert (again.ValidCount, again.RepeatCount) == (1, 1)
    found = client.call("ListCustomBlacklist", **PAGE, Status=1, Email="@example.net").Data
    assert {(one.Email, one.ExpireDate, one.Status) for one in found} == {
        ("one@example.net", "2099-01-31", 1),
        ("two@example.net", "", 1),
        ("three@example.net", "", 1),
    }
    one = next(entry for entry in found if entry.Email == "one@example.net")
    client.call("UpdateCustomBlackList", Id=one.Id, Email="uno@example.net", ExpireDate="")
    (found,) = client.call("ListCustomBlacklist", **PAGE, Status=2, Email="uno@").Data
    assert (found.Id, found.ExpireDate) == (one.Id, "")
    taken = {"Id": one.Id, "Email": "two@example.net"}
    assert client.refused("UpdateCustomBlackList", **taken) == "InvalidParameterValue.IllegalEmailAddress"
    assert client.refused("UpdateCustomBlackList", Id=10**9, Email="a@b.cc") == "ResourceNotFound"
    client.call("DeleteCustomBlackList", Emails=["uno@example.net", "two@example.net", "nobody@example.net"])
    left = client.call("ListCustomBlacklist", **PAGE, Status=2, Email="@example.net").Data
    assert [entry.Email for entry in left] == ["three@example.net"]
    for wrong in ("2020-01-01", "31.12.2099", "2099-13-01"):
        refused = client.refused("CreateCustomBlacklist", Emails=["a@b.cc"], ExpireDate=wrong)
        assert refused == "InvalidParameterValue.WrongDate", wrong
    assert client.refused("CreateCustomBlacklist", Emails=[]) == "MissingParameter.EmailsNecessary"


def test_the_blacklist_of_bounces_is_listed_and_shortened_but_no_wish_of_a_person_is_undone(client, api_dsn):
    with connected(api_dsn) as conn, transaction(conn):
        for name, reason in (("bounced", SuppressionReason.HARD_BOUNCE), ("left", SuppressionReason.UNSUBSCRIBE)):
            address = parse_address(f"{name}@example.org")
            entries.add(conn, address, reason=reason, note="550 5.1.1 gone", expires_at=None)
    days = {"StartDate": "2020-01-01", "EndDate": "2099-01-01"}
    found = client.call("ListBlackEmailAddress", **days, **PAGE, EmailAddress="bounced@example.org")
    assert [(one.EmailAddress, one.IspDesc) for one in found.BlackList] == [("bounced@example.org", "550 5.1.1 gone")]
    client.call("DeleteBlackList", EmailAddressList=["bounced@example.org", "left@example.org"])
    assert rows(api_dsn, "SELECT address FROM suppression WHERE address LIKE '%%@example.org'") == [
        ("left@example.org",)
    ]
    assert client.refused("DeleteBlackList", EmailAddressList=[]) == "InvalidParameterValue"
    turned = {"StartDate": "2021-01-02", "EndDate": "2021-01-01"}
    assert client.refused("ListBlackEmailAddress", **turned, **PAGE) == "InvalidParameterValue.WrongDate"


# --- identities and senders


def test_a_domain_with_a_quota_is_verified_and_others_are_not(client, reader):
    listed = client.call("ListEmailIdentities").EmailIdentities
    (ours,) = [one for one in listed if one.IdentityName == DOMAIN]
    assert (ours.IdentityType, ours.SendingEnabled, ours.DailyQuota) == ("DOMAIN", True, 1_000_000)
    assert ours.CurrentReputationLevel == 20
    assert client.call("GetEmailIdentity", EmailIdentity=DOMAIN).VerifiedForSendingStatus is True
    tags = [{"TagKey": "team", "TagValue": "shop"}]
    made = client.call("CreateEmailIdentity", EmailIdentity="New.example.com", DKIMOption=1, TagList=tags)
    assert (made.VerifiedForSendingStatus, made.DKIMOption, made.IdentityType) == (False, 1, "DOMAIN")
    assert {one.Type for one in made.Attributes} == {"TXT"}
    (tagged,) = client.call("ListEmailIdentities", TagList=tags).EmailIdentities
    assert (tagged.IdentityName, tagged.SendingEnabled) == ("new.example.com", False)
    assert client.call("GetEmailIdentity", EmailIdentity="new.example.com").TagList[0].TagValue == "shop"
    assert client.call("UpdateEmailIdentity", EmailIdentity="new.example.com", DKIMOption=2).DKIMOption == 2
    refused = client.refused
    for known in ("new.example.com", DOMAIN):
        assert refused("CreateEmailIdentity", EmailIdentity=known) == "InvalidParameterValue.RepeatCreation"
    assert refused("CreateEmailIdentity", EmailIdentity="no domain") == "InvalidParameterValue.InvalidEmailIdentity"
    assert refused("GetEmailIdentity", EmailIdentity="nobody.example") == "InvalidParameterValue.NotExistDomain"
    assert refused("DeleteEmailIdentity", EmailIdentity=DOMAIN) == "OperationDenied.NotAllowDelete"
    client.call("DeleteEmailIdentity", EmailIdentity="new.example.com")
    assert refused("GetEmailIdentity", EmailIdentity="new.example.com") == "InvalidParameterValue.NotExistDomain"
    assert reader.call("ListEmailIdentities").EmailIdentities == []
    assert reader.refused("GetEmailIdentity", EmailIdentity=DOMAIN) == "AuthFailure.UnauthorizedOperation"


def test_sender_addresses_are_of_verified_domains(client, reader):
    client.call("CreateEmailAddress", EmailAddress=SENDER, EmailSenderName="腾讯云邮件通知")
    (found,) = client.call("ListEmailAddress").EmailSenders
    assert (found.EmailAddress, found.EmailSenderName, found.SmtpPwdType) == (SENDER, "腾讯云邮件通知", 0)
    assert reader.call("ListEmailAddress").EmailSenders == []
    refused, illegal = client.refused, "InvalidParameterValue."
    assert refused("CreateEmailAddress", EmailAddress=SENDER) == illegal + "RepeatEmailAddress"
    assert refused("CreateEmailAddress", EmailAddress="a@new.example.org") == "OperationDenied.DomainNotVerified"
    assert refused("CreateEmailAddress", EmailAddress="nobody") == illegal + "IllegalEmailAddress"
    named = {"EmailAddress": f"b@{DOMAIN}", "EmailSenderName": "a: b"}
    assert refused("CreateEmailAddress", **named) == illegal + "IllegalSenderName"
    for number in range(9):
        client.call("CreateEmailAddress", EmailAddress=f"b{number}@{DOMAIN}")
    assert refused("CreateEmailAddress", EmailAddress=f"c@{DOMAIN}") == "OperationDenied.ExceedSenderLimit"
    password = {"EmailAddress": SENDER, "Password": "short"}
    assert refused("UpdateEmailSmtpPassWord", **password) == illegal + "InvalidSmtpPassWord"
    assert refused("UpdateEmailSmtpPassWord", EmailAddress=SENDER, Password="12abABxyz0") == "UnsupportedOperation"
    nobody = {"EmailAddress": f"nobody@{DOMAIN}", "Password": "12abABxyz0"}
    assert refused("UpdateEmailSmtpPassWord", **nobody) == illegal + "NoSuchSender"
    client.call("DeleteEmailAddress", EmailAddress=SENDER)
    assert refused("DeleteEmailAddress", EmailAddress=SENDER) == illegal + "NoSuchSender"


def test_unsubscribe_links_of_sender_addresses(client, reader):
    given = {"Address": SENDER, "UnsubscribeConfig": "7", "Status": 1}
    client.call("CreateAddressUnsubscribeConfig", **given)
    assert client.refused("CreateAddressUnsubscribeConfig", **given) == "OperationDenied"
    client.call("UpdateAddressUnsubscribeConfig", **{**given, "UnsubscribeConfig": "2", "Status": 0})
    found = client.call("ListAddressUnsubscribeConfig", Offset=0, Limit="10")
    (one,) = found.AddressUnsubscribeConfigList
    assert (one.Address, one.UnsubscribeConfig, one.Status, found.Total) == (SENDER, "2", 0, 1)
    assert reader.call("ListAddressUnsubscribeConfig", Offset=0, Limit="10").Total == 0
    assert (
        client.refused("CreateAddressUnsubscribeConfig", **{**given, "UnsubscribeConfig": "11"})
        == "InvalidParameterValue"
    )
    client.call("DeleteAddressUnsubscribeConfig", Address=SENDER)
    assert client.refused("DeleteAddressUnsubscribeConfig", Address=SENDER) == "ResourceNotFound"


def test_every_change_has_an_entry_for_the_audit_log(client, api_dsn):
    asked = rows(api_dsn, "SELECT DISTINCT facts->>'action' FROM airflow_request WHERE kind = 'audit_entry'")
    assert {one for (one,) in asked} >= {
        *("create_group", "import_group", "delete_group", "create_template", "change_template", "delete_template"),
        *("suppress", "unsuppress", "change_suppression", "create_identity", "delete_identity", "create_sender"),
        *("delete_sender", "create_unsubscribe_config", "change_unsubscribe_config", "delete_unsubscribe_config"),
    }
    assert rows(api_dsn, "SELECT DISTINCT asked_by FROM airflow_request") == [("lists (API key)",)]
