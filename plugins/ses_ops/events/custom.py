"""Events in the format of ses-ops, for a provider or a mail server that has no hook of its own here.

The headers are those of Standard Webhooks: `webhook-id`, `webhook-timestamp` (seconds since 1970) and
`webhook-signature`, a list of `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. docs/feedback.md has the
fields of an event.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import InvalidInput
from ses_ops.events.hook import Heard, Hook, HookRefused, HookRequest, json_of, secrets_in
from ses_ops.events.hook_values import moment, text, verdict

_KINDS = {
    one.value: one
    for one in (
        EventKind.DELIVERED,
        EventKind.DEFERRED,
        EventKind.DROPPED,
        EventKind.BOUNCED,
        EventKind.COMPLAINED,
        EventKind.UNSUBSCRIBED,
    )
}
_ENGAGEMENT = {one.value: one for one in EngagementKind}
_PREFIX = "whsec_"
#: Octets of the shortest secret, as Standard Webhooks has it.
_SHORTEST = 24
#: Each attempt is signed anew, so its age is that of one request.
_MOST_AGE = timedelta(minutes=5)
#: Characters of the longest id of a request.
_MOST_ID = 150


class Custom(Hook):
    """Our own format."""

    source: ClassVar[str] = "custom"
    setting: ClassVar[str] = "SES_HOOK_CUSTOM_SECRET"

    def __init__(self, secrets: tuple[bytes, ...]) -> None:
        self._secrets = secrets

    @classmethod
    def from_setting(cls, value: str) -> Custom:
        """`whsec_` and the base64 of 24 octets or more."""
        return cls(tuple(_secret(one) for one in secrets_in(value)))

    async def verify(self, request: HookRequest) -> None:
        """Check one of the signatures."""
        headers = request.headers
        number, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not number or len(number) > _MOST_ID or not stamp.isdecimal():
            raise HookRefused(403, "hook_signature_wrong")
        signed = f"{number}.{stamp}.".encode("utf-8", "surrogatepass") + request.body
        expected = [base64.b64encode(hmac.digest(one, signed, "sha256")) for one in self._secrets]
        given = [
            one.removeprefix("v1,").encode("utf-8", "surrogatepass")
            for one in headers.get("webhook-signature", "").split()[:10]
            if one.startswith("v1,")
        ]
        if not any([hmac.compare_digest(one, other) for one in expected for other in given]):  # noqa: C419
            raise HookRefused(403, "hook_signature_wrong")
        request.fresh(moment(stamp), _MOST_AGE)

    def parse(self, request: HookRequest, heard: Heard) -> None:
        """Add the events: one, an array, or `{"events": [...]}`."""
        value = json_of(request.body)
        if isinstance(value, dict) and isinstance(value.get("events"), list):
            value = value["events"]
        number = request.headers.get("webhook-id", "")
        for index, one in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(one, dict):
                _read(one, f"{number}#{index}", heard)
            else:
                heard.aside(one, "hook_event_not_understood", source_id=f"{number}#{index}")


def _read(one: Mapping[str, Any], number: str, heard: Heard) -> None:
    told = text(one.get("kind")).strip().lower()
    kind = _KINDS.get(told)
    number = text(one.get("id")) or number
    if told in _ENGAGEMENT:
        heard.engaged(
            _ENGAGEMENT[told],
            one,
            source_id=number,
            at=one.get("time"),
            token=one.get("token"),
            message_id=one.get("message_id"),
            address=one.get("address"),
            target=one.get("url"),
            place=one.get("place"),
            ip=one.get("ip"),
            user_agent=one.get("user_agent"),
            machine=one.get("machine") is True,
        )
        return
    if kind is None:
        heard.aside(one, "hook_kind_unknown", source_id=number, kind_told=told[:100])
        return
    missing = one.get("no_such_address") is True
    found = verdict(
        one.get("reply"),
        permanent=kind is EventKind.BOUNCED and one.get("no_such_address") is not False,
        status=one.get("status"),
        missing=missing,
    )
    heard.add(
        kind,
        one,
        source_id=number,
        at=one.get("time"),
        provider_kind=text(one.get("provider_kind")) or told,
        token=one.get("token"),
        message_id=one.get("message_id"),
        address=one.get("address"),
        verdict=found if kind in (EventKind.BOUNCED, EventKind.DEFERRED) else None,
        diagnostic=one.get("reply"),
    )


def _secret(value: str) -> bytes:
    try:
        secret = base64.b64decode(value.removeprefix(_PREFIX), validate=True) if value.startswith(_PREFIX) else b""
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) < _SHORTEST:
        raise InvalidInput("hook_secret_not_of_standard_webhooks", least=_SHORTEST, where=Custom.setting)
    return secret
