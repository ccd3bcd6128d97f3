"""Events of Mailgun: JSON, and the older form of POST fields.

Mailgun's signature covers a timestamp and a token, and not the event. The token is the id of the event here, so a
request that was overheard is worth nothing once it has been recorded; TLS has to keep it from being overheard.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from email import message_from_bytes, policy
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.message_event import EventKind
from ses_ops.events.hook import MOST_UNPROVEN, Heard, Hook, HookRefused, HookRequest, json_object, secrets_in
from ses_ops.events.hook_values import mapping, moment, text, verdict

_NO_EVENTS = frozenset({"accepted", "stored", "list_member_uploaded"})
_ENGAGEMENT = {"opened": EngagementKind.OPENED, "clicked": EngagementKind.CLICKED}
_KINDS = {
    "delivered": EventKind.DELIVERED,
    "rejected": EventKind.DROPPED,
    "complained": EventKind.COMPLAINED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "bounced": EventKind.BOUNCED,
}
#: Fields, and parts of a multipart body, beyond which a request is refused.
_MOST_FIELDS = 500


class Mailgun(Hook):
    """Mailgun's webhooks."""

    source: ClassVar[str] = "mailgun"
    setting: ClassVar[str] = "SES_HOOK_MAILGUN_KEY"
    most_bytes: ClassVar[int] = MOST_UNPROVEN

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys

    @classmethod
    def from_setting(cls, value: str) -> Mailgun:
        """The HTTP webhook signing key."""
        return cls(secrets_in(value))

    async def verify(self, request: HookRequest) -> None:
        """Check the HMAC of timestamp and token."""
        given = mapping(_content(request).get("signature"))
        stamp, token, signature = (text(given.get(name)) for name in ("timestamp", "token", "signature"))
        signed = f"{stamp}{token}".encode()
        expected = [hmac.new(key.encode(), signed, "sha256").hexdigest() for key in self._keys]
        if not token or not any([_equal(one, signature) for one in expected]):  # noqa: C419
            raise HookRefused(403, "hook_signature_wrong")
        request.fresh(moment(stamp))

    def parse(self, request: HookRequest, heard: Heard) -> None:
        """Add the event."""
        content = _content(request)
        event = mapping(content.get("event-data"))
        token = text(mapping(content.get("signature")).get("token"))
        told = text(event.get("event")).strip().lower()
        severity, reason = (text(event.get(name)).strip().lower() for name in ("severity", "reason"))
        kind = _KINDS.get(told)
        if told == "failed":
            kind = EventKind.DEFERRED if severity == "temporary" else EventKind.BOUNCED
            if reason.startswith("suppress"):
                kind = EventKind.DROPPED  # the address is on Mailgun's own list
        if told in _ENGAGEMENT:
            _engaged(_ENGAGEMENT[told], event, token, heard)
            return
        if kind is None:
            if told not in _NO_EVENTS:
                heard.aside(event, "hook_kind_unknown", source_id=token, kind_told=told[:100])
            return
        status = mapping(event.get("delivery-status"))
        words = text(status.get("message")) or text(status.get("description"))
        judged = kind in (EventKind.BOUNCED, EventKind.DEFERRED)
        # `old` is a message that Mailgun has tried for too long.
        permanent = kind is EventKind.BOUNCED and severity != "temporary" and reason != "old"
        found = verdict(words, permanent=permanent, status=status.get("enhanced-code"), code=status.get("code"))
        variables = mapping(event.get("user-variables"))
        heard.add(
            kind,
            event,
            source_id=token,
            at=event.get("timestamp"),
            provider_kind="/".join(filter(None, (told, severity, reason))),
            token=variables.get("ses_ops"),
            message_id=mapping(mapping(event.get("message")).get("headers")).get("message-id"),
            address=event.get("recipient"),
            verdict=found if judged else None,
            diagnostic=words,
        )


def _engaged(kind: EngagementKind, event: Mapping[str, Any], number: str, heard: Heard) -> None:
    client = mapping(event.get("client-info"))
    heard.engaged(
        kind,
        event,
        source_id=number,
        at=event.get("timestamp"),
        token=mapping(event.get("user-variables")).get("ses_ops"),
        message_id=mapping(mapping(event.get("message")).get("headers")).get("message-id"),
        address=event.get("recipient"),
        target=event.get("url"),
        ip=event.get("ip"),
        user_agent=client.get("user-agent"),
        # "apple", "gmail", "generic": what Mailgun takes for a machine; Gmail's proxy is asked by people, too.
        machine=text(client.get("bot")).strip().lower() not in ("", "gmail", "false", "none"),
    )


def _content(request: HookRequest) -> Mapping[str, Any]:
    """The content in its JSON form, also of the older form."""
    kind = request.headers.get("content-type", "").strip().lower()
    if kind.startswith("application/x-www-form-urlencoded"):
        return _older(_urlencoded(request.body))
    if kind.startswith("multipart/form-data"):
        return _older(_multipart(request.headers["content-type"], request.body))
    return json_object(request.body)


def _urlencoded(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise HookRefused(400, "hook_not_a_form") from None


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    if body.count(b"\n--") > _MOST_FIELDS or not content_type.isprintable() or not content_type.isascii():
        raise HookRefused(400, "hook_not_a_form")
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    fields: dict[str, str] = {}
    try:
        for part in message_from_bytes(head + body, policy=policy.compat32).walk():
            name = part.get_param("name", header="content-disposition")
            payload = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(payload, bytes) and part.get_filename() is None:
                fields[name] = payload.decode("utf-8", "replace").removesuffix("\r\n")
    except Exception:  # the library raises errors of many kinds for headers that are nearly right
        raise HookRefused(400, "hook_not_a_form") from None
    return fields


def _older(fields: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the older form under the names of the newer."""
    told = fields.get("event", "").strip().lower()
    event: dict[str, Any] = {
        # `dropped` was what is `failed` now; its reason is `hardfail` or `old`.
        "event": "failed" if told == "dropped" else told,
        "severity": "permanent" if told in ("dropped", "bounced") else "",
        "reason": fields.get("reason", ""),
        "recipient": fields.get("recipient", ""),
        "timestamp": fields.get("timestamp", ""),
        "url": fields.get("url", ""),
        "ip": fields.get("ip", ""),
        "client-info": {"user-agent": fields.get("user-agent", "")},
        "message": {"headers": {"message-id": fields.get("Message-Id") or fields.get("message-id") or ""}},
        "user-variables": _older_variables(fields),
        "delivery-status": {
            "code": fields.get("code", ""),
            "message": fields.get("error") or fields.get("description") or fields.get("notification") or "",
        },
    }
    return {
        "event-data": event,
        "signature": {name: fields.get(name, "") for name in ("timestamp", "token", "signature")},
    }


def _older_variables(fields: Mapping[str, str]) -> dict[str, Any]:
    """The variables: fields of their own, or the header as it was sent."""
    if fields.get("ses_ops"):
        return {"ses_ops": fields["ses_ops"]}
    try:
        for name, value in json.loads(fields.get("message-headers", "[]")):
            if name.lower() == "x-mailgun-variables":
                return dict(json.loads(value))
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    return {}


def _equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))
