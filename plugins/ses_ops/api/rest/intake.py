"""From the fields of a request to an order for acceptance: checked, allowed, rendered; nothing is written yet."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ses_ops.api.keys import check_domain
from ses_ops.api.rest.accepted import accepted_object
from ses_ops.application.single_messages.orders import Idempotency, Order
from ses_ops.domain.message_fields import parse_single_message
from ses_ops.domain.message_id import new_message_id
from ses_ops.errors import InvalidInput

if TYPE_CHECKING:
    from uuid import UUID

    from ses_ops.api.services import ApiServices
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.single_message import SingleMessage

#: Name of this API among the sources of messages.
SOURCE = "rest"


async def order_of(services: ApiServices, key: ApiKey, fields: Any, idempotency: Idempotency | None = None) -> Order:
    """The order that the fields of one message make. Raises InvalidInput, TemplateError, Refusal 403."""
    if not isinstance(fields, Mapping):
        raise InvalidInput("body_not_an_object")
    return await order_of_message(services, key, parse_single_message(fields, now=datetime.now(UTC)), idempotency)


async def order_of_message(
    services: ApiServices,
    key: ApiKey,
    message: SingleMessage,
    idempotency: Idempotency | None = None,
    repeats: UUID | None = None,
) -> Order:
    """The order of a message. Raises as `order_of` does."""
    check_domain(key, message.sender.domain)
    mail: Any = services.mail
    return Order(
        message=message,
        key=key,
        source=SOURCE,
        prepared=await mail.prepare(message),
        idempotency=idempotency,
        id=new_message_id(time.time_ns() // 1_000_000, os.urandom(10)),
        reference_id=None,
        repeats=repeats,
    )


def kept_answer(key: str | None, fingerprint: bytes) -> Idempotency | None:
    """What is kept of a request with an idempotency key; None without one."""
    return None if key is None else Idempotency(key=key, fingerprint=fingerprint, answer=accepted_object)
