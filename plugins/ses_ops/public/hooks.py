"""Where providers bring events: `POST /hooks/<source>`.

A provider is answered 200 when its events are kept, in PostgreSQL or in the spool. Events of messages that are not
known are kept too, and answered 200: a message is in the ledger before it is sent, so a second try would find it no
better, and providers end a feed that fails.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ses_ops.errors import Explanation, SesError
from ses_ops.events.hook import Heard, Hook, HookRefused, HookRequest
from ses_ops.events.provider_hooks import hooks_set_up
from ses_ops.events.spool import Record
from ses_ops.events.tokens import Purpose
from ses_ops.public.bodies import BODY_WITHIN, read_body
from ses_ops.public.rates import RequestRate
from ses_ops.public.services import Services, services_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from ses_ops.domain.message_event import MessageKey

#: Bytes of a body beyond which it is parsed in a thread, so that other requests are answered meanwhile.
_LARGE = 64 * 1024
#: Refusals of one source and reason in ten seconds that are noted; a stranger may post without end.
_NOTED = 10
_log = logging.getLogger(__name__)


def routes(hooks: Mapping[str, Hook] | None = None) -> list[BaseRoute]:
    """The routes of the hooks that are set up; any other path is 404. Raises InvalidInput for a wrong setting."""
    endpoint = _Endpoint(hooks_set_up() if hooks is None else hooks)
    return [Route(path, endpoint.take, methods=["POST"]) for path in ("/hooks/{source}", "/hooks/{source}/{rest:path}")]


class _Endpoint:
    def __init__(self, hooks: Mapping[str, Hook]) -> None:
        self._hooks = hooks
        self._refusals = RequestRate(most=_NOTED, seconds=10)

    async def take(self, request: Request) -> Response:
        """Verify a request, keep what it tells, and answer."""
        hook = self._hooks.get(request.path_params["source"])
        if hook is None:
            raise HTTPException(404)
        services = services_of(request)
        given = await self._read(request, hook, services)
        try:
            await hook.verify(given)
            heard = await _heard(hook, given, services)
            await hook.confirm(given)
            records: list[Record] = [*heard.events, *heard.engagement, *heard.set_aside]
            if records:
                await services.intake.take(records)
        except HookRefused as refused:
            self._note(services, hook, refused.explanation)
            challenge = {"WWW-Authenticate": 'Basic realm="ses-ops"'} if refused.status == 401 else None
            return PlainTextResponse("refused\n", refused.status, challenge)
        except SesError as problem:
            # Neither PostgreSQL nor the disk takes it, or there are no secrets yet: the provider tries again.
            _log.warning("an event of %s cannot be kept: %s", hook.source, problem)
            return PlainTextResponse("try again later\n", 503)
        return PlainTextResponse("ok\n")

    async def _read(self, request: Request, hook: Hook, services: Services) -> HookRequest:
        try:
            body = await read_body(request, hook.most_bytes)
        except HTTPException as problem:
            if problem.status_code == 413:
                self._note(services, hook, Explanation("hook_body_too_large", most=hook.most_bytes))
            else:
                self._note(services, hook, Explanation("hook_body_not_complete", seconds=int(BODY_WITHIN)))
            raise
        headers = {name: request.headers[name] for name in request.headers}
        return HookRequest(headers=headers, body=body, rest=request.path_params.get("rest", ""), at=datetime.now(UTC))

    def _note(self, services: Services, hook: Hook, why: Explanation) -> None:
        if self._refusals.allows(f"{hook.source} {why.code}"):
            _log.warning("a request for the hook of %s is refused: %s", hook.source, why)
            services.intake.note_refused(hook.source, why)


async def _heard(hook: Hook, given: HookRequest, services: Services) -> Heard:
    """What a request tells; read once more with new secrets, when a token is not known."""
    unknown, version = False, services.secrets.version

    def read(token: str) -> MessageKey | None:
        nonlocal unknown
        found = services.secrets.read(token, Purpose.EVENT)
        unknown = unknown or (found is None and bool(token))
        return found[0] if found else None

    def parsed() -> Heard:
        heard = Heard(source=hook.source, read_token=read)
        hook.parse(given, heard)
        return heard

    heard = await asyncio.to_thread(parsed) if len(given.body) > _LARGE else parsed()
    if unknown and not services.intake.away and await asyncio.to_thread(services.secrets.newer_than, version):
        return await asyncio.to_thread(parsed)
    return heard
