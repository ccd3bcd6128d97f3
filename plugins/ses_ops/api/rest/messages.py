"""`/v1/messages`: single messages that were accepted: found, shown, cancelled, sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from ses_ops.api.rest.access import Reads, Sends, Served, domains_asked, domains_of
from ses_ops.api.rest.answers import answer
from ses_ops.api.rest.documents import CHANGE_PROBLEMS, PROBLEMS, done, listed, one_of
from ses_ops.api.rest.examples import MESSAGE, MESSAGE_WITH_TIMELINE
from ses_ops.api.rest.message_objects import message_object, timeline_object
from ses_ops.api.rest.paging import ITEMS, Cursor, Limit, page
from ses_ops.api.rest.query import asked_moment, known_query, moment_query
from ses_ops.application.single_messages.cancel import cancel_message
from ses_ops.application.single_messages.find import find, find_by_idempotency_key, message_id, search
from ses_ops.domain.feedback import Feedback
from ses_ops.domain.single_message_status import SingleMessageStatus
from ses_ops.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.single_messages.message_view import MessageView
    from ses_ops.domain.api_key import ApiKey

router = APIRouter(prefix="/v1/messages", tags=["Messages"], dependencies=[Depends(known_query)], responses=PROBLEMS)

MessageId = Annotated[str, Path(max_length=36, description="The `id` of the answer.", examples=[MESSAGE["id"]])]
_STATUSES: dict[str, SingleMessageStatus | Feedback] = {
    **{one.value: one for one in Feedback},
    **{one.value: one for one in SingleMessageStatus},
}


def _text(words: str, most: int = 255) -> Any:
    return Query(max_length=most, min_length=1, description=words)


@router.get("", summary="Search messages", responses=listed(MESSAGE))
async def list_messages(
    request: Request,
    key: Reads,
    services: Served,
    reference: Annotated[str | None, _text("Only messages with this `reference` of yours.")] = None,
    idempotency_key: Annotated[str | None, _text("The message that a request of this key made.")] = None,
    address: Annotated[str | None, _text("Only messages to this address.", 320)] = None,
    tag: Annotated[str | None, _text("Only messages with this tag.")] = None,
    status: Annotated[str | None, _text("Only messages of which a recipient has this status.")] = None,
    domain: Annotated[str | None, _text("Only messages of this sender domain.")] = None,
    key_id: Annotated[str | None, _text("Only messages that this API key asked for.")] = None,
    since: Annotated[str | None, moment_query("Only messages accepted then or later.")] = None,
    until: Annotated[str | None, moment_query("Only messages accepted before.")] = None,
    limit: Limit = ITEMS,
    cursor: Cursor = None,
) -> Response:
    """Messages that have everything that is asked for, the newest first, without their timelines.

    A search by `status` may answer a short page, or an empty one, and yet have a `next_cursor`. `idempotency_key` finds
    the message of your own key for as long as the answer to the request is kept.
    """
    domains = domains_asked(key, domain)
    if idempotency_key is not None:
        found = await services.read(find_by_idempotency_key, key.id, idempotency_key)
        seen = found is not None and (domains is None or found.sender_domain in domains)
        return answer(request, page([message_object(found)] if found is not None and seen else [], None))
    asked: dict[str, Any] = {"reference": reference, "address": address, "tag": tag, "key_id": key_id}
    asked |= {"status": None if status is None else _status(status), "cursor": cursor, "limit": limit}
    asked |= {"since": since and asked_moment(since, "since"), "until": until and asked_moment(until, "until")}
    messages = await services.read(search, domains=domains, **asked)
    return answer(request, page([message_object(one) for one in messages.messages], messages.next))


@router.get("/{id}", summary="A message and its timeline", responses=one_of(MESSAGE_WITH_TIMELINE))
async def show_message(request: Request, key: Reads, services: Served, id: MessageId) -> Response:
    """What became of a message and of each recipient, in the words of the mail server and of those who told of it."""
    return answer(request, timeline_object(await services.read(message_of, key, id)))


@router.post(
    "/{id}/cancel",
    summary="Cancel a scheduled message",
    responses=done(MESSAGE_WITH_TIMELINE, "It will not leave.") | CHANGE_PROBLEMS,
)
async def cancel(request: Request, key: Sends, services: Served, id: MessageId) -> Response:
    """Keep a message from leaving whose `send_at` has not come; one that is cancelled stays so. There is no body.

    409: it has left, or it was refused when its time came.
    """
    view = await services.read(message_of, key, id)
    await services.change(key, cancel_message, view.id)
    return answer(request, timeline_object(await services.read(message_of, key, id)), tagged=False)


def message_of(conn: Connection, key: ApiKey, id: str) -> MessageView:
    """A message that the key may see. Raises NotFound, also for one of another sender domain."""
    own = domains_of(key)
    uuid = message_id(id)
    found = None if uuid is None else find(conn, uuid)
    if found is None or (own is not None and found.sender_domain not in own):
        raise NotFound("message", id)
    return found


def _status(text: str) -> SingleMessageStatus | Feedback:
    found = _STATUSES.get(text)
    if found is None:
        raise InvalidInput("option_not_known", field="status", value=text, known=list(_STATUSES))
    return found
