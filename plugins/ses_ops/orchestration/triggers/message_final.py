"""The trigger of SendMessageOperator: waits until it is known what became of a message."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ses_ops.errors import SesError
from ses_ops.orchestration.hooks.api_answer import ApiRefused, ApiUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: States of a recipient after which nothing happens by itself.
FINAL = frozenset({"sent", "failed", "suppressed", "unknown", "cancelled", "refused"})


class MessageFinalTrigger(BaseTrigger):
    """Asks the API every `poll_interval` seconds. The event: `status`, and the `states` of the recipients.

    An API that cannot be reached for a while is asked again until `until` (seconds since 1970).
    """

    def __init__(self, *, ses_ops_conn_id: str, message_id: str, poll_interval: float, until: float) -> None:
        super().__init__()
        self.ses_ops_conn_id = ses_ops_conn_id
        self.message_id = message_id
        self.poll_interval = poll_interval
        self.until = until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores: no secret, no address, no content."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "ses_ops_conn_id": self.ses_ops_conn_id,
                "message_id": self.message_id,
                "poll_interval": self.poll_interval,
                "until": self.until,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until every recipient's state is final."""
        from ses_ops.orchestration.hooks.ses_ops import SesOpsHook, message_path

        hook = SesOpsHook(self.ses_ops_conn_id)
        while True:
            try:
                message = await hook.request_once(message_path(self.message_id))
                if is_final(message):
                    yield TriggerEvent({"message": outcome_of(message)})
                    return
            except ApiUnavailable as problem:
                self.log.warning("%s; asked again in %s s", problem, self.poll_interval)
            except (ApiRefused, SesError) as problem:
                yield TriggerEvent({"problem": str(problem)})
                return
            if time.time() >= self.until:
                yield TriggerEvent({"timeout": True})
                return
            await asyncio.sleep(self.poll_interval)


def is_final(message: dict[str, Any]) -> bool:
    """Whether nothing will happen to any recipient of a message by itself."""
    states = [_state(one) for one in message.get("recipients") or []]
    if not states:  # a message of later that was cancelled, or refused when its time came
        return message.get("status") in FINAL
    return all(state in FINAL for state in states)


def outcome_of(message: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a message in Airflow: no address and no content; `states` counts the recipients."""
    states: dict[str, int] = {}
    for one in message.get("recipients") or []:
        states[_state(one)] = states.get(_state(one), 0) + 1
    return {"id": message.get("id"), "status": message.get("status"), "states": states}


def _state(recipient: dict[str, Any]) -> str:
    return str(recipient.get("state") or recipient.get("status") or "")
