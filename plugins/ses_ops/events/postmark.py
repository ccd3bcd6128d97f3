"""Events of Postmark, which posts one JSON object an event, with a login in the address (basic authentication)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import InvalidInput
from ses_ops.events.hook import Heard, Hook, HookRefused, HookRequest, json_object, secrets_in
from ses_ops.events.hook_values import mapping, text, verdict

#: Types of a bounce that are none.
_AUTOMATIC = frozenset({"autoresponder", "challengeverification"})
#: Types of a bounce for mail that Postmark did not send.
_DROPPED = frozenset(
    {
        "manuallydeactivated",
        "unconfirmed",
        "smtpapierror",
        "inbounderror",
        "templaterenderingfailed",
        "virusnotification",
    }
)
#: Types that mean that there is no such address.
_MISSING = frozenset({"hardbounce", "bademailaddress"})
#: Characters of the shortest password.
_SHORTEST = 16


class Postmark(Hook):
    """Postmark's webhooks."""

    source: ClassVar[str] = "postmark"
    setting: ClassVar[str] = "SES_HOOK_POSTMARK_LOGIN"

    def __init__(self, logins: tuple[str, ...]) -> None:
        self._logins = logins

    @classmethod
    def from_setting(cls, value: str) -> Postmark:
        """`user:password`, as the address that is set at Postmark has it."""
        logins = secrets_in(value)
        if not all(len(one.partition(":")[2]) >= _SHORTEST and not one.startswith(":") for one in logins):
            raise InvalidInput("hook_login_not_valid", least=_SHORTEST, where=cls.setting)
        return cls(logins)

    async def verify(self, request: HookRequest) -> None:
        """Compare the login (RFC 7617)."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            login = base64.b64decode(given.strip(), validate=True) if scheme.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            login = b""
        if not any([hmac.compare_digest(login, one.encode()) for one in self._logins]):  # noqa: C419
            raise HookRefused(401, "hook_login_wrong")

    def parse(self, request: HookRequest, heard: Heard) -> None:
        """Add the event."""
        event = json_object(request.body)
        told = text(event.get("RecordType")).strip()
        reader = {
            "bounce": _bounce,
            "delivery": _delivery,
            "spamcomplaint": _complaint,
            "subscriptionchange": _subscription,
            "open": _open,
            "click": _click,
        }.get(told.lower())
        if reader is not None:
            reader(event, heard)
        else:
            heard.aside(event, "hook_kind_unknown", kind_told=told[:100])


def _bounce(event: Mapping[str, Any], heard: Heard) -> None:
    told = text(event.get("Type")).strip()
    form, words = told.lower(), event.get("Details")
    if form in _AUTOMATIC:
        heard.aside(event, "hook_automatic_reply", source_id=_id(event))
    elif form == "spamcomplaint":
        _add(EventKind.COMPLAINED, event, heard, "BouncedAt")
    elif form == "unsubscribe":
        _add(EventKind.UNSUBSCRIBED, event, heard, "BouncedAt")
    elif form in ("subscribe", "openrelaytest", "addresschange"):
        heard.aside(event, "hook_kind_unknown", source_id=_id(event), kind_told=f"Bounce/{told[:80]}")
    elif form in _DROPPED:
        _add(EventKind.DROPPED, event, heard, "BouncedAt")
    else:
        # Only the server's words are judged; Postmark's own Description names examples of what it may be.
        found = verdict(words, permanent=form in _MISSING, missing=form in _MISSING)
        _add(EventKind.BOUNCED, event, heard, "BouncedAt", verdict=found)


def _delivery(event: Mapping[str, Any], heard: Heard) -> None:
    _add(EventKind.DELIVERED, event, heard, "DeliveredAt")


def _complaint(event: Mapping[str, Any], heard: Heard) -> None:
    _add(EventKind.COMPLAINED, event, heard, "BouncedAt")


def _subscription(event: Mapping[str, Any], heard: Heard) -> None:
    """A change of Postmark's own suppression list; its bounces and complaints come as events of their own."""
    if event.get("SuppressSending") is True and text(event.get("SuppressionReason")) == "ManualSuppression":
        if text(event.get("Origin")).lower() == "recipient":
            _add(EventKind.UNSUBSCRIBED, event, heard, "ChangedAt")
            return
    elif event.get("SuppressSending") is True and event.get("SuppressionReason") in ("HardBounce", "SpamComplaint"):
        return
    heard.aside(event, "hook_kind_unknown", source_id=_id(event), kind_told="SubscriptionChange")


def _open(event: Mapping[str, Any], heard: Heard) -> None:
    _engaged(EngagementKind.OPENED, event, heard)


def _click(event: Mapping[str, Any], heard: Heard) -> None:
    _engaged(EngagementKind.CLICKED, event, heard)


def _engaged(kind: EngagementKind, event: Mapping[str, Any], heard: Heard) -> None:
    heard.engaged(
        kind,
        event,
        # An open has no id of its own: message, time and client tell two apart.
        source_id=" ".join(
            filter(None, (text(event.get(name)) for name in ("RecordType", "MessageID", "ReceivedAt", "OriginalLink")))
        ),
        at=text(event.get("ReceivedAt")),
        token=_metadata(event).get("ses-ops"),
        message_id=event.get("MessageID"),
        address=event.get("Recipient"),
        target=event.get("OriginalLink"),
        ip=mapping(event.get("Geo")).get("IP"),
        user_agent=event.get("UserAgent"),
    )


def _metadata(event: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower().replace("_", "-"): one for name, one in mapping(event.get("Metadata")).items()}


def _add(kind: EventKind, event: Mapping[str, Any], heard: Heard, time: str, **more: Any) -> None:
    heard.add(
        kind,
        event,
        source_id=_id(event),
        at=text(event.get(time)),
        provider_kind="/".join(filter(None, (text(event.get(name)) for name in ("RecordType", "Type")))),
        token=_metadata(event).get("ses-ops"),
        message_id=event.get("MessageID"),
        address=event.get("Email") or event.get("Recipient"),
        diagnostic=event.get("Details"),
        **more,
    )


def _id(event: Mapping[str, Any]) -> str:
    """ID and type; an event without ID has message, recipient and time in their place."""
    names = ("RecordType", "Type", "ID", "MessageID", "Email", "Recipient", "DeliveredAt", "ChangedAt")
    return " ".join(filter(None, (text(event.get(name)) for name in names)))
