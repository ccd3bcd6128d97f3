"""The API of ses-ops for people's own DAGs: `SesOpsHook`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseHook

from ses_ops.errors import NotSetUp
from ses_ops.orchestration.hooks.api_answer import LONGEST_WAIT, ApiRefused, ApiUnavailable, error_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

DEFAULT_CONNECTION = "ses_ops_api"
#: Port of `ses listen api` (SES_API_PORT).
DEFAULT_PORT = 8060
#: Number of times that a request is tried, and seconds before the second try; twice as many before each further one.
TRIES, FIRST_WAIT = 4, 1.0
#: Seconds until a connection is made, and seconds without a byte of an answer.
_CONNECT, _ANSWER = 10.0, 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiAddress:
    """Where the API is, and with which key it is used."""

    url: str
    key_id: str
    secret: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        return {"Authorization": f"Bearer {self.key_id}:{self.secret}", "Accept": "application/json"}


class SesOpsHook(BaseHook):
    """Sends single messages, and asks what became of them, through an Airflow connection.

    The connection has the host and port of the API, and a key: its id as the login, its secret as the password. The
    schema is `https` or `http` (the default). A request is tried again when the API cannot be reached or asks for that;
    a message is never sent twice by that, because its request has an Idempotency-Key.
    """

    conn_name_attr = "ses_ops_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = "ses_ops_api"
    hook_name = "ses-ops API"

    def __init__(self, ses_ops_conn_id: str = DEFAULT_CONNECTION) -> None:
        super().__init__()
        self.ses_ops_conn_id = ses_ops_conn_id
        self._address: ApiAddress | None = None

    def send_message(self, message: Mapping[str, Any], *, idempotency_key: str) -> dict[str, Any]:
        """Have a message sent (`POST /v1/messages`); the answer: `id`, `status`, `recipients`.

        The same key gives the same answer, and no second message, for as long as the API keeps it (24 hours). Raises
        ApiRefused, and ApiUnavailable when it is not known whether the message was accepted: ask again with the key.
        """
        headers = {"Idempotency-Key": idempotency_key}
        return self.request("POST", "/v1/messages", body=message, headers=headers)

    def message(self, message_id: str) -> dict[str, Any]:
        """A message: its status, and that of each recipient. Raises ApiRefused, ApiUnavailable."""
        return self.request("GET", message_path(message_id))

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Ask anything of the API that may be asked twice; the answer's JSON object.

        So: GET, PUT and DELETE, and POST only with an Idempotency-Key. Raises ApiRefused, ApiUnavailable.
        """
        import httpx

        address = self.address()
        with httpx.Client(**_client(address)) as client:
            for number in range(TRIES):
                try:
                    return _answer(client.request(method, path, json=body, headers=headers, params=params), method)
                except httpx.TransportError as cause:
                    problem = _not_reached(address, cause)
                except ApiUnavailable as refused:
                    problem = refused
                wait = problem.retry_after if problem.retry_after is not None else FIRST_WAIT * 2**number
                if number == TRIES - 1 or wait > LONGEST_WAIT:
                    raise problem
                self.log.info("%s; asked again in %s s", problem, wait)
                time.sleep(wait)
        raise AssertionError("every try returns or raises")

    async def request_once(self, path: str) -> dict[str, Any]:
        """GET, once, for a trigger. Raises ApiRefused, ApiUnavailable."""
        import httpx
        from asgiref.sync import sync_to_async

        address = await sync_to_async(self.address, thread_sensitive=False)()
        async with httpx.AsyncClient(**_client(address)) as client:
            try:
                return _answer(await client.get(path), "GET")
            except httpx.TransportError as cause:
                raise _not_reached(address, cause) from cause

    def address(self) -> ApiAddress:
        """Where the API is. Raises NotSetUp for a connection without host, login or password."""
        if self._address is None:
            self._address = _address_of(self.get_connection(self.ses_ops_conn_id), self.ses_ops_conn_id)
        return self._address

    def get_conn(self) -> httpx.Client:
        """A client of HTTP for the API, to be closed by the caller."""
        import httpx

        return httpx.Client(**_client(self.address()))

    def test_connection(self) -> tuple[bool, str]:
        """Whether the API answers, and knows the key: Airflow's button *Test*."""
        try:
            self.request("GET", "/v1/messages", params={"limit": "1"})
        except (ApiUnavailable, NotSetUp) as problem:
            return False, str(problem)
        except ApiRefused as problem:
            # A key for sending alone may not read: the API has known it.
            return problem.status == 403, str(problem)
        return True, "the API answers, and knows the key"

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Airflow's form of the connection, in words of the API."""
        from ses_ops.airflow_provider import HIDDEN_FIELDS, PLACEHOLDERS, RELABELING

        return {"hidden_fields": HIDDEN_FIELDS, "relabeling": RELABELING, "placeholders": PLACEHOLDERS}


def message_path(message_id: str) -> str:
    """The path of a message."""
    return f"/v1/messages/{quote(message_id, safe='')}"


def _address_of(found: Any, conn_id: str) -> ApiAddress:
    incomplete = NotSetUp("api_connection_incomplete", where=f"the Airflow connection {conn_id}")
    given, scheme = (found.host or "").strip(), (found.schema or "http").strip().lower()
    whole = "://" in given  # people write the whole address
    if not whole and given.count(":") > 1 and not given.startswith("["):
        given = f"[{given}]"  # IPv6
    try:
        parts = urlsplit(given if whole else f"{scheme}://{given}")
        port = parts.port or found.port or (None if whole else DEFAULT_PORT)
    except ValueError as cause:
        raise incomplete from cause
    if not parts.hostname or not found.login or not found.password or parts.scheme not in ("http", "https"):
        raise incomplete
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = host if port is None else f"{host}:{port}"
    url = f"{parts.scheme}://{place}{parts.path.rstrip('/')}"
    return ApiAddress(url=url, key_id=found.login, secret=found.password)


def _client(address: ApiAddress) -> dict[str, Any]:
    import httpx

    # A redirect is not followed: it would take the secret elsewhere.
    timeout = httpx.Timeout(_ANSWER, connect=_CONNECT)
    return {"base_url": address.url, "headers": address.headers, "timeout": timeout, "follow_redirects": False}


def _answer(answer: httpx.Response, method: str) -> dict[str, Any]:
    if answer.status_code >= 300:
        raise error_of(answer)
    if answer.status_code == 204:
        return {}
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ApiUnavailable("not_the_api", method=method, url=str(answer.request.url.copy_with(query=None)))
    return found


def _not_reached(address: ApiAddress, cause: httpx.TransportError) -> ApiUnavailable:
    return ApiUnavailable("api_not_reached", url=address.url, cause=str(cause) or type(cause).__name__)
