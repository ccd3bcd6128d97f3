"""Events of Tencent Cloud SES, which posts one JSON object an event.

Tencent signs nothing, so the address that is set there ends in a secret. Its pages and its samples differ in spelling
(`bulkId`, `bulkid`) and in values (`hard_bounce`, formerly `hard`): both are read.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, ClassVar

from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import InvalidInput
from ses_ops.events.hook import Heard, Hook, HookRefused, HookRequest, json_of, secrets_in
from ses_ops.events.hook_values import text, verdict

_KINDS = {
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "dropped": EventKind.DROPPED,
    "bounce": EventKind.BOUNCED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
}
_NO_EVENTS = frozenset({"processed"})
_ENGAGEMENT = {"open": EngagementKind.OPENED, "click": EngagementKind.CLICKED}
#: Characters of the shortest secret.
_SHORTEST = 20


class TencentSes(Hook):
    """Tencent Cloud SES."""

    source: ClassVar[str] = "tencent_ses"
    setting: ClassVar[str] = "SES_HOOK_TENCENT_SES_SECRET"

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets

    @classmethod
    def from_setting(cls, value: str) -> TencentSes:
        """Secrets that stand in a URL: 20 or more letters, digits, `-` and `_`."""
        secrets = secrets_in(value)
        if not all(
            len(one) >= _SHORTEST and one.isascii() and one.replace("-", "").replace("_", "").isalnum()
            for one in secrets
        ):
            raise InvalidInput("hook_secret_not_for_a_url", least=_SHORTEST, where=cls.setting)
        return cls(secrets)

    async def verify(self, request: HookRequest) -> None:
        """Compare the end of the path with the secret."""
        given = request.rest.strip("/").encode("utf-8", "surrogatepass")
        # Each secret is compared: the time must not tell which one begins alike.
        if not any([hmac.compare_digest(given, one.encode()) for one in self._secrets]):  # noqa: C419
            raise HookRefused(403, "hook_secret_wrong")

    def parse(self, request: HookRequest, heard: Heard) -> None:
        """Add the event; an array of events is taken too."""
        value = json_of(request.body)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                _read({str(name).lower(): field for name, field in one.items()}, one, heard)
            else:
                heard.aside(one, "hook_event_not_understood")


def _read(fields: Mapping[str, Any], raw: Mapping[str, Any], heard: Heard) -> None:
    told = text(fields.get("event")).strip().lower()
    kind = _KINDS.get(told)
    if told in _ENGAGEMENT:
        heard.engaged(
            _ENGAGEMENT[told],
            raw,
            source_id=_id(fields, "link", "useragent"),
            at=fields.get("timestamp"),
            token=fields.get("x-tencentcloudses-cb-sesops"),
            message_id=fields.get("messageid"),
            address=fields.get("email"),
            target=fields.get("link"),
            ip=fields.get("ip"),
            user_agent=fields.get("useragent"),
        )
        return
    if kind is None:
        if told not in _NO_EVENTS:
            heard.aside(raw, "hook_kind_unknown", kind_told=told[:100])
        return
    bounce = text(fields.get("bouncetype")).strip().lower()
    reason = fields.get("reason")
    hard = kind is EventKind.BOUNCED and bounce in ("hard_bounce", "hard")
    judged = kind in (EventKind.BOUNCED, EventKind.DEFERRED)
    heard.add(
        kind,
        raw,
        source_id=_id(fields),
        at=fields.get("timestamp"),
        provider_kind=f"{told}/{bounce}" if bounce else told,
        token=fields.get("x-tencentcloudses-cb-sesops"),
        message_id=fields.get("messageid"),
        address=fields.get("email"),
        verdict=verdict(reason, permanent=hard) if judged else None,
        diagnostic=reason,
    )


def _id(fields: Mapping[str, Any], *more: str) -> str:
    """A hash of what tells two events apart, because Tencent gives an event no id."""
    names = ("event", "email", "bulkid", "messageid", "taskid", "timestamp", "bouncetype", "reason", *more)
    told = "\n".join(text(fields.get(name)) for name in names)
    return "sha256:" + sha256(told.encode("utf-8", "replace")).hexdigest()
