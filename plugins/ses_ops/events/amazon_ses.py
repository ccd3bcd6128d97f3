"""Events of Amazon SES, which Amazon SNS posts.

Every message of SNS is signed, by a certificate that is fetched from SNS. The signature alone proves little: any
customer of Amazon can point a topic of his own at our address. So the topic has to be one that is set up here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import InvalidInput
from ses_ops.events.hook import MOST_UNPROVEN, Heard, Hook, HookRefused, HookRequest, json_object, json_of
from ses_ops.events.hook_values import Verdict, items, mapping, moment, text, verdict
from ses_ops.events.sns_certificate import Certificates, Fetch, confirms, fetch_https

_TOPIC = re.compile(r"arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]{3,32}:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
#: SHA-1 is what a topic signs with unless its attribute SignatureVersion is 2.
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303
#: What SES posts when a topic is set up.
_VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."
_NO_EVENTS = frozenset({"send"})
#: Values of `complaintFeedbackType` (RFC 5965 7.3) that are complaints; many complaints have none.
_COMPLAINTS = frozenset({"", "abuse", "fraud"})


class AmazonSes(Hook):
    """Amazon SES by Amazon SNS."""

    source: ClassVar[str] = "amazon_ses"
    setting: ClassVar[str] = "SES_HOOK_AMAZON_SES_TOPICS"
    #: A message of SNS has 256 KB at most, which JSON in JSON makes longer.
    most_bytes: ClassVar[int] = MOST_UNPROVEN

    def __init__(self, topics: frozenset[str], fetch: Fetch = fetch_https) -> None:
        self._topics = topics
        self._fetch = fetch
        self._certificates = Certificates(fetch)

    @classmethod
    def from_setting(cls, value: str) -> AmazonSes:
        """The topics' ARNs, separated by spaces or commas."""
        topics = frozenset(value.replace(",", " ").split())
        wrong = sorted(one for one in topics if not _TOPIC.fullmatch(one))
        if wrong:
            raise InvalidInput("hook_topic_not_an_arn", value=wrong[0], where=cls.setting)
        return cls(topics)

    def describe(self) -> str:
        """The topics; they are no secret."""
        return ", ".join(sorted(self._topics))

    async def verify(self, request: HookRequest) -> None:
        """Check headers, topic, age and signature, of every kind of message."""
        message = json_object(request.body)
        kind, topic = message.get("Type"), message.get("TopicArn")
        names = _SIGNED.get(kind) if isinstance(kind, str) else None
        if names is None:
            raise HookRefused(400, "hook_not_of_sns")
        headers = request.headers
        if (headers.get("x-amz-sns-message-type"), headers.get("x-amz-sns-message-id")) != (
            kind,
            message.get("MessageId"),
        ):
            raise HookRefused(403, "hook_headers_contradict")
        if text(topic) not in self._topics:
            raise HookRefused(403, "hook_topic_not_listed", topic=text(topic)[:300])
        request.fresh(moment(text(message.get("Timestamp"))))
        await self._check_signature(message, names, request)

    async def _check_signature(self, message: Mapping[str, Any], names: tuple[str, ...], request: HookRequest) -> None:
        hash_of = _HASHES.get(text(message.get("SignatureVersion")))
        if hash_of is None:
            raise HookRefused(403, "hook_signature_wrong")
        key = await self._certificates.key(message.get("SigningCertURL"), request.at)
        try:
            signature = base64.b64decode(text(message.get("Signature")), validate=True)
            key.verify(signature, signed_text(message, names), PKCS1v15(), hash_of)
        except (InvalidSignature, binascii.Error, ValueError):
            raise HookRefused(403, "hook_signature_wrong") from None

    async def confirm(self, request: HookRequest) -> None:
        """Confirm the subscription that a verified message asks to confirm."""
        message = json_object(request.body)
        if message.get("Type") != "SubscriptionConfirmation":
            return
        address = message.get("SubscribeURL")
        if not confirms(address, text(message.get("TopicArn"))):
            raise HookRefused(403, "hook_confirmation_address")
        try:
            await self._fetch(str(address))
        except OSError as error:
            raise HookRefused(503, "hook_not_confirmed", cause=error) from None

    def parse(self, request: HookRequest, heard: Heard) -> None:
        """Add the events of a notification, one a recipient. A confirmation has none."""
        message = json_object(request.body)
        content = message.get("Message")
        if message.get("Type") == "UnsubscribeConfirmation":
            heard.aside(message, "hook_unsubscribed", source_id=text(message.get("MessageId")))
            return
        if message.get("Type") != "Notification" or text(content).strip() == _VALIDATED:
            return
        sns_id = text(message.get("MessageId"))
        try:
            record = json_of(text(content).encode("utf-8", "replace"))
        except HookRefused:
            record = None
        if not isinstance(record, dict):
            heard.aside(message, "hook_event_not_understood", source_id=sns_id)
            return
        told = text(record.get("eventType") or record.get("notificationType"))
        _Record(record, sns_id, heard).read(told.replace(" ", "").lower(), told)


class _Record:
    """The record of one event: what it is about, and where it is added."""

    def __init__(self, record: dict[str, Any], sns_id: str, heard: Heard) -> None:
        self._record = record
        self._sns_id = sns_id
        self._heard = heard
        self._mail = mapping(record.get("mail"))

    def read(self, kind: str, told: str) -> None:
        reader = {
            "bounce": self._bounce,
            "complaint": self._complaint,
            "delivery": self._delivery,
            "deliverydelay": self._delay,
            "reject": self._reject,
            "renderingfailure": self._failure,
            "subscription": self._subscription,
            "open": self._open,
            "click": self._click,
        }.get(kind)
        if reader is not None:
            reader()
        elif kind not in _NO_EVENTS:
            self._heard.aside(self._record, "hook_kind_unknown", source_id=self._sns_id, kind_told=told[:100])

    def _bounce(self) -> None:
        bounce = mapping(self._record.get("bounce"))
        kind, subtype = text(bounce.get("bounceType")), text(bounce.get("bounceSubType"))
        told = f"Bounce/{kind}/{subtype}"
        for one in _recipients(bounce.get("bouncedRecipients"), self._mail):
            words, status = one.get("diagnosticCode"), one.get("status")
            if subtype in ("Suppressed", "OnAccountSuppressionList"):
                self._add(EventKind.DROPPED, one, bounce, told, diagnostic=words)
                continue
            if kind == "Transient" and subtype == "General" and not text(words) and not text(status):
                # An automatic reply to the mail, which SES reports like this, is no bounce.
                self._heard.aside(self._record, "hook_automatic_reply", source_id=self._id(bounce, one))
                continue
            found = verdict(words, status=status, permanent=kind == "Permanent", missing=subtype == "NoEmail")
            self._add(EventKind.BOUNCED, one, bounce, told, found=found, diagnostic=words)

    def _complaint(self) -> None:
        complaint = mapping(self._record.get("complaint"))
        subtype = text(complaint.get("complaintSubType"))
        feedback = text(complaint.get("complaintFeedbackType")).strip().lower()
        told = "/".join(("Complaint", *filter(None, (subtype, feedback))))
        for one in _recipients(complaint.get("complainedRecipients"), self._mail):
            if subtype == "OnAccountSuppressionList":
                self._add(EventKind.DROPPED, one, complaint, told)
            elif feedback in _COMPLAINTS:
                self._add(EventKind.COMPLAINED, one, complaint, told)
            elif feedback == "opt-out":
                self._add(EventKind.UNSUBSCRIBED, one, complaint, told)
            else:
                self._heard.aside(
                    self._record, "hook_not_a_complaint", source_id=self._id(complaint, one), kind_told=feedback[:100]
                )

    def _delivery(self) -> None:
        delivery = mapping(self._record.get("delivery"))
        for address in items(delivery.get("recipients")) or items(self._mail.get("destination")):
            one = {"emailAddress": address}
            self._add(EventKind.DELIVERED, one, delivery, "Delivery", diagnostic=delivery.get("smtpResponse"))

    def _delay(self) -> None:
        delay = mapping(self._record.get("deliveryDelay"))
        for one in _recipients(delay.get("delayedRecipients"), self._mail):
            words = one.get("diagnosticCode")
            found = verdict(words, status=one.get("status"), permanent=False)
            told = f"DeliveryDelay/{text(delay.get('delayType'))}"
            self._add(EventKind.DEFERRED, one, delay, told, found=found, diagnostic=words)

    def _reject(self) -> None:
        reason = mapping(self._record.get("reject")).get("reason")
        for one in _recipients(None, self._mail):
            self._add(EventKind.DROPPED, one, self._mail, "Reject", diagnostic=reason)

    def _failure(self) -> None:
        reason = mapping(self._record.get("failure")).get("errorMessage")
        for one in _recipients(None, self._mail):
            self._add(EventKind.DROPPED, one, self._mail, "Rendering Failure", diagnostic=reason)

    def _subscription(self) -> None:
        subscription = mapping(self._record.get("subscription"))
        told = f"Subscription/{text(subscription.get('source'))}"
        if mapping(subscription.get("newTopicPreferences")).get("unsubscribeAll") is not True:
            self._heard.aside(self._record, "hook_kind_unknown", source_id=self._sns_id, kind_told=told[:100])
            return
        for one in _recipients(None, self._mail):
            self._add(EventKind.UNSUBSCRIBED, one, subscription, told)

    def _open(self) -> None:
        self._engaged(EngagementKind.OPENED, mapping(self._record.get("open")))

    def _click(self) -> None:
        click = mapping(self._record.get("click"))
        self._engaged(EngagementKind.CLICKED, click, target=click.get("link"))

    def _engaged(self, kind: EngagementKind, part: Mapping[str, Any], target: object = None) -> None:
        """Of one recipient: the event does not say which one of several it was."""
        recipients = _recipients(None, self._mail)
        self._heard.engaged(
            kind,
            self._record,
            source_id=self._sns_id,
            at=text(part.get("timestamp")),
            token=_token(self._mail),
            message_id=_message_id(self._mail),
            address=recipients[0].get("emailAddress") if len(recipients) == 1 else None,
            target=target,
            ip=part.get("ipAddress"),
            user_agent=part.get("userAgent"),
        )

    def _id(self, part: Mapping[str, Any], one: Mapping[str, Any]) -> str:
        """The id of an event: SES may publish one bounce to two topics, with the same feedbackId."""
        return f"{text(part.get('feedbackId')) or self._sns_id} {text(one.get('emailAddress')).lower()}".strip()

    def _add(
        self,
        kind: EventKind,
        one: Mapping[str, Any],
        part: Mapping[str, Any],
        told: str,
        *,
        found: Verdict | None = None,
        diagnostic: object = None,
    ) -> None:
        self._heard.add(
            kind,
            self._record,
            source_id=self._id(part, one),
            at=text(part.get("timestamp") or self._mail.get("timestamp")),
            provider_kind=told,
            token=_token(self._mail),
            message_id=_message_id(self._mail),
            address=one.get("emailAddress"),
            verdict=found,
            diagnostic=diagnostic,
        )


def signed_text(message: Mapping[str, Any], names: tuple[str, ...]) -> bytes:
    """What SNS signs: each name and its value on a line of its own; a Subject only where there is one."""
    present = [name for name in names if name != "Subject" or message.get("Subject") is not None]
    return "".join(f"{name}\n{_plain(message.get(name))}\n" for name in present).encode("utf-8", "surrogatepass")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _recipients(value: object, mail: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The recipients that an event names, else those of the mail, else one that is not known."""
    named: list[Mapping[str, Any]] = [one for one in items(value) if isinstance(one, dict)]
    return named or [{"emailAddress": one} for one in items(mail.get("destination"))] or [{}]


def _token(mail: Mapping[str, Any]) -> object:
    """The tag `ses_ops`; notifications of an identity have no tags, but may have the headers of the mail."""
    values = items(mapping(mail.get("tags")).get("ses_ops"))
    if values:
        return values[0]
    tags = _header(mail, "x-ses-message-tags")
    found = re.search(r"(?:^|,)\s*ses_ops\s*=\s*([0-9A-Za-z]+)", tags)
    return found[1] if found else None


def _message_id(mail: Mapping[str, Any]) -> str:
    """The Message-ID as it was sent; SES gives the mail another."""
    return _header(mail, "message-id") or text(mapping(mail.get("commonHeaders")).get("messageId"))


def _header(mail: Mapping[str, Any], name: str) -> str:
    for one in items(mail.get("headers")):
        if isinstance(one, dict) and text(one.get("name")).lower() == name:
            return text(one.get("value"))
    return ""
