"""Keys of requests: `Authorization: Bearer ID:SECRET`, proved in constant time, revoked within a second."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from ses_ops.api.problems import Refusal
from ses_ops.application.api_keys import note_use, secret_hash, valid_keys
from ses_ops.application.secret_box import SecretBox
from ses_ops.domain.api_key import ApiKey, Scope, is_key_id
from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.connection import StatementFailed, connect, one_line

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Seconds for which keys are kept; also the time after which a revoked one is refused at the latest.
KEPT = 1.0
#: Seconds between two writes of the moments of last use.
NOTED_EVERY = 15.0
#: Seconds after which a request does not wait for the keys any longer.
PATIENCE = 5.0
_OPTIONS = "-c statement_timeout=3000"
#: In place of the hash of a key that does not exist, so that its refusal takes as long.
_NOBODY = secret_hash("nobody")
_log = logging.getLogger(__name__)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ses-ops"'}


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """A valid key with what its secret is proved by."""

    key: ApiKey
    secret_hash: bytes = field(repr=False)
    secret_box: bytes = field(repr=False)


class KeyRing:
    """The valid keys, read again when they are older than a second or a request names an unknown one.

    Requests that need them wait for one and the same query, so strangers with invented ids cost one at a time.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._conn: Connection | None = None
        self._known: dict[str, Credential] = {}
        self._read_at = 0.0
        self._reading: asyncio.Future[None] | None = None
        self._secrets: dict[bytes, bytes] = {}
        self._used: set[str] = set()
        self._noted_at = 0.0

    async def prove(self, id: str, secret: str) -> ApiKey | None:
        """The key whose secret this is; None for a wrong one. Raises DatabaseUnavailable."""
        found = await self._find(id)
        right = hmac.compare_digest(secret_hash(secret), _NOBODY if found is None else found.secret_hash)
        if found is None or not right:
            return None
        self._used.add(id)
        return found.key

    async def secret_of(self, id: str) -> tuple[ApiKey, bytes] | None:
        """A key and its secret, for a signature; None for an unknown one. Raises DatabaseUnavailable, NotSetUp."""
        found = await self._find(id)
        if found is None:
            return None
        secret = self._secrets.get(found.secret_hash)
        if secret is None:
            if len(self._secrets) > 10_000:
                self._secrets.clear()
            secret = self._secrets[found.secret_hash] = SecretBox.of_airflow().open(found.secret_box)
        return found.key, secret

    def note_used(self, id: str) -> None:
        """Note that a key was used, when its secret was proved by a signature."""
        self._used.add(id)

    async def close(self) -> None:
        """Write what was used, and end."""
        loop = asyncio.get_running_loop()
        with suppress(DatabaseUnavailable, StatementFailed):
            await loop.run_in_executor(self._thread, self._note)
        await loop.run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def _find(self, id: str) -> Credential | None:
        if not is_key_id(id):
            return None
        now = time.monotonic()
        if now - self._read_at > KEPT:
            await self._read(self._read_at)
        if id not in self._known and self._read_at < now:
            # It may have been made a moment ago.
            await self._read(now)
        return self._known.get(id)

    async def _read(self, newer_than: float) -> None:
        """Wait until the keys were read at a later moment than this."""
        while self._read_at <= newer_than:
            if self._reading is None:
                began, loop = time.monotonic(), asyncio.get_running_loop()
                self._reading = asyncio.ensure_future(self._read_now(loop, began))
                self._reading.add_done_callback(_seen)  # those who waited may have gone
            try:
                await asyncio.wait_for(asyncio.shield(self._reading), PATIENCE)
            except TimeoutError:
                raise DatabaseUnavailable("database_failed", cause="it does not answer") from None

    async def _read_now(self, loop: asyncio.AbstractEventLoop, began: float) -> None:
        try:
            self._known = await loop.run_in_executor(self._thread, self._load)
            self._read_at = began
        except StatementFailed as cause:
            raise DatabaseUnavailable("database_failed", cause=" ".join(str(cause).split())) from cause
        finally:
            self._reading = None

    def _load(self) -> dict[str, Credential]:
        conn = self._connected()
        try:
            rows = valid_keys(conn)
        except DatabaseUnavailable:
            conn.close()
            raise
        if self._used and time.monotonic() - self._noted_at > NOTED_EVERY:
            try:
                self._note()
            except (DatabaseUnavailable, StatementFailed) as problem:  # the keys are known all the same
                _log.warning("the last use of %d keys is written later: %s", len(self._used), one_line(problem))
                conn.close()
        return {
            key.id: Credential(key=key, secret_hash=bytes(row.secret_hash), secret_box=bytes(row.secret_box))
            for key, row in rows
        }

    def _note(self) -> None:
        self._noted_at = time.monotonic()
        used, self._used = self._used, set()
        try:
            if used:
                note_use(self._connected(), sorted(used))
        except BaseException:
            self._used |= used
            raise

    def _connected(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._dsn, application="ses api keys", options=_OPTIONS, connect_timeout=3)
        return self._conn

    def _close(self) -> None:
        if self._conn is not None:
            self._conn.close()


def _seen(reading: asyncio.Future[None]) -> None:
    if not reading.cancelled():
        reading.exception()


async def proved_key(request: Request) -> ApiKey:
    """The key of a request, counted in its limits. Raises Refusal 401, 429, and DatabaseUnavailable."""
    services = request.app.state.services
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    id, colon, secret = given.strip().partition(":")
    if kind.lower() != "bearer" or not colon:
        raise Refusal(401, "api_key_missing", headers=_CHALLENGE)
    key: ApiKey | None = await services.keys.prove(id, secret)
    if key is None:
        raise Refusal(401, "api_key_wrong", headers=_CHALLENGE)
    services.rates.take(key, request)
    return key


@dataclass(frozen=True)
class KeyWith:
    """A dependency of a route: the key of the request, which has to have the scope."""

    scope: Scope

    async def __call__(self, request: Request) -> ApiKey:
        """The key. Raises Refusal 401, 403, 429, and DatabaseUnavailable."""
        key = await proved_key(request)
        if not key.may(self.scope):
            raise Refusal(403, "api_key_scope_missing", scope=self.scope.value)
        return key


def key_with(scope: Scope) -> KeyWith:
    """The dependency for a scope."""
    return KeyWith(scope)


def check_domain(key: ApiKey, domain: str, field: str) -> None:
    """Refuse what is of a sender domain that the key does not name, in a `field`. Raises Refusal 403."""
    if not key.may_use(domain):
        raise Refusal(403, "api_key_domain_missing", sender_domain=domain, field=field)
