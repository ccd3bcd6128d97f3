"""The one route of the reference's API: proves a request's key, checks its parameters, carries its action out."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ses_ops.api.tencent import actions, envelope, errors, fields, signature
from ses_ops.api.tencent.action_error import ActionError
from ses_ops.api.tencent.call import not_allowed
from ses_ops.api.tencent.seen_signatures import SeenSignatures
from ses_ops.api.tencent.signature import SignedRequest
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from ses_ops.api.tencent.call import Call
    from ses_ops.domain.api_key import ApiKey

T = TypeVar("T")
VERSION = "2020-10-02"
#: Octets of the longest body, and of the longest query, of the reference.
MOST_OCTETS, MOST_OF_QUERY = 8 * 1024 * 1024, 32 * 1024
#: Parameters of every action, where they come in a query or a form.
_COMMON = frozenset(
    {
        *("Action", "Version", "Region", "Timestamp", "Nonce", "SecretId", "Signature", "SignatureMethod", "Token"),
        *("Language", "RequestClient"),
    }
)
_FORM = "application/x-www-form-urlencoded"
_log = logging.getLogger(__name__)


class Host(Protocol):
    """What the process lends to the route."""

    async def key_with_secret(self, secret_id: str) -> tuple[ApiKey, str] | None:
        """A valid key and its secret, at most a second old."""
        ...

    async def body(self, request: Request, most: int) -> bytes:
        """The body, of at most `most` octets. Raises SesError."""
        ...

    def within_rate(self, key: ApiKey, action: str) -> bool:
        """Whether a key may make one more request of an action in this second; counts it."""
        ...

    async def in_database(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, in a thread with a connection of its own."""
        ...

    def call(self, conn: Connection, key: ApiKey, action: str, params: dict[str, Any], headers: dict[str, str]) -> Call:
        """A request as an action gets it."""
        ...

    async def send(self, key: ApiKey, params: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        """Carry SendEmail out."""
        ...


class ReferenceApi:
    """Answers the requests of the reference's clients in one process."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._seen = SeenSignatures()

    async def answer(self, request: Request) -> Response:
        """The answer to a request: always with status 200, unless it is not even HTTP of the reference."""
        request_id = str(uuid.uuid4())
        try:
            return envelope.success(await self._carried_out(request), request_id)
        except ActionError as problem:
            return envelope.failure(problem, request_id)
        except SesError as problem:
            return envelope.failure(errors.action_error(problem), request_id)
        except Exception:
            _log.exception("request %s of the reference's API failed", request_id)
            return envelope.failure(errors.internal(), request_id)

    async def _carried_out(self, request: Request) -> dict[str, Any]:
        signed = await self._signed(request)
        pairs = _pairs(signed)
        claim = signature.tc3_claim(signed) if signature.is_tc3(signed) else signature.parameter_claim(signed, pairs)
        claim.check_time(time.time())
        found = await self._host.key_with_secret(claim.secret_id)
        proved = claim.proved_by(found[1] if found else None)
        if found is None:
            raise ActionError("AuthFailure.SecretIdNotFound", "The SecretId is not found: there is no such key.")
        if not proved:
            raise signature.not_proved()
        self._seen.use(claim, signed.query.encode() + b"\n" + signed.body, now=time.monotonic())
        if claim.token:
            raise ActionError("AuthFailure.TokenFailure", "There are no temporary keys here: a token is not valid.")
        key = found[0]
        action = actions.find(claim.action, claim.version)
        if not action.scopes & key.scopes and not any(key.may(scope) for scope in action.scopes):
            raise not_allowed(f"the action {claim.action}: it needs the scope {' or '.join(sorted(action.scopes))}")
        if not self._host.within_rate(key, action.name):
            raise ActionError("RequestLimitExceeded", "Your current request times exceed the limit of this key.")
        params = fields.checked(action.name, _parameters(signed, pairs))
        if action.run is None:
            return await self._host.send(key, params, dict(signed.headers))
        run = action.run
        return await self._host.in_database(
            lambda conn: run(self._host.call(conn, key, action.name, params, dict(signed.headers)))
        )

    async def _signed(self, request: Request) -> SignedRequest:
        if request.method not in ("GET", "POST"):
            raise ActionError("UnsupportedProtocol", "The request method is not supported: only GET and POST are.")
        query = request.scope["query_string"]
        if len(query) > MOST_OF_QUERY:
            raise ActionError("RequestSizeLimitExceeded", f"A query has at most {MOST_OF_QUERY} bytes.")
        return SignedRequest(
            method=request.method,
            query=query.decode("latin-1"),
            headers={name: value.strip() for name, value in request.headers.items()},
            body=await self._host.body(request, MOST_OCTETS) if request.method == "POST" else b"",
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


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)
