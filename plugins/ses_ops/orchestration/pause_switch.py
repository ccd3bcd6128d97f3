"""Middleware of Airflow's API server that carries pauses over to send tasks.

Airflow has no listener for the pause switch of a DAG. So the response to `PATCH /api/v2/dags/{dag_id}` and to the bulk
`PATCH /api/v2/dags`, which both name the changed DAGs, is read on its way out. No error here can make the request fail.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from ses_ops.domain.send_task import DAG_ID_PREFIX

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Message, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

_SWITCH = re.compile(r"/api/v2/dags(/[^/]+)?/?")
#: Seconds that the response may wait for the ses database.
TIMEOUT = 5.0


class PauseSwitchMiddleware:
    """A pure ASGI middleware, which passes every other request through unchanged."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on; hold a successful response back until the send task is written."""
        if scope["type"] != "http" or scope["method"] != "PATCH" or not _is_switch(scope):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def watch(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                if start.get("status") == 200:
                    await _follow(bytes(body), scope)
                await send(start)
                await send({"type": "http.response.body", "body": bytes(body)})
                return
            await send(message)

        await self.app(scope, receive, watch)


def _is_switch(scope: Message) -> bool:
    path = scope["path"].removeprefix(scope.get("root_path") or "")
    return _SWITCH.fullmatch(path) is not None


async def _follow(body: bytes, scope: Message) -> None:
    try:
        answer = json.loads(body)
        dags = answer["dags"] if isinstance(answer.get("dags"), list) else [answer]
        changed = {dag["dag_id"]: bool(dag["is_paused"]) for dag in dags if dag["dag_id"].startswith(DAG_ID_PREFIX)}
        if changed:
            user = await _user(scope)
            await asyncio.wait_for(asyncio.to_thread(_write, changed, user), TIMEOUT)
    except Exception as problem:
        log.warning("a pause switch was turned and the ses database was not told: %s", problem or type(problem))


def _write(changed: dict[str, bool], user: Any) -> None:
    from ses_ops.orchestration.pause import follow_switch

    name = None if user is None else str(user.get_name())
    for dag, paused in changed.items():
        may_start = partial(_may_start, user, dag)
        follow_switch(dag.removeprefix(DAG_ID_PREFIX), paused=paused, user=name, may_start=may_start)


def _may_start(user: Any, dag: str) -> bool:
    """Whether a user may start a run of a DAG; False for an unknown user."""
    if user is None:
        return False
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
    from airflow.configuration import conf
    from airflow.models.dag import DagModel

    several = conf.getboolean("core", "multi_team", fallback=False)
    team = DagModel.get_dag_id_to_team_name_mapping([dag]).get(dag) if several else None
    return bool(
        get_auth_manager().is_authorized_dag(
            method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag, team_name=team), user=user
        )
    )


async def _user(scope: Message) -> Any:
    """The user who turned the switch, by the state of Airflow's own middleware or by the token; None: unknown."""
    user = (scope.get("state") or {}).get("user")
    try:
        if user is None:
            headers = {name.lower(): value for name, value in scope["headers"]}
            scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
            if scheme.lower() == "bearer" and token:
                from airflow.api_fastapi.core_api.security import resolve_user_from_token

                user = await resolve_user_from_token(token)
        return user
    except Exception:
        return None
