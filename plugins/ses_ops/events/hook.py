"""What the hooks of all providers share: a request, what it says, and why it is refused.

A provider is one class in one file, `events/<source>.py`: `from_environment` reads its settings, `verify` proves who
sent a request, and `parse` says what the request tells, as a pure function of its bytes.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Self

from ses_ops.domain.engagement import MAX_USER_AGENT, Engagement, EngagementKind
from ses_ops.domain.message_event import MAX_DIAGNOSTIC, MAX_RAW, EventKind, MessageEvent, MessageKey
from ses_ops.errors import Explanation, SesError
from ses_ops.events.hook_values import Verdict, clean, moment, text
from ses_ops.events.spool import UnmatchedRecord

#: Bytes of the largest request of any provider.
MOST_BYTES = 10 * 1024 * 1024
#: Bytes of the largest request that is parsed before its signature is known to be right.
MOST_UNPROVEN = 1024 * 1024
#: Nesting of JSON beyond which a request is refused; events of providers have less than 10 levels.
MOST_DEPTH = 64
#: Age of a signature beyond which a request is taken for a replay. Providers repeat a request for up to a day, some
#: with its first signature. (A replay that is younger repeats events that are known, which changes nothing.)
MOST_AGE = timedelta(hours=24)
#: By how much a provider's clock may be ahead of ours.
MOST_AHEAD = timedelta(minutes=10)
#: Characters of the target of a click.
MOST_TARGET = 8_000
#: The longest id of an event that is kept as it is.
_MOST_ID = 200


class HookRefused(SesError):
    """A request is not taken: a wrong signature or secret, another topic, content that is no JSON.

    `status` is the HTTP status of the answer. The answer's text never says what exactly was wrong.
    """

    def __init__(self, status: int, code: str, /, **facts: Any) -> None:
        self.status = status
        super().__init__(code, **facts)


@dataclass(frozen=True, kw_only=True, slots=True)
class HookRequest:
    """A POST to a provider's path."""

    #: By their names in lower case.
    headers: Mapping[str, str]
    body: bytes
    #: The path behind `/hooks/<source>/`.
    rest: str = ""
    #: When the request came; aware.
    at: datetime

    def fresh(self, signed_at: datetime | None, most: timedelta = MOST_AGE) -> None:
        """Refuse a signature that is too old, or of the future."""
        if signed_at is None or not -MOST_AHEAD <= self.at - signed_at <= most:
            raise HookRefused(403, "hook_signature_too_old")


@dataclass(kw_only=True, slots=True)
class Heard:
    """What one request tells; `parse` fills it."""

    source: str
    #: Reads a token of an event; None for any other text.
    read_token: Callable[[str], MessageKey | None]
    events: list[MessageEvent] = field(default_factory=list)
    engagement: list[Engagement] = field(default_factory=list)
    set_aside: list[UnmatchedRecord] = field(default_factory=list)

    def add(
        self,
        kind: EventKind,
        raw: object,
        *,
        source_id: str,
        at: object,
        provider_kind: str,
        token: object = None,
        message_id: object = None,
        address: object = None,
        verdict: Verdict | None = None,
        diagnostic: object = None,
    ) -> None:
        """Add an event; without a readable time it is set aside, because a repetition could not be recognised."""
        occurred_at = moment(at)
        if occurred_at is None:
            self.aside(raw, "hook_event_without_time", source_id=source_id, kind=kind)
            return
        event = MessageEvent(
            kind=kind,
            source=self.source,
            source_id=self._id(source_id, raw),
            occurred_at=occurred_at,
            message=self.read_token(text(token).strip()),
            message_id=text(message_id).strip().strip("<>")[:_MOST_ID],
            authenticated=True,
            address=text(address).strip()[:320],
            provider_kind=clean(provider_kind)[:_MOST_ID],
            failure=verdict.failure if verdict else None,
            hard=verdict is not None and verdict.hard and kind is EventKind.BOUNCED,
            diagnostic=text(diagnostic)[:MAX_DIAGNOSTIC],
            raw=clean(_dumped(raw))[:MAX_RAW],
        )
        self.events.append(event)

    def engaged(
        self,
        kind: EngagementKind,
        raw: object,
        *,
        source_id: str,
        at: object,
        token: object = None,
        message_id: object = None,
        address: object = None,
        target: object = None,
        place: object = None,
        ip: object = None,
        user_agent: object = None,
        machine: bool = False,
    ) -> None:
        """Add an open or a click; without a readable time it is left out: there are many, and none is missed."""
        occurred_at = moment(at)
        if occurred_at is None:
            return
        event = Engagement(
            kind=kind,
            source=self.source,
            source_id=self._id(source_id, raw),
            occurred_at=occurred_at,
            message=self.read_token(text(token).strip()),
            message_id=text(message_id).strip().strip("<>")[:_MOST_ID],
            authenticated=True,
            address=text(address).strip()[:320],
            target=clean(text(target).strip())[:MOST_TARGET] if kind is EngagementKind.CLICKED else "",
            place=place if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < 32_768 else None,
            ip=text(ip).strip()[:64],
            user_agent=clean(text(user_agent))[:MAX_USER_AGENT],
            told_machine=machine,
        )
        self.engagement.append(event)

    def aside(
        self, raw: object, code: str, /, *, source_id: str = "", kind: EventKind | None = None, **facts: Any
    ) -> None:
        """Keep what cannot be recorded as an event, with the reason."""
        content = raw if isinstance(raw, bytes) else _dumped(raw).encode("utf-8", "replace")
        record = UnmatchedRecord(
            source=self.source,
            source_id=self._id(source_id, raw),
            raw=content[: 4 * MAX_RAW],
            why=Explanation(code, **facts),
            kind=kind,
        )
        self.set_aside.append(record)

    def _id(self, source_id: str, raw: object) -> str:
        """The id, or a hash: of a long one, or of the content where there is none."""
        if source_id and len(source_id) <= _MOST_ID:
            return clean(source_id)
        given = source_id or (raw.hex() if isinstance(raw, bytes) else _dumped(raw, sort_keys=True))
        return "sha256:" + sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


class Hook(ABC):
    """One provider."""

    #: The name of the feed, and of its path `/hooks/<source>`.
    source: ClassVar[str]
    #: The setting that switches the hook on; its value is secret unless `describe` shows it.
    setting: ClassVar[str]
    #: Bytes of the largest request.
    most_bytes: ClassVar[int] = MOST_BYTES

    @classmethod
    @abstractmethod
    def from_setting(cls, value: str) -> Self:
        """The hook with a value of its setting, which is not empty. Raises InvalidInput, without the value."""

    @abstractmethod
    async def verify(self, request: HookRequest) -> None:
        """Raises HookRefused for a request that did not come from the provider, or not to us, or is too old."""

    async def confirm(self, request: HookRequest) -> None:
        """Do what a verified request asks for before its provider sends events. Raises HookRefused."""
        del request

    @abstractmethod
    def parse(self, request: HookRequest, heard: Heard) -> None:
        """Add what a verified request tells. Raises HookRefused when it has not the provider's form at all."""

    def describe(self) -> str:
        """What is set up, in a few words and without any secret, for `ses doctor`."""
        return ""


def json_of(body: bytes) -> Any:
    """The JSON of a request. Raises HookRefused for anything else, and for deep nesting."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise HookRefused(400, "hook_json_too_deep", most=MOST_DEPTH) from None
    except ValueError:  # also a text that is not UTF-8, or an integer of thousands of digits
        raise HookRefused(400, "hook_not_json") from None
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            one
            for parent in level
            if isinstance(parent, dict | list)
            for one in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return value
    raise HookRefused(400, "hook_json_too_deep", most=MOST_DEPTH)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises HookRefused for anything else."""
    value = json_of(body)
    if not isinstance(value, dict):
        raise HookRefused(400, "hook_not_an_object")
    return value


def secrets_in(value: str) -> tuple[str, ...]:
    """The secrets of a setting: several, separated by spaces, while one is being exchanged."""
    return tuple(value.split())


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _dumped(raw: object, *, sort_keys: bool = False) -> str:
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "replace")
    return json.dumps(raw, ensure_ascii=False, sort_keys=sort_keys, default=str)
