"""A message with its token, and what a hook hears of it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from ses_ops.domain.message_event import MessageKey
from ses_ops.events.hook import Heard, Hook, HookRefused, HookRequest
from ses_ops.events.tokens import Purpose, TokenMaker, TokenReader

NOW = datetime(2026, 11, 29, 12, 0, 30, tzinfo=UTC)
SECRET = bytes(range(32))
TOKEN = TokenMaker(SECRET, Purpose.EVENT).make(7, 3, 99)
READER = TokenReader([SECRET], Purpose.EVENT)
UNKNOWN_USER = "smtp; 550 5.1.1 <ana@example.org>: Recipient address rejected: User unknown in virtual mailbox table"
POLICY = "smtp; 550 5.7.1 Service unavailable; client host blocked using Spamhaus"


def request(content: Any, headers: dict[str, str] | None = None, *, rest: str = "", at: datetime = NOW) -> HookRequest:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return HookRequest(headers=headers or {}, body=body, rest=rest, at=at)


def nothing_heard(hook: Hook, reader: TokenReader = READER) -> Heard:
    def read(token: str) -> MessageKey | None:
        found = reader.read(token)
        return found[0] if found else None

    return Heard(source=hook.source, read_token=read)


def heard(hook: Hook, given: HookRequest, reader: TokenReader = READER) -> Heard:
    found = nothing_heard(hook, reader)
    hook.parse(given, found)
    return found


def refusal(hook: Hook, given: HookRequest) -> str:
    """Why the request is refused; "" when it is not."""
    try:
        asyncio.run(hook.verify(given))
    except HookRefused as refused:
        return refused.code
    return ""


def said(found: Heard) -> list[tuple[str, bool, str]]:
    """Kind, hard, and reason of each event."""
    return [(one.kind.value, one.hard, one.failure.reason.value if one.failure else "") for one in found.events]
