"""Events of SendGrid, which posts arrays of events and signs them by ECDSA."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import InvalidInput
from ses_ops.events.hook import Heard, Hook, HookRefused, HookRequest, json_of, secrets_in
from ses_ops.events.hook_values import mapping, moment, text, verdict

_KINDS = {
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "dropped": EventKind.DROPPED,
    "bounce": EventKind.BOUNCED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
}
_NO_EVENTS = frozenset({"processed"})
_ENGAGEMENT = {"open": EngagementKind.OPENED, "click": EngagementKind.CLICKED}


class SendGrid(Hook):
    """SendGrid's Event Webhook."""

    source: ClassVar[str] = "sendgrid"
    setting: ClassVar[str] = "SES_HOOK_SENDGRID_KEY"

    def __init__(self, keys: tuple[EllipticCurvePublicKey, ...]) -> None:
        self._keys = keys

    @classmethod
    def from_setting(cls, value: str) -> SendGrid:
        """The verification keys that SendGrid shows, in base64."""
        return cls(tuple(_key(one) for one in secrets_in(value)))

    async def verify(self, request: HookRequest) -> None:
        """Check the signature over the timestamp and the body as it came."""
        stamp = request.headers.get("x-twilio-email-event-webhook-timestamp", "")
        given = request.headers.get("x-twilio-email-event-webhook-signature", "")
        try:
            signature = base64.b64decode(given, validate=True)
            signed = stamp.encode("ascii") + request.body
        except (binascii.Error, ValueError):
            raise HookRefused(403, "hook_signature_wrong") from None
        if not any(_signed(key, signature, signed) for key in self._keys):
            raise HookRefused(403, "hook_signature_wrong")
        request.fresh(moment(stamp))

    def parse(self, request: HookRequest, heard: Heard) -> None:
        """Add the events of the array."""
        value = json_of(request.body)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                _read(one, heard)
            else:
                heard.aside(one, "hook_event_not_understood")


def _read(one: Mapping[str, Any], heard: Heard) -> None:
    told = text(one.get("event")).strip().lower()
    kind = _KINDS.get(told)
    if told in _ENGAGEMENT:
        heard.engaged(
            _ENGAGEMENT[told],
            one,
            source_id=text(one.get("sg_event_id")),
            at=one.get("timestamp"),
            token=one.get("ses_ops"),
            message_id=one.get("smtp-id"),
            address=one.get("email"),
            target=one.get("url"),
            place=mapping(one.get("url_offset")).get("index"),
            ip=one.get("ip"),
            user_agent=one.get("useragent"),
            machine=one.get("sg_machine_open") is True,
        )
        return
    if kind is None:
        if told not in _NO_EVENTS:
            heard.aside(one, "hook_kind_unknown", source_id=text(one.get("sg_event_id")), kind_told=told[:100])
        return
    form = text(one.get("type")).strip().lower()
    words = one.get("reason") or one.get("response")
    judged = kind in (EventKind.BOUNCED, EventKind.DEFERRED)
    # `blocked` and `expired` are bounces that are not about the address.
    permanent = kind is EventKind.BOUNCED and form not in ("blocked", "expired")
    heard.add(
        kind,
        one,
        source_id=text(one.get("sg_event_id")),
        at=one.get("timestamp"),
        provider_kind=f"{told}/{form}" if form else told,
        token=one.get("ses_ops"),
        message_id=one.get("smtp-id"),
        address=one.get("email"),
        verdict=verdict(words, permanent=permanent, status=one.get("status")) if judged else None,
        diagnostic=words,
    )


def _key(value: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise InvalidInput("hook_key_not_ecdsa", where=SendGrid.setting) from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise InvalidInput("hook_key_not_ecdsa", where=SendGrid.setting)
    return key


def _signed(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
