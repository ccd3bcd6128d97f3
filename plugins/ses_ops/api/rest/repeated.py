"""`POST /v1/messages/{id}/resend`: a new message of what an earlier one said."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.bodies import parse_json, read_body
from ses_ops.api.idempotency import HEADER, fingerprint, header_document, read_key
from ses_ops.api.rest.accepted import accepted_response, answer_of
from ses_ops.api.rest.access import Sends, Served
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, done
from ses_ops.api.rest.examples import ACCEPTED
from ses_ops.api.rest.intake import kept_answer, order_of_message, refusal, replay_of
from ses_ops.api.rest.messages import MessageId, message_of
from ses_ops.application.single_messages.orders import Refused, Replayed
from ses_ops.application.single_messages.resend import message_to_repeat
from ses_ops.errors import InvalidInput, SesError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.single_messages.orders import Answer
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.single_message import SingleMessage

router = APIRouter(tags=["Messages"], responses=PROBLEMS | CHANGE_PROBLEMS)


@router.post(
    "/v1/messages/{id}/resend",
    summary="Send a message again",
    status_code=202,
    responses=done(ACCEPTED, "A new message was accepted, which `repeats` this one.", status=202),
    openapi_extra=header_document(),
)
async def send_again(request: Request, key: Sends, services: Served, id: MessageId) -> Response:
    """Make a new message of the same content to the same recipients, which leaves at once. The request has no body.

    409: the message may still leave by itself, or its content is no longer kept. A lost answer is asked for again with
    the same `Idempotency-Key`, or somebody gets the mail a third time.
    """
    own = read_key(request.headers.get(HEADER))
    given = await read_body(request)
    if given and parse_json(given) != {}:
        raise InvalidInput("body_not_empty")
    kept = kept_answer(own, b"" if own is None else fingerprint("POST", f"/v1/messages/{id}/resend", {}))
    result: Answer
    try:
        message = await services.read(_to_repeat, key, id)
        order = await order_of_message(services, key, message, kept, repeats=UUID(id))
    except SesError as error:
        result = await replay_of(services, key, kept, error)
    else:
        (result,) = await services.mail.accept([order])
        if isinstance(result, Refused):
            return refusal(services, order, result.problem).response
    made, body, status = answer_of(result)
    return accepted_response(made, body, status=status, replayed=isinstance(result, Replayed))


def _to_repeat(conn: Connection, key: ApiKey, id: str) -> SingleMessage:
    return message_to_repeat(conn, message_of(conn, key, id).id)
