"""The answer to a request for a single message: what was accepted, and its replay to an equal request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from ses_ops.api.idempotency import REPLAYED
from ses_ops.api.rest.answers import JSON_TYPE, moment
from ses_ops.application.single_messages.orders import Replayed

if TYPE_CHECKING:
    from ses_ops.application.single_messages.orders import Accepted

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
#: Status of a message that was accepted, of a whole and of its recipients.
ACCEPTED, SCHEDULED = "accepted", "scheduled"


def accepted_object(accepted: Accepted) -> dict[str, Any]:
    """What was accepted, as it is answered and kept for replays: no body is in it."""
    return {
        "id": str(accepted.id),
        "status": SCHEDULED if accepted.scheduled else ACCEPTED,
        "accepted_at": moment(accepted.accepted_at),
        "recipients": [
            {"address": one.address, "kind": str(one.kind), "status": _status(accepted, str(one.state))}
            for one in accepted.recipients
        ],
    }


def _status(accepted: Accepted, state: str) -> str:
    """The status of a recipient: what leaves at once is queued, though the ledger has it marked as being sent."""
    if state == "suppressed":
        return state
    return SCHEDULED if accepted.scheduled else "queued"


def answer_of(result: Accepted | Replayed) -> tuple[str, bytes, int]:
    """The id, the body and the status of the answer to a request for one message; of a replay those of the first."""
    if isinstance(result, Replayed):
        return str(result.answer["id"]), encoded_answer(ordered(result.answer)), result.status
    return str(result.id), encoded_answer(accepted_object(result)), 202


def accepted_response(id: str, body: bytes, *, status: int = 202, replayed: bool = False) -> Response:
    """The answer to a request for one message."""
    headers = {"Cache-Control": "no-store", "Location": f"/v1/messages/{id}"}
    if replayed:
        headers[REPLAYED] = "true"
    return Response(body, status, headers, JSON_TYPE)


def ordered(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What was accepted, as PostgreSQL's jsonb returns it, in the order of `accepted_object`: the same octets."""
    recipients = [{name: one[name] for name in ("address", "kind", "status")} for one in answer["recipients"]]
    return {**{name: answer[name] for name in ("id", "status", "accepted_at")}, "recipients": recipients}


def encoded_answer(answer: Any) -> bytes:
    """JSON values as octets."""
    return _encode(answer).encode()
