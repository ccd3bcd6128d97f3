"""SendEmail: one single message, on disk before the answer."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import string
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.api.tencent.action_error import ActionError, wrong_value
from ses_ops.api.tencent.call import idempotency_key, not_allowed
from ses_ops.api.tencent.values import decoded, template_data
from ses_ops.application.single_messages.orders import Accepted, Idempotency, Order, Refused, Replayed
from ses_ops.application.single_messages.replays import find_replays
from ses_ops.domain.address import parse_address
from ses_ops.domain.clock import to_wall_clock
from ses_ops.domain.message_fields import parse_single_message
from ses_ops.domain.message_id import new_message_id
from ses_ops.domain.unsubscribe_language import LANGUAGES
from ses_ops.errors import InvalidInput, SesError
from ses_ops.storage.reference import senders, unsubscribe_configs
from ses_ops.storage.templates import stored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from psycopg2.extensions import connection as Connection

    from ses_ops.api.services import ApiServices
    from ses_ops.application.single_messages.orders import Answer
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.storage.templates.stored import StoredTemplate

#: Addresses of `Destination`, and of `Cc` and `Bcc`; characters of a subject.
MOST_TO, MOST_COPIES, LONGEST_SUBJECT = 50, 20, 998
#: Seconds for which the name and the unsubscribe link of a sender address are kept, and how many of them.
_KEPT, _MOST_KEPT = 5.0, 10_000
_ALIAS = re.compile(r"(?P<name>[^:<>]*[^:<>\s]) <[^<>]+>|[^<>\s]+|<[^<>]+>")
_CHARACTERS = string.ascii_letters + string.digits


class _Sender(NamedTuple):
    """What is set for a sender address."""

    name: str
    #: UnsubscribeConfig; "": none.
    unsubscribe: str


class SendEmail:
    """Carries SendEmail out in one process."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._senders: dict[str, tuple[_Sender, float]] = {}

    async def __call__(
        self, services: ApiServices, key: ApiKey, params: Mapping[str, Any], headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """The answer. Raises ActionError and SesError."""
        name = reference_id(key, self._zone)
        idempotency = _idempotency(params, headers, name)
        try:
            order = await self._order(services, key, params, idempotency, name)
        except (ActionError, SesError):  # an equal request may have been accepted before this stood against it
            replays = {} if idempotency is None else await services.read(find_replays, key.id, [idempotency])
            if idempotency is None or idempotency.key not in replays:
                raise
            answer: Answer = replays[idempotency.key]
        else:
            (answer,) = await services.mail.accept([order])
        if isinstance(answer, Refused):
            raise answer.problem
        return dict(answer.answer["Response"]) if isinstance(answer, Replayed) else {"MessageId": name}

    async def _order(
        self,
        services: ApiServices,
        key: ApiKey,
        params: Mapping[str, Any],
        idempotency: Idempotency | None,
        name: str,
    ) -> Order:
        fields = await self._fields(services, params)
        message = parse_single_message(fields, now=datetime.now(UTC), as_reference=True)
        if not key.may_use(message.sender.domain):
            raise not_allowed(f"the sender domain {message.sender.domain}")
        prepared = await services.mail.prepare(message)
        return Order(
            message=prepared.message,
            key=key,
            source="tencent",
            prepared=prepared,
            idempotency=idempotency,
            id=new_message_id(time.time_ns() // 1_000_000, os.urandom(10)),
            reference_id=name,
        )

    async def _fields(self, services: ApiServices, params: Mapping[str, Any]) -> dict[str, Any]:
        """The request as a native one has it."""
        _check_numbers(params)
        sender = await self._sender(services, params["FromEmailAddress"])
        from_ = params["FromEmailAddress"].strip()
        if sender.name and "<" not in from_:
            from_ = f"{sender.name} <{from_}>"
        language = unsubscribe_language(params.get("Unsubscribe") or sender.unsubscribe or "0")
        found = {
            "from": from_,
            **{
                ours: _each_once(params.get(name))
                for ours, name in (("to", "Destination"), ("cc", "Cc"), ("bcc", "Bcc"))
            },
            # All see each other.
            "shared": True,
            "reply_to": params.get("ReplyToAddresses") or None,
            "subject": params["Subject"],
            "unsubscribe": language,
            "marketing": params.get("TriggerType") != 1 or language != "none",
            "header_from": params.get("HeaderFrom") or None,
            "message_id": params.get("SmtpMessageId") or None,
            "headers": _headers(params.get("SmtpHeaders") or ""),
            "attachments": [_attachment(one) for one in params.get("Attachments") or ()] or None,
            **await _content(services, params),
        }
        return {name: value for name, value in found.items() if value is not None}

    async def _sender(self, services: ApiServices, text: str) -> _Sender:
        if not _ALIAS.fullmatch(text.strip()):
            code = "FailedOperation.IncorrectSender"
            raise wrong_value("FromEmailAddress", "must be `address` or `alias <address>` without a colon", code)
        try:
            address = parse_address(text.strip().rpartition("<")[2].rstrip(">"), dotless=True).key
        except InvalidInput as cause:
            code = "FailedOperation.IncorrectSender"
            raise wrong_value("FromEmailAddress", "has no email address", code) from cause
        known = self._senders.get(address)
        if known is None or time.monotonic() - known[1] > _KEPT:
            if len(self._senders) >= _MOST_KEPT:
                self._senders.clear()
            known = (await services.read(_set_for, address), time.monotonic())
            self._senders[address] = known
        return known[0]


def _newest(conn: Connection, number: int) -> StoredTemplate | None:
    return stored.newest(conn, number=number)


def _set_for(conn: Connection, address: str) -> _Sender:
    sender = senders.find(conn, address)
    config = unsubscribe_configs.find(conn, address)
    return _Sender(sender.sender_name if sender else "", config.config if config and config.status else "")


def _each_once(addresses: list[str] | None) -> list[str] | None:
    """The addresses of a list, one that is in it twice once."""
    found = {one.strip().lower(): one for one in reversed(addresses or ())}
    return list(reversed(found.values())) or None


def _check_numbers(params: Mapping[str, Any]) -> None:
    for name, most in (("Destination", MOST_TO), ("Cc", MOST_COPIES), ("Bcc", MOST_COPIES)):
        if len(params.get(name) or ()) > most:
            raise wrong_value(name, f"has more than {most} addresses", "FailedOperation.TooManyRecipients")
    if not any(params.get(name) for name in ("Destination", "Cc", "Bcc")):
        code = "InvalidParameterValue.EmailAddressIsNULL"
        raise ActionError(code, "One of the parameters `Destination`, `Cc` and `Bcc` must have an address.")
    if not 1 <= len(params["Subject"]) <= LONGEST_SUBJECT:
        code = "InvalidParameterValue.SubjectLengthError"
        raise wrong_value("Subject", f"must have 1 to {LONGEST_SUBJECT} characters", code)
    if params.get("TriggerType") not in (None, 0, 1):
        raise wrong_value("TriggerType", "must be 0 or 1")


def unsubscribe_language(text: str) -> str:
    """The language of a number that is a text: "0" none, "1" zh-CN, "2" en and so on. Raises ActionError."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 2 and int(text) < len(LANGUAGES)):
        raise wrong_value("Unsubscribe", f'must be one of "0" to "{len(LANGUAGES) - 1}"')
    return LANGUAGES[int(text)].value


async def _content(services: ApiServices, params: Mapping[str, Any]) -> dict[str, Any]:
    """A template with its values, else a text and html of the request's own, in which nothing is filled in."""
    if template := params.get("Template"):
        data = template["TemplateData"]
        values = template_data(data, code="FailedOperation.WrongContentJson", name="Template.TemplateData")
        found = await services.read(_newest, template["TemplateID"])
        if found is None:
            raise wrong_value("Template.TemplateID", "is not a template", "FailedOperation.InvalidTemplateID")
        return {"template": found.name, "values": values}
    simple = params.get("Simple") or {}
    parts = {
        ours: decoded(simple[name], code="InvalidParameterValue.EmailContentIsWrong", name=f"Simple.{name}")
        for ours, name in (("html", "Html"), ("text", "Text"))
        if simple.get(name)
    }
    if not parts:
        code = "FailedOperation.MissingEmailContent"
        raise ActionError(code, "There is no content: `Template` or `Simple` must be given.")
    return {**parts, "verbatim": True}


def _headers(text: str) -> dict[str, Any] | None:
    """SmtpHeaders: an object in a text."""
    if not text:
        return None
    return template_data(text, code="FailedOperation.ProtocolCheckErr", name="SmtpHeaders")


def _attachment(one: Mapping[str, Any]) -> dict[str, Any]:
    if one.get("FileURL"):
        raise ActionError("FailedOperation.FileURLNotExist", "`FileURL` is not open: give the content of the file.")
    return {"name": one["FileName"], "content": one.get("Content") or ""}


def reference_id(key: ApiKey, zone: ZoneInfo) -> str:
    """A new MessageId: `qcloudses-30-` account `-date-` time `-` something random."""
    account = int.from_bytes(hashlib.sha256(key.id.encode()).digest()[:8]) % (9 * 10**9) + 10**9
    moment = f"{to_wall_clock(datetime.now(UTC), zone):%Y%m%d%H%M%S}"
    return f"qcloudses-30-{account}-date-{moment}-{''.join(secrets.choice(_CHARACTERS) for _ in range(12))}"


def _idempotency(params: Mapping[str, Any], headers: Mapping[str, str], name: str) -> Idempotency | None:
    """The name of the request that a client gives: the native header, else the Message-ID that the mail will have."""
    given = idempotency_key(headers)
    if not given and (message_id := params.get("SmtpMessageId")):
        given = f"SmtpMessageId:{hashlib.sha256(message_id.strip().encode()).hexdigest()}"
    if not given:
        return None
    canonical = json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    fingerprint = hashlib.sha256(b"SendEmail\n" + canonical.encode()).digest()

    def answer(_: Accepted) -> dict[str, Any]:
        return {"Response": {"MessageId": name}}

    return Idempotency(key=given, fingerprint=fingerprint, answer=answer)
