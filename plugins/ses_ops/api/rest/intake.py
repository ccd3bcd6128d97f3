"""From the fields of a request to an order for acceptance: checked, allowed, rendered; nothing is written yet."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from ses_ops.api.keys import check_domain
from ses_ops.api.problems import Problem, Refusal, problem_of
from ses_ops.api.rest.accepted import accepted_object
from ses_ops.application.single_messages.orders import Idempotency, Order, Replayed
from ses_ops.application.single_messages.replays import find_replays
from ses_ops.domain.message_fields import parse_single_message
from ses_ops.domain.message_id import new_message_id
from ses_ops.domain.warmup import quota_day
from ses_ops.errors import InvalidInput, NotFound, QuotaError, QuotaExhausted

if TYPE_CHECKING:
    from uuid import UUID

    from ses_ops.api.services import ApiServices
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.single_message import SingleMessage
    from ses_ops.errors import SesError

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
    check_domain(key, message.sender.domain, "from")
    try:
        prepared = await services.mail.prepare(message)
    except NotFound as error:  # a template of the request, not what its path names
        raise Refusal(422, error.code, **error.facts) from error
    return Order(
        # With the version that its template has now.
        message=prepared.message,
        key=key,
        source=SOURCE,
        prepared=prepared,
        idempotency=idempotency,
        id=new_message_id(time.time_ns() // 1_000_000, os.urandom(10)),
        reference_id=None,
        repeats=repeats,
    )


async def replay_of(services: ApiServices, key: ApiKey, idempotency: Idempotency | None, error: SesError) -> Replayed:
    """The answer to an equal request from before `error` stood against it; else raises the error."""
    if idempotency is None or problem_of(error).status >= 500:
        raise error
    found = await services.read(find_replays, key.id, [idempotency])
    if idempotency.key not in found:
        raise error
    return found[idempotency.key]


def refusal(services: ApiServices, order: Order, error: SesError) -> Problem:
    """The answer to an order that acceptance refused; over quota it has the seconds until the day of the quota ends."""
    problem = problem_of(error)
    if not isinstance(error, QuotaExhausted):
        return problem
    try:
        now = datetime.now(UTC)
        day = quota_day(services.airflow.plans()[order.message.sender.domain], now)
    except (InvalidInput, QuotaError):
        return problem
    return replace(problem, headers={**problem.headers, "Retry-After": str(ceil((day.ends_at - now).total_seconds()))})


def kept_answer(key: str | None, fingerprint: bytes) -> Idempotency | None:
    """What is kept of a request with an idempotency key; None without one."""
    return None if key is None else Idempotency(key=key, fingerprint=fingerprint, answer=accepted_object)
