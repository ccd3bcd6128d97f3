"""SendEmail and GetSendEmailStatus by the reference's own client: real mail, at a real SMTP server."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.domain.address import parse_address
from ses_ops.domain.suppression import SuppressionReason
from ses_ops.storage.connection import connected, transaction
from ses_ops.storage.suppression import entries
from tests.integration.api.api_process import rows
from tests.integration.api.reference_client import ReferenceClient, reference_key
from tests.integration.api.reference_world import SENDER, base64_of, reference_api
from tests.integration.sending_world import DOMAIN
from tests.recording_smtp import RecordingServer

MESSAGE_ID = re.compile(r"qcloudses-30-[0-9]{10}-date-[0-9]{14}-[A-Za-z0-9]{12}")


@pytest.fixture(scope="module")
def smtp():
    with RecordingServer(refuse=refuse) as server:
        yield server


def refuse(address: str) -> bytes | None:
    return b"550 5.1.1 no such user" if address.startswith("nobody") else None


@pytest.fixture(scope="module")
def api(api_dsn, smtp, tmp_path_factory):
    more = {"AIRFLOW_CONN_SES_SMTP": smtp.uri, "SES_PUBLIC_URL": "https://mail.example.net"}
    with reference_api(api_dsn, tmp_path_factory.mktemp("reference"), **more) as process:
        yield process


@pytest.fixture(scope="module")
def client(api, api_dsn):
    return ReferenceClient(api.url, reference_key(api_dsn, "sends"))


def send(client, **fields):
    simple = {"Html": base64_of("<p>Hello {{name}}</p>"), "Text": base64_of("Hello {{name}}")}
    return client.call("SendEmail", **{"FromEmailAddress": SENDER, "Subject": "Hi", "Simple": simple, **fields})


def refused(client, **fields) -> str:
    simple = {"Text": base64_of("Hello")}
    return client.refused("SendEmail", **{"FromEmailAddress": SENDER, "Subject": "Hi", "Simple": simple, **fields})


def arrived(smtp, address: str, count: int = 1) -> email.message.EmailMessage:
    until(lambda: smtp.accepted[address] >= count, f"{address} has {smtp.accepted[address]} mails")
    return email.message_from_bytes(smtp.contents[address], policy=email.policy.default)


def until(happened, what: str, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not happened():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def status(client, **asked) -> list:
    return client.call(
        "GetSendEmailStatus", **{"RequestDate": today(), "Offset": 0, "Limit": 100, **asked}
    ).EmailStatusList


def today() -> str:
    return f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d}"


def test_a_message_leaves_at_once_and_its_status_can_be_asked_for(client, smtp):
    began = time.time()
    answer = send(
        client, FromEmailAddress=f"示例 Shop <{SENDER}>", Subject="你好 {{name}}", Destination=["one@example.com"]
    )
    assert MESSAGE_ID.fullmatch(answer.MessageId)
    mail = arrived(smtp, "one@example.com")
    assert mail["from"].addresses[0].display_name == "示例 Shop"
    assert mail["from"].addresses[0].addr_spec == SENDER
    assert mail["to"] == "one@example.com"
    # A text of its own is not a template.
    assert mail.get_body(("plain",)).get_content().strip() == "Hello {{name}}"
    assert mail.get_body(("html",)).get_content().strip() == "<p>Hello {{name}}</p>"
    until(lambda: status(client, MessageId=answer.MessageId)[0].DeliverStatus == 1, "not delivered")
    (line,) = status(client, MessageId=answer.MessageId)
    assert (line.MessageId, line.ToEmailAddress, line.SendStatus) == (answer.MessageId, "one@example.com", 0)
    assert began - 2 <= line.RequestTime <= line.DeliverTime + 1 <= time.time() + 2
    spelt = (line.UserComplainted, line.UserComplained, line.UserOpened, line.UserClicked, line.UserUnsubscribed)
    assert spelt == (False, False, False, False, False)
    assert [one.MessageId for one in status(client, ToEmailAddress="ONE@example.com")] == [answer.MessageId]
    assert status(client, MessageId=answer.MessageId, ToEmailAddress="two@example.com") == []


def test_all_addresses_see_each_other_but_for_bcc(client, smtp):
    answer = send(client, Destination=["a1@example.com", "a2@example.com"], Cc=["c@example.com"], Bcc=["b@example.com"])
    for address in ("a1", "a2", "c", "b"):
        mail = arrived(smtp, f"{address}@example.com")
        assert (mail["to"], mail["cc"], mail["bcc"]) == ("a1@example.com, a2@example.com", "c@example.com", None)
    twice = send(client, Destination=["d@example.com", "D@example.com"])
    assert [one.ToEmailAddress for one in status(client, MessageId=twice.MessageId)] == ["d@example.com"]
    lines = status(client, MessageId=answer.MessageId)
    assert sorted(one.ToEmailAddress[0] for one in lines) == ["a", "a", "b", "c"]


def test_a_template_is_filled_in_by_its_number(client, smtp):
    content = {"Html": base64_of("<p>Code {{code}}</p>"), "Text": base64_of("Code {{code}}")}
    id = client.call("CreateEmailTemplate", TemplateName="验证码", TemplateContent=content).TemplateID
    template = {"TemplateID": id, "TemplateData": json.dumps({"code": "<1234>"})}
    more = {"Simple": None, "TriggerType": 1, "Destination": ["code@example.com"], "Unsubscribe": "1"}
    send(client, Subject="Your code {{code}}", Template=template, **more)
    mail = arrived(smtp, "code@example.com")
    assert mail["subject"] == "Your code <1234>"
    assert "Code &lt;1234&gt;" in mail.get_body(("html",)).get_content()
    assert "https://mail.example.net/u/" in mail["list-unsubscribe"]
    assert "退订" in mail.get_body(("html",)).get_content(), '"1" is simplified Chinese'
    wrong = {**template, "TemplateData": '{"other":"x"}'}
    fields = {"Simple": None, "Destination": ["code@example.com"]}
    assert refused(client, Template=wrong, **fields) == "FailedOperation.WrongContentJson"
    assert refused(client, Template={**template, "TemplateData": "{"}, **fields) == "FailedOperation.WrongContentJson"
    assert refused(client, Template={**template, "TemplateID": 1}, **fields) == "FailedOperation.InvalidTemplateID"
    client.call(
        "UpdateEmailTemplate", TemplateID=id, TemplateName="x", TemplateContent={"Text": base64_of("Neu {{code}}")}
    )
    send(client, Template=template, Simple=None, Destination=["code2@example.com"])
    assert arrived(smtp, "code2@example.com").get_content().strip() == "Neu <1234>"


def test_headers_files_and_names_are_those_that_the_client_gives(client, smtp):
    file = {"FileName": "报告.pdf", "Content": base64.b64encode(b"%PDF-1.4").decode()}
    headers = {
        "SmtpHeaders": json.dumps({"X-Tencentcloudses-Cb-Id": "42"}),
        "SmtpMessageId": "<own-1@mail.example.com>",
    }
    others = {"HeaderFrom": f"other@{DOMAIN}", "ReplyToAddresses": "reply@example.com", "Attachments": [file]}
    send(client, Destination=["files@example.com"], **headers, **others)
    mail = arrived(smtp, "files@example.com")
    assert (mail["message-id"], mail["x-tencentcloudses-cb-id"]) == ("<own-1@mail.example.com>", "42")
    assert (mail["from"], mail["reply-to"]) == (f"other@{DOMAIN}", "reply@example.com")
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("报告.pdf", b"%PDF-1.4")


def test_the_name_and_the_link_of_a_sender_address_are_used_where_a_mail_says_nothing(client, smtp, api):
    sender = f"named@{DOMAIN}"
    client.call("CreateEmailAddress", EmailAddress=sender, EmailSenderName="Der Shop")
    client.call("CreateAddressUnsubscribeConfig", Address=sender, UnsubscribeConfig="6", Status=1)
    send(client, FromEmailAddress=sender, Destination=["named@example.com"])
    mail = arrived(smtp, "named@example.com")
    assert mail["from"] == f"Der Shop <{sender}>"
    assert mail["list-unsubscribe"]
    assert "abmelden" in mail.get_body(("html",)).get_content().lower()


def test_an_equal_request_with_a_name_is_the_same_mail(client, smtp, api_dsn):
    fields = {"Destination": ["once@example.com"], "SmtpMessageId": "<once@mail.example.com>"}
    answers = {send(client, **fields).MessageId for _ in range(3)}
    assert len(answers) == 1
    assert refused(client, **{**fields, "Subject": "another"}) == "InvalidParameterValue"
    request = {
        "FromEmailAddress": SENDER,
        "Subject": "x",
        "Simple": {"Text": "eA=="},
        "Destination": ["twice@example.com"],
    }
    named = {"Idempotency-Key": "order-4711"}
    ids = {client.sdk.call_json("SendEmail", request, headers=named)["Response"]["MessageId"] for _ in range(3)}
    assert len(ids) == 1
    arrived(smtp, "twice@example.com")
    time.sleep(0.3)
    assert (smtp.accepted["once@example.com"], smtp.accepted["twice@example.com"]) == (1, 1)
    plain = {**request, "Destination": ["plain@example.com"]}
    assert len({client.json("SendEmail", plain)["MessageId"] for _ in range(3)}) == 3, "without a name each is a mail"
    arrived(smtp, "plain@example.com", 3)


def test_equal_requests_at_the_same_time_are_one_mail(client, api, api_dsn, smtp):
    made = reference_key(api_dsn, "at once")
    fields = {"Destination": ["at-once@example.com"], "SmtpMessageId": "<at-once@mail.example.com>"}
    with ThreadPoolExecutor(40) as threads:
        asked = [threads.submit(lambda: send(ReferenceClient(api.url, made), **fields).MessageId) for _ in range(80)]
        assert len({one.result() for one in asked}) == 1
    arrived(smtp, "at-once@example.com")
    time.sleep(0.3)
    assert smtp.accepted["at-once@example.com"] == 1


def test_ten_mails_an_hour_go_to_one_address(client):
    for number in range(10):
        send(client, Destination=["often@example.com"], Subject=f"{number}")
    assert refused(client, Destination=["often@example.com"]) == "FailedOperation.FrequencyLimit"
    send(client, Destination=["seldom@example.com"])


def test_suppressed_and_unsubscribed_addresses_have_codes_of_their_own(client, api_dsn, smtp):
    with connected(api_dsn) as conn, transaction(conn):
        for name, reason in (("bounced", SuppressionReason.HARD_BOUNCE), ("left", SuppressionReason.UNSUBSCRIBE)):
            entries.add(conn, parse_address(f"{name}@example.org"), reason=reason, note="", expires_at=None)
    assert refused(client, Destination=["bounced@example.org"]) == "FailedOperation.EmailAddrInBlacklist"
    assert refused(client, Destination=["left@example.org"]) == "FailedOperation.ReceiverHasUnsubscribed"
    answer = send(client, Destination=["bounced@example.org", "fine@example.org"])
    arrived(smtp, "fine@example.org")
    lines = {
        one.ToEmailAddress: (one.SendStatus, one.DeliverStatus) for one in status(client, MessageId=answer.MessageId)
    }
    assert lines["bounced@example.org"] == (1007, 2)
    assert lines["fine@example.org"] in {(0, 0), (0, 1)}


def test_a_refusal_of_the_server_is_rejected_and_its_words_are_given(client):
    answer = send(client, Destination=["nobody@example.com"])
    until(lambda: status(client, MessageId=answer.MessageId)[0].DeliverStatus == 3, "not rejected")
    (line,) = status(client, MessageId=answer.MessageId)
    assert (line.SendStatus, "no such user" in line.DeliverMessage) == (0, True)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Destination": [f"{one}@example.com" for one in range(51)]}, "FailedOperation.TooManyRecipients"),
        ({"Cc": [f"{one}@example.com" for one in range(21)]}, "FailedOperation.TooManyRecipients"),
        ({"Destination": []}, "InvalidParameterValue.EmailAddressIsNULL"),
        ({"Destination": ["no address"]}, "InvalidParameterValue.ReceiverEmailInvalid"),
        ({"Destination": ["a@example.com"], "Bcc": ["A@example.com"]}, "InvalidParameterValue.ReceiverEmailInvalid"),
        ({"FromEmailAddress": "Shop: x <a@mail.example.com>"}, "FailedOperation.IncorrectSender"),
        ({"FromEmailAddress": "Shop<a@mail.example.com>"}, "FailedOperation.IncorrectSender"),
        ({"FromEmailAddress": "nobody"}, "FailedOperation.IncorrectSender"),
        ({"FromEmailAddress": "a@not.set.up.example"}, "FailedOperation.NotAuthenticatedSender"),
        ({"Subject": ""}, "InvalidParameterValue.SubjectLengthError"),
        ({"Subject": "a\r\nBcc: x@example.com"}, "InvalidParameterValue"),
        ({"Subject": "x" * 999}, "InvalidParameterValue.SubjectLengthError"),
        ({"Simple": None}, "FailedOperation.MissingEmailContent"),
        ({"Simple": {"Text": "not base64!"}}, "InvalidParameterValue.EmailContentIsWrong"),
        ({"Simple": {"Html": "/w=="}}, "InvalidParameterValue.EmailContentIsWrong"),
        ({"Unsubscribe": "13"}, "InvalidParameterValue"),
        ({"TriggerType": 2}, "InvalidParameterValue"),
        ({"SmtpHeaders": '{"List-Unsubscribe": "<x>"}'}, "FailedOperation.ProtocolCheckErr"),
        ({"SmtpHeaders": '{"X-A": "b\\r\\nBcc: x@example.com"}'}, "FailedOperation.ProtocolCheckErr"),
        ({"SmtpHeaders": "x"}, "FailedOperation.ProtocolCheckErr"),
        ({"SmtpMessageId": "none"}, "FailedOperation.ProtocolCheckErr"),
        ({"ReplyToAddresses": "none"}, "FailedOperation.IncorrectEmail"),
        ({"Attachments": [{"FileName": "a.pdf", "Content": "eA=="}] * 11}, "FailedOperation.TooManyAttachments"),
        ({"Attachments": [{"FileName": "a b.pdf", "Content": "eA=="}]}, "FailedOperation.InvalidAttachName"),
        ({"Attachments": [{"FileName": "a.exe", "Content": "eA=="}]}, "FailedOperation.InvalidAttachName"),
        ({"Attachments": [{"FileName": "a.pdf", "Content": "?"}]}, "InvalidParameterValue.AttachContentIsWrong"),
        ({"Attachments": [{"FileName": "a.pdf", "FileURL": "https://x"}]}, "FailedOperation.FileURLNotExist"),
    ],
)
def test_what_cannot_be_sent_has_the_code_of_the_reference(client, api_dsn, fields, code):
    before = rows(api_dsn, "SELECT count(*) FROM single_message")
    assert refused(client, **{"Destination": ["a@example.com"], **fields}) == code
    assert rows(api_dsn, "SELECT count(*) FROM single_message") == before


def test_files_of_more_than_four_megabytes_are_refused(client):
    file = {"FileName": "a.zip", "Content": base64.b64encode(b"x" * 2_200_000).decode()}
    fields = {"Destination": ["a@example.com"], "Attachments": [file, {**file, "FileName": "b.zip"}]}
    assert refused(client, **fields) == "FailedOperation.AttachContentToolarge"


def test_dates_and_pages_of_the_status(client):
    assert client.refused("GetSendEmailStatus", RequestDate="x", Offset=0, Limit=1) == "InvalidParameterValue.WrongDate"
    old = {"RequestDate": "2020-01-01", "Offset": 0, "Limit": 1}
    assert client.refused("GetSendEmailStatus", **old) == "FailedOperation.NotSupportDate"
    many = {"RequestDate": today(), "Offset": 0, "Limit": 101}
    assert client.refused("GetSendEmailStatus", **many) == "FailedOperation.InvalidLimit"
    everything = status(client)
    assert [one.MessageId for one in status(client, Offset=1, Limit=2)] == [one.MessageId for one in everything[1:3]]


def test_a_key_of_another_domain_sees_nothing_of_it(api, api_dsn, client):
    other = ReferenceClient(api.url, reference_key(api_dsn, "other", ["send"], ["other.example.com"]))
    answer = send(client, Destination=["seen@example.com"])
    assert status(other, MessageId=answer.MessageId) == []
    assert status(other, ToEmailAddress="seen@example.com") == []
    assert refused(other, Destination=["a@example.com"]) == "AuthFailure.UnauthorizedOperation"
    own = ReferenceClient(api.url, reference_key(api_dsn, "own", ["send"], [DOMAIN]))
    shown = {"Destination": ["a@example.com"], "HeaderFrom": "boss@other.example.com"}
    assert refused(own, **shown) == "FailedOperation.IncorrectSender"


def test_over_quota_a_message_is_refused_at_once_and_nothing_is_kept(api_dsn, smtp, tmp_path):
    small = json.dumps({"small.example.com": {"plan": [2], "started_on": "2026-01-01", "time_zone": "UTC"}})
    more = {"AIRFLOW_CONN_SES_SMTP": smtp.uri, "AIRFLOW_VAR_SES_WARMUP_QUOTA": small}
    with reference_api(api_dsn, tmp_path, **more) as process:
        client = ReferenceClient(process.url, reference_key(api_dsn, "small"))
        codes = []
        for number in range(4):
            fields = {"FromEmailAddress": "a@small.example.com", "Destination": [f"q{number}@example.com"]}
            try:
                codes.append(send(client, **fields).MessageId[:9])
            except Exception as problem:
                codes.append(problem.code)
        assert codes == ["qcloudses", "qcloudses", *["FailedOperation.ExceedSendLimit"] * 2]
        assert rows(api_dsn, "SELECT count(*) FROM single_message WHERE sender_domain = 'small.example.com'") == [(2,)]
