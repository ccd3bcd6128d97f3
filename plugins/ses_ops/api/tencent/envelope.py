"""The envelope of every answer: status 200 and exactly `application/json`, errors too.

The reference's clients look for an error only where the content type is that text, without a charset; they take any
other status for a failure of the network, and retry it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ses_ops.api.tencent.action_error import ActionError

CONTENT_TYPE = "application/json"


def success(fields: Mapping[str, Any], request_id: str) -> Response:
    """The answer of an action that was carried out."""
    return _response({**fields, "RequestId": request_id})


def failure(problem: ActionError, request_id: str) -> Response:
    """The answer of a refusal."""
    return _response({"Error": {"Code": problem.code, "Message": problem.message}, "RequestId": request_id})


def _response(inner: Mapping[str, Any]) -> Response:
    body = json.dumps({"Response": inner}, ensure_ascii=False, separators=(",", ":"))
    return Response(body.encode(), headers={"Content-Type": CONTENT_TYPE})
