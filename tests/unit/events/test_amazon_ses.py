"""Amazon SES by SNS: who may speak, and what is heard."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from ses_ops.errors import InvalidInput
from ses_ops.events.amazon_ses import AmazonSes, signed_text
from ses_ops.events.hook import HookRefused
from ses_ops.events.sns_certificate import certificate_host, confirms
from tests.unit.events.hook_world import NOW, POLICY, TOKEN, UNKNOWN_USER, heard, refusal, request, said

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events"
FOREIGN = "arn:aws:sns:eu-west-1:999999999999:ses-events"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
SUBSCRIBE = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
NAMES = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
OF_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@cache
def a_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def certificate(begins: datetime = NOW - timedelta(days=1), *, days: int = 300, bits: int = 2048) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=a_key(bits).public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=begins,
        not_valid_after=begins + timedelta(days=days),
    )
    return made.sign(a_key(bits), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Web:
    """What is fetched, and what answers."""

    def __init__(self, answer: bytes | OSError | None = None) -> None:
        self.answer = certificate() if answer is None else answer
        self.fetched: list[str] = []

    async def __call__(self, address: str) -> bytes:
        self.fetched.append(address)
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


def hook(web: Web | None = None) -> AmazonSes:
    return AmazonSes(frozenset({TOPIC}), web or Web())


def message(content: object = None, *, version: str = "2", bits: int = 2048, **fields: object) -> dict[str, object]:
    """A message of SNS, signed."""
    made: dict[str, object] = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": content if isinstance(content, str) else json.dumps(content or {}),
        "Timestamp": "2026-11-29T12:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **fields,
    }
    names = NAMES if made["Type"] == "Notification" else OF_CONFIRMATION
    hash_of = {"1": hashes.SHA1(), "2": hashes.SHA256()}.get(version, hashes.SHA256())
    signature = a_key(bits).sign(signed_text(made, names), padding.PKCS1v15(), hash_of)
    return {**made, "Signature": base64.b64encode(signature).decode()}


def posted(made: dict[str, object], **changed: object):
    headers = {"x-amz-sns-message-type": str(made["Type"]), "x-amz-sns-message-id": str(made["MessageId"])}
    return request({**made, **changed}, headers)


def record(kind: str, name: str, part: dict[str, object], **mail: object) -> dict[str, object]:
    return {
        "eventType": kind,
        "mail": {
            "timestamp": "2026-11-29T11:59:00.000Z",
            "messageId": "0102018c",
            "destination": ["ana@example.org"],
            "headers": [{"name": "Message-ID", "value": "<inst.7.3@d.example>"}],
            "tags": {"ses_ops": [TOKEN], "ses:configuration-set": ["a"]},
            **mail,
        },
        name: {"timestamp": "2026-11-29T11:59:30.000Z", **part},
    }


def bounce(kind: str, subtype: str, words: str | None = None, **recipient: object) -> dict[str, object]:
    one = {"emailAddress": "Ana@example.org", **recipient, **({"diagnosticCode": words} if words else {})}
    part = {"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": [one], "feedbackId": "f-1"}
    return record("Bounce", "bounce", part)


def told(content: object):
    return heard(hook(), posted(message(content)))


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("more", [{}, {"Subject": "Amazon SES Email Event Notification"}])
def test_a_signed_notification_is_taken(version: str, more: dict[str, str]) -> None:
    assert refusal(hook(), posted(message({"a": 1}, version=version, **more))) == ""


def test_the_text_that_is_signed_is_that_of_amazons_documentation() -> None:
    # From the developer guide of Amazon SNS, "Verifying the signatures of Amazon SNS messages".
    given = {
        "Type": "Notification",
        "MessageId": "4d4dc071-ddbf-465d-bba8-08f81c89da64",
        "TopicArn": "arn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P",
        "Subject": "My Test Message",
        "Message": "Test message",
        "Timestamp": "2019-01-31T04:37:04.321Z",
    }
    assert signed_text(given, NAMES) == (
        b"Message\nTest message\nMessageId\n4d4dc071-ddbf-465d-bba8-08f81c89da64\nSubject\nMy Test Message\n"
        b"Timestamp\n2019-01-31T04:37:04.321Z\nTopicArn\narn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P"
        b"\nType\nNotification\n"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"Message": '{"eventType": "Bounce"}'},
        {"Timestamp": "2026-11-29T12:00:01.000Z"},
        {"Subject": "added"},
        {"SignatureVersion": "1"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": None},
        {"Signature": "AAAA"},
        {"Signature": "no base64"},
        {"Signature": None},
    ],
)
def test_an_altered_message_is_refused(changed: dict[str, object]) -> None:
    assert refusal(hook(), posted(message({"a": 1}), **changed)) == "hook_signature_wrong"


def test_a_message_of_a_foreign_topic_is_refused_although_amazon_signed_it() -> None:
    web = Web()
    assert refusal(hook(web), posted(message(TopicArn=FOREIGN))) == "hook_topic_not_listed"
    foreign = message(Type="SubscriptionConfirmation", TopicArn=FOREIGN, SubscribeURL=SUBSCRIBE, Token="t")
    assert refusal(hook(web), posted(foreign)) == "hook_topic_not_listed"
    assert web.fetched == []  # nothing is fetched for a stranger


@pytest.mark.parametrize("topic", [[], {}, [TOPIC], {TOPIC: 1}, 1, None, True])
def test_a_topic_that_is_no_text_is_refused(topic: object) -> None:
    assert refusal(hook(), posted(message(), TopicArn=topic)) == "hook_topic_not_listed"


@pytest.mark.parametrize("name", ["x-amz-sns-message-type", "x-amz-sns-message-id"])
def test_headers_that_contradict_the_content_are_refused(name: str) -> None:
    given = posted(message())
    for value in ("UnsubscribeConfirmation", None):
        headers = {**given.headers, name: value} if value else {k: v for k, v in given.headers.items() if k != name}
        assert refusal(hook(), request(given.body, headers)) == "hook_headers_contradict"


@pytest.mark.parametrize("stamp", ["2026-11-28T12:00:00.000Z", "2026-11-29T12:30:00.000Z", "yesterday", "", None, 5])
def test_an_old_message_is_refused_as_a_replay(stamp: object) -> None:
    assert refusal(hook(), posted(message(Timestamp=stamp))) == "hook_signature_too_old"


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://s3.amazonaws.com/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns-x.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://xsns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://a:b@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com\\@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/../x/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem?x=1",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem#x",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem\n",
        "https://sns.eu-west-1.amazonaws.com/?Action=GetTopic.pem",
        "https://SNS.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com./SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-wеst-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "//sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "",
        None,
        ["https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"],
    ],
)
def test_a_certificate_from_anywhere_but_sns_is_not_even_fetched(address: object) -> None:
    web = Web()
    assert certificate_host(address) is None
    assert refusal(hook(web), posted(message(SigningCertURL=address))) == "hook_certificate_address"
    assert web.fetched == []


@pytest.mark.parametrize(
    "host", ["us-east-1.amazonaws.com", "us-gov-west-1.amazonaws.com", "cn-north-1.amazonaws.com.cn"]
)
def test_the_certificates_of_all_regions_are_known(host: str) -> None:
    assert certificate_host(f"https://sns.{host}/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem")


def test_a_certificate_is_fetched_once() -> None:
    web = Web()
    taking = hook(web)
    assert [refusal(taking, posted(message({"n": n}))) for n in range(3)] == ["", "", ""]
    assert web.fetched == [CERTIFICATE]


@pytest.mark.parametrize(
    "answer",
    [
        certificate(NOW - timedelta(days=30), days=20),
        certificate(NOW + timedelta(days=1)),
        b"",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
    ids=["expired", "not yet", "empty", "broken"],
)
def test_a_certificate_that_is_not_valid_is_refused(answer: bytes) -> None:
    assert refusal(hook(Web(answer)), posted(message())) == "hook_certificate_not_valid"


def test_a_weak_key_is_refused() -> None:
    assert refusal(hook(Web(certificate(bits=1024))), posted(message(bits=1024))) == "hook_certificate_not_valid"


def test_a_signature_of_another_key_is_refused() -> None:
    assert refusal(hook(), posted(message(bits=3072))) == "hook_signature_wrong"


def test_where_the_certificate_cannot_be_fetched_the_provider_is_asked_to_try_again() -> None:
    web = Web(OSError("no route"))
    taking = hook(web)
    with pytest.raises(HookRefused) as refused:
        asyncio.run(taking.verify(posted(message())))
    assert (refused.value.code, refused.value.status) == ("hook_certificate_not_fetched", 503)
    web.answer = certificate()
    assert refusal(taking, posted(message())) == ""


def test_a_stranger_who_knows_the_topic_does_not_make_us_fetch_without_end() -> None:
    web = Web(OSError("404"))
    taking = hook(web)
    named = [CERTIFICATE.replace("0123456789abcdef", f"{n:016x}") for n in range(100)]
    assert {refusal(taking, posted(message(SigningCertURL=one))) for one in named} == {"hook_certificate_not_fetched"}
    assert len(web.fetched) == 20
    web.answer = certificate()
    later = request(posted(message()).body, dict(posted(message()).headers), at=NOW + timedelta(minutes=2))
    assert refusal(taking, later) == ""


def confirmation(**fields: object) -> dict[str, object]:
    given = {"Type": "SubscriptionConfirmation", "Token": "2336412f37", "SubscribeURL": SUBSCRIBE, **fields}
    return message("You have chosen to subscribe", **given)


def test_the_subscription_of_a_listed_topic_is_confirmed() -> None:
    web = Web()
    taking, given = hook(web), posted(confirmation())
    assert refusal(taking, given) == ""
    asyncio.run(taking.confirm(given))
    assert web.fetched == [CERTIFICATE, SUBSCRIBE]
    assert not heard(taking, given).events
    assert not heard(taking, given).set_aside


@pytest.mark.parametrize(
    "address",
    [
        SUBSCRIBE.replace("ConfirmSubscription", "Unsubscribe"),
        SUBSCRIBE.replace(TOPIC, FOREIGN),
        SUBSCRIBE + f"&TopicArn={FOREIGN}",
        SUBSCRIBE + "&Endpoint=x",
        SUBSCRIBE.replace("https", "http"),
        SUBSCRIBE.replace("sns.eu-west-1.amazonaws.com", "169.254.169.254"),
        SUBSCRIBE.replace("amazonaws.com", "amazonaws.com.evil.example"),
        SUBSCRIBE.replace("amazonaws.com", "amazonaws.com:81"),
        SUBSCRIBE.replace("https://", "https://a@"),
        SUBSCRIBE + "\r\nX: y",
        None,
    ],
)
def test_a_confirmation_is_fetched_only_from_sns_and_only_for_its_topic(address: object) -> None:
    web = Web()
    assert not confirms(address, TOPIC)
    with pytest.raises(HookRefused, match="not one of Amazon SNS"):
        asyncio.run(hook(web).confirm(posted(confirmation(SubscribeURL=address))))
    assert web.fetched == []


def test_the_word_that_a_topic_was_set_up_is_no_event() -> None:
    found = told("Successfully validated SNS topic for Amazon SES event publishing.")
    assert not found.events
    assert not found.set_aside


@pytest.mark.parametrize(
    ("kind", "subtype", "words", "expected"),
    [
        ("Permanent", "General", UNKNOWN_USER, ("bounced", True, "no-such-address")),
        ("Permanent", "General", POLICY, ("bounced", False, "blocked")),
        ("Permanent", "General", None, ("bounced", False, "")),
        ("Permanent", "NoEmail", UNKNOWN_USER, ("bounced", True, "no-such-address")),
        ("Permanent", "NoEmail", None, ("bounced", True, "no-such-address")),
        ("Permanent", "NoEmail", "smtp; 550 refused", ("bounced", True, "no-such-address")),
        ("Permanent", "NoEmail", POLICY, ("bounced", False, "blocked")),
        ("Permanent", "NoEmail", "smtp; 552 5.2.2 mailbox full", ("bounced", False, "mailbox-full")),
        ("Permanent", "Suppressed", "Amazon SES has suppressed sending to this address", ("dropped", False, "")),
        ("Permanent", "OnAccountSuppressionList", "Amazon SES did not send the message", ("dropped", False, "")),
        ("Transient", "General", UNKNOWN_USER, ("bounced", False, "recipient-refused")),
        ("Transient", "MailboxFull", "smtp; 452 4.2.2 over quota", ("bounced", False, "mailbox-full")),
        ("Transient", "MessageTooLarge", "smtp; 552 5.3.4 too big", ("bounced", False, "too-big")),
        ("Undetermined", "Undetermined", UNKNOWN_USER, ("bounced", False, "recipient-refused")),
    ],
)
def test_only_no_such_address_is_hard(kind: str, subtype: str, words: str | None, expected: tuple) -> None:
    found = told(bounce(kind, subtype, words))
    assert said(found) == [expected]
    assert found.events[0].provider_kind == f"Bounce/{kind}/{subtype}"


def test_an_out_of_office_reply_which_amazon_calls_a_bounce_is_none() -> None:
    found = told(bounce("Transient", "General"))
    assert not found.events
    assert [one.why.code for one in found.set_aside] == ["hook_automatic_reply"]


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [(None, "complained"), ("abuse", "complained"), ("fraud", "complained"), ("opt-out", "unsubscribed")],
)
def test_a_complaint_is_one(feedback: str | None, kind: str) -> None:
    part = {"complainedRecipients": [{"emailAddress": "a@b.example"}], "complaintFeedbackType": feedback}
    assert [one.kind.value for one in told(record("Complaint", "complaint", part)).events] == [kind]


@pytest.mark.parametrize("feedback", ["not-spam", "auth-failure", "virus", "other", "new-kind"])
def test_other_feedback_reports_are_no_complaints(feedback: str) -> None:
    part = {"complainedRecipients": [{"emailAddress": "a@b.example"}], "complaintFeedbackType": feedback}
    found = told(record("Complaint", "complaint", part))
    assert not found.events
    assert [one.why.code for one in found.set_aside] == ["hook_not_a_complaint"]


def test_a_complaint_for_the_list_of_the_account_is_mail_that_was_not_sent() -> None:
    part = {"complainedRecipients": [{"emailAddress": "a@b"}], "complaintSubType": "OnAccountSuppressionList"}
    assert said(told(record("Complaint", "complaint", part))) == [("dropped", False, "")]


def test_the_other_kinds_are_heard() -> None:
    delivered = record("Delivery", "delivery", {"recipients": ["a@b.example"], "smtpResponse": "250 ok"})
    late = {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": "a@b", "status": "4.2.2"}]}
    failed = record("Rendering Failure", "failure", {"errorMessage": "Attribute 'x' is not present"})
    left = record("Subscription", "subscription", {"newTopicPreferences": {"unsubscribeAll": True}})
    assert said(told(delivered)) == [("delivered", False, "")]
    assert said(told(record("DeliveryDelay", "deliveryDelay", late))) == [("deferred", False, "mailbox-full")]
    assert said(told(record("Reject", "reject", {"reason": "Bad content"}))) == [("dropped", False, "")]
    assert said(told(failed)) == [("dropped", False, "")]
    assert said(told(left)) == [("unsubscribed", False, "")]
    for kind in ("Send", "Open", "Click"):
        found = told(record(kind, kind.lower(), {}))
        assert (found.events, found.set_aside) == ([], [])


def test_an_event_has_token_message_id_and_the_id_of_the_feedback() -> None:
    (event,) = told(bounce("Permanent", "General", UNKNOWN_USER)).events
    assert event.message is not None
    assert (event.message.occurrence_id, event.message.seq, event.message.address_check) == (7, 3, 99)
    assert (event.message_id, event.authenticated) == ("inst.7.3@d.example", True)
    assert event.source_id == "f-1 ana@example.org"
    assert event.occurred_at.isoformat() == "2026-11-29T11:59:30+00:00"


def test_the_notification_of_an_identity_is_read_without_tags() -> None:
    content = bounce("Permanent", "General", UNKNOWN_USER)
    content["notificationType"] = content.pop("eventType")
    content["mail"]["headers"] += [{"name": "X-SES-MESSAGE-TAGS", "value": f"a=b, ses_ops={TOKEN}"}]
    del content["mail"]["tags"]
    (event,) = told(content).events
    assert event.message is not None


def test_unknown_kinds_and_texts_are_set_aside() -> None:
    for content, code in (
        (record("Novelty", "novelty", {}), "hook_kind_unknown"),
        ("no json", "hook_event_not_understood"),
        ("[1]", "hook_event_not_understood"),
    ):
        found = told(content)
        assert not found.events
        assert [one.why.code for one in found.set_aside] == [code]


def test_the_setting_is_a_list_of_topics() -> None:
    hook = AmazonSes.from_setting(f"{TOPIC}, arn:aws-cn:sns:cn-north-1:123456789012:x.fifo")
    assert hook.describe().startswith("arn:aws-cn:sns")
    with pytest.raises(InvalidInput, match="not the ARN"):
        AmazonSes.from_setting("arn:aws:sqs:eu-west-1:123456789012:x")
