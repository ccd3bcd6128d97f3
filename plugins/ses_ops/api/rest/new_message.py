"""`POST /v1/messages`: the fast route, outside of FastAPI's parameters and models.

At 1 500 requests a second on two cores, which PostgreSQL shares, 100 us of this path are a sixth of a core.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.bodies import read_json
from ses_ops.api.idempotency import HEADER, fingerprint, header_document, read_key
from ses_ops.api.keys import key_with
from ses_ops.api.problems import INTERNAL, problem_of
from ses_ops.api.rest.accepted import accepted_response, answer_of
from ses_ops.api.rest.access import Sends
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, done
from ses_ops.api.rest.documents import body as body_of
from ses_ops.api.rest.examples import ACCEPTED, NEW_MESSAGE
from ses_ops.api.rest.intake import kept_answer, order_of, refusal, replay_of
from ses_ops.api.rest.message_schema import MESSAGE_SCHEMA
from ses_ops.application.single_messages.orders import Refused, Replayed
from ses_ops.domain.api_key import Scope
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from ses_ops.api.services import ApiServices
    from ses_ops.application.single_messages.orders import Answer

PATH = "/v1/messages"
_log = logging.getLogger(__name__)
_key_of = key_with(Scope.SEND)

router = APIRouter(tags=["Messages"], responses=PROBLEMS | CHANGE_PROBLEMS)


async def new_message(request: Request) -> Response:
    """Accept one message. It raises nothing: no middleware stands around it."""
    try:
        return await _accept(request)
    except SesError as error:
        return problem_of(error).response
    except Exception:
        _log.exception("a new message could not be answered")
        return INTERNAL.response


async def _accept(request: Request) -> Response:
    services: ApiServices = request.app.state.services
    key = await _key_of(request)
    own = read_key(request.headers.get(HEADER))
    fields = await read_json(request)
    mark = b"" if own is None else fingerprint("POST", PATH, fields)
    if own is not None and (known := services.known.find(key.id, own, mark)):
        return accepted_response(known.id, known.body, status=known.status, replayed=True)
    kept = kept_answer(own, mark)
    result: Answer
    try:
        order = await order_of(services, key, fields, kept)
    except SesError as error:
        result = await replay_of(services, key, kept, error)
    else:
        (result,) = await services.mail.accept([order])
        if isinstance(result, Refused):
            return refusal(services, order, result.problem).response
    id, body, status = answer_of(result)
    if own is not None:
        services.known.add(key.id, own, mark, status=status, id=id, body=body)
    return accepted_response(id, body, status=status, replayed=isinstance(result, Replayed))


@router.post(
    PATH,
    summary="Send a message",
    status_code=202,
    responses=done(ACCEPTED, "It is on disk and will be tried; `Location` is where its status is.", status=202),
    openapi_extra=body_of(NEW_MESSAGE, MESSAGE_SCHEMA) | header_document(),
)
async def documented(request: Request, _: Sends) -> Response:
    """Accept one message, which leaves at once or at `send_at`, up to 7 days ahead.

    Each address of `to` gets a mail of its own, unless `shared` is true or there is a `cc` or `bcc`: then all get the
    same mail. 202 means that it is on disk. With the header `Idempotency-Key` an equal request (method, path and what
    the body means) has the same answer for 24 hours and `Idempotency-Replayed: true`, and nothing is sent again;
    another request with the same key has 422. Refused requests leave the key free.
    """
    return await _accept(request)
