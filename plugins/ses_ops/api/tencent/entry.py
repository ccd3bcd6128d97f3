"""The one route of the reference's API: proves a request's key, checks its parameters, carries its action out."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ses_ops import settings
from ses_ops.api.bodies import read_body
from ses_ops.api.front import ACTION
from ses_ops.api.services import ApiServices, services_of
from ses_ops.api.tencent import actions, envelope, errors, fields, signature
from ses_ops.api.tencent.action_error import ActionError
from ses_ops.api.tencent.call import Call, not_allowed
from ses_ops.api.tencent.seen_signatures import SeenSignatures
from ses_ops.api.tencent.send_email import SendEmail
from ses_ops.api.tencent.signature import SignedRequest
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from ses_ops.domain.api_key import ApiKey

#: Octets of the longest body, and of the longest query, of the reference.
MOST_OCTETS, MOST_OF_QUERY = 8 << 20, 32 << 10
#: Parameters of every action, where they come in a query or a form.
_COMMON = frozenset(
    {
        *("Action", "Version", "Region", "Timestamp", "Nonce", "SecretId", "Signature", "SignatureMethod", "Token"),
        *("Language", "RequestClient"),
    }
)
_FORM = "application/x-www-form-urlencoded"
_log = logging.getLogger(__name__)


class ReferenceApi:
    """Answers the requests of the reference's clients in one process."""

    def __init__(self, *, per_second: int, zone: ZoneInfo) -> None:
        """`per_second`: requests of one key and action; `zone`: of times without an offset, and of all in answers."""
        self._per_second = per_second
        self._zone = zone
        self._seen = SeenSignatures()
        self._send_email = SendEmail(zone)

    async def answer(self, request: Request) -> Response:
        """The answer to a request, always with status 200."""
        request_id = str(uuid.uuid4())
        try:
            return envelope.success(await self._carried_out(request), request_id)
        except ActionError as problem:
            return envelope.failure(problem, request_id)
        except SesError as problem:
            return envelope.failure(errors.action_error(problem), request_id)
        except Exception:
            _log.exception("the request %s of a client of the reference failed", request_id)
            return envelope.failure(errors.internal(), request_id)

    async def _carried_out(self, request: Request) -> dict[str, Any]:
        services = services_of(request)
        signed = await _signed(request)
        pairs = _pairs(signed)
        key, action = await self._proved(services, request, signed, pairs)
        if not services.buckets.take((key.id, action.name), self._per_second).allowed:
            raise ActionError(
                "RequestLimitExceeded",
                f"Your current request times exceed the limit of {self._per_second} a second of this key and action.",
            )
        params = fields.checked(action.name, _parameters(signed, pairs))
        if action.run is None:
            return await self._send_email(services, key, params, signed.headers)
        run = action.run
        return await services.database.call(
            lambda conn: run(self._call(services, conn, key, action.name, params, signed))
        )

    async def _proved(
        self, services: ApiServices, request: Request, signed: SignedRequest, pairs: dict[str, str]
    ) -> tuple[ApiKey, actions.ActionThere]:
        """The key and the action of a request. Raises ActionError, and Refusal for too many requests."""
        claim = signature.tc3_claim(signed) if signature.is_tc3(signed) else signature.parameter_claim(signed, pairs)
        claim.check_time(time.time())
        found = await services.keys.secret_of(claim.secret_id)
        proved = claim.proved_by(found[1] if found else None)
        if found is None:
            raise ActionError("AuthFailure.SecretIdNotFound", "The SecretId is not found: there is no such key.")
        if not proved:
            raise signature.not_proved()
        self._seen.use(claim, now=time.monotonic())
        if claim.token:
            raise ActionError("AuthFailure.TokenFailure", "There are no temporary keys here: a token is not valid.")
        key = found[0]
        services.keys.note_used(key.id)
        services.rates.take(key, request)
        action = actions.find(claim.action, claim.version)
        request.scope[ACTION] = action.name
        if not any(key.may(scope) for scope in action.scopes):
            raise not_allowed(f"the action {action.name}: it needs the scope {' or '.join(sorted(action.scopes))}")
        return key, action

    def _call(
        self,
        services: ApiServices,
        conn: Connection,
        key: ApiKey,
        action: str,
        params: dict[str, Any],
        signed: SignedRequest,
    ) -> Call:
        return Call(
            key=key,
            action=action,
            params=params,
            conn=conn,
            actor=services.actor(key, conn),
            scheduler=services.scheduler(key, conn),
            plans=services.airflow.plans,
            templates_root=settings.templates_root(),
            now=datetime.now(UTC),
            zone=self._zone,
            headers=signed.headers,
        )


async def _signed(request: Request) -> SignedRequest:
    if request.method not in ("GET", "POST"):
        raise ActionError("UnsupportedProtocol", "The request method is not supported: only GET and POST are.")
    query = request.scope["query_string"]
    if len(query) > MOST_OF_QUERY:
        raise ActionError("RequestSizeLimitExceeded", f"A query has at most {MOST_OF_QUERY} bytes.")
    return SignedRequest(
        method=request.method,
        query=query.decode("latin-1"),
        headers={name: value.strip() for name, value in request.headers.items()},
        body=await read_body(request, MOST_OCTETS) if request.method == "POST" else b"",
    )


def _pairs(request: SignedRequest) -> dict[str, str]:
    """The names and values of a query or form; none of a JSON body."""
    if request.method == "GET":
        return fields.read_pairs(request.query)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        try:
            return fields.read_pairs(request.body.decode("ascii"))
        except UnicodeDecodeError as cause:
            raise ActionError("InvalidParameter", "The form is not URL-encoded.") from cause
    return {}


def _parameters(request: SignedRequest, pairs: dict[str, str]) -> dict[str, Any]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "GET" or content_type == _FORM:
        return fields.unflattened({name: value for name, value in pairs.items() if name not in _COMMON})
    if content_type != "application/json":
        raise ActionError("InvalidRequest", "The content type of a POST request must be application/json.")
    return fields.read_json(request.body)
