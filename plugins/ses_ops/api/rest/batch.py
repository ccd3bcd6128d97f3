"""`POST /v1/messages/batch`: up to 1 000 messages in one request, with a result for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.bodies import read_json
from ses_ops.api.idempotency import HEADER, REPLAYED, fingerprint, header_document, read_key
from ses_ops.api.problems import problem_of
from ses_ops.api.rest.accepted import accepted_object, encoded_answer, ordered
from ses_ops.api.rest.access import Sends, Served
from ses_ops.api.rest.answers import JSON_TYPE
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, body, content
from ses_ops.api.rest.examples import BATCH_RESULT, NEW_MESSAGE
from ses_ops.api.rest.intake import kept_answer, order_of
from ses_ops.api.rest.message_schema import MESSAGE_SCHEMA
from ses_ops.api_settings import api_idempotency_hours
from ses_ops.application.single_messages.batch import MOST_MESSAGES, claim_batch, item_key, release_batch
from ses_ops.application.single_messages.orders import Accepted, Refused, Replayed
from ses_ops.application.single_messages.replays import find_replays
from ses_ops.errors import InvalidInput, NotAccepted, SesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ses_ops.api.services import ApiServices
    from ses_ops.application.single_messages.orders import Answer, Order
    from ses_ops.domain.api_key import ApiKey

PATH = "/v1/messages/batch"
#: Messages that are checked and rendered before other requests have their turn: some 3 ms.
_AT_ONCE = 16
#: Seconds to wait for an equal batch that claims its key at the same moment, and between two tries.
_WITHIN, _EVERY = 5.0, 0.05

router = APIRouter(tags=["Messages"], responses=PROBLEMS | CHANGE_PROBLEMS)
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "messages": {"type": "array", "items": MESSAGE_SCHEMA, "minItems": 1, "maxItems": MOST_MESSAGES},
    },
    "required": ["messages"],
    "additionalProperties": False,
}


@router.post(
    PATH,
    summary="Send many messages",
    status_code=202,
    responses={
        202: {"description": "All are accepted.", "content": content(BATCH_RESULT)},
        207: {"description": "Some, or all, are refused: see each result.", "content": content(BATCH_RESULT)},
    },
    openapi_extra=body({"messages": [NEW_MESSAGE]}, _SCHEMA) | header_document(),
)
async def new_batch(request: Request, key: Sends, services: Served) -> Response:
    """Accept up to 1 000 messages, each for itself: the results have the order of the messages.

    With `Idempotency-Key` an equal request sends nothing again: messages that were accepted have the same result, those
    that were refused are tried anew. The keys of batches are apart from those of single messages.
    """
    own = read_key(request.headers.get(HEADER))
    fields = await read_json(request)
    messages = _read(fields)
    mark = b"" if own is None else fingerprint("POST", PATH, fields)
    if own is not None:
        await _claim(services, key, own, mark)
    results = await _accept(services, key, messages, own, mark)
    accepted = sum(isinstance(one, Accepted | Replayed) for one in results)
    if own is not None and not accepted:
        await services.database.call(release_batch, key.id, own, len(messages))
    answer = {
        "accepted": accepted,
        "refused": len(results) - accepted,
        "results": [_result(one) for one in results],
    }
    headers = {"Cache-Control": "no-store"}
    if any(isinstance(one, Replayed) for one in results) and not any(isinstance(one, Accepted) for one in results):
        headers[REPLAYED] = "true"
    return Response(encoded_answer(answer), 202 if accepted == len(results) else 207, headers, JSON_TYPE)


def _read(fields: Any) -> list[Any]:
    """The messages of a request. Raises InvalidInput."""
    if not isinstance(fields, dict):
        raise InvalidInput("body_not_an_object")
    for name in fields:
        if name not in _SCHEMA["properties"]:
            raise InvalidInput("unknown_key", field=name[:80], known=list(_SCHEMA["properties"]))
    messages = fields.get("messages")
    if not isinstance(messages, list) or not 1 <= len(messages) <= MOST_MESSAGES:
        raise InvalidInput("batch_not_usable", field="messages", most=MOST_MESSAGES)
    return messages


async def _claim(services: ApiServices, key: ApiKey, own: str, mark: bytes) -> None:
    """Have the key stand for this body. Raises Conflict, and NotAccepted after a while."""
    ends = asyncio.get_running_loop().time() + _WITHIN
    while True:
        try:
            return await services.database.call(claim_batch, key.id, own, mark, hours=api_idempotency_hours())
        except NotAccepted:
            if asyncio.get_running_loop().time() > ends:
                raise
        await asyncio.sleep(_EVERY)


async def _accept(
    services: ApiServices, key: ApiKey, messages: Sequence[Any], own: str | None, mark: bytes
) -> list[Answer]:
    """What becomes of each message."""
    results: dict[int, Answer] = {}
    orders: dict[int, Order] = {}
    for place, fields in enumerate(messages):
        kept = kept_answer(None if own is None else item_key(own, place), mark)
        try:
            orders[place] = await order_of(services, key, fields, kept)
        except SesError as error:
            if problem_of(error).status >= 500:
                raise
            results[place] = Refused(error)
        if place % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    if own is not None and results:
        kept_ones = [one for place in results if (one := kept_answer(item_key(own, place), mark)) is not None]
        replays = await services.read(find_replays, key.id, kept_ones)
        results |= {place: replays[name] for place in results if (name := item_key(own, place)) in replays}
    if orders:
        accepted = await services.mail.accept(list(orders.values()))
        results |= zip(orders, accepted, strict=True)
    return [results[place] for place in range(len(messages))]


def _result(result: Answer) -> dict[str, Any]:
    if isinstance(result, Accepted):
        return accepted_object(result)
    if isinstance(result, Replayed):
        return ordered(result.answer)
    return {"status": "refused", "problem": problem_of(result.problem).body}
