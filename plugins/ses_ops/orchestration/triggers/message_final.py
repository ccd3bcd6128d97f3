"""The trigger of SendMessageOperator: waits until it is known what became of a message."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ses_ops.errors import SesError
from ses_ops.orchestration.hooks.api_answer import ApiRefused, ApiUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class MessageFinalTrigger(BaseTrigger):
    """Asks the API every `poll_interval` seconds. The event has the outcome (`outcome_of`) as `message`.

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
        from ses_ops.orchestration.hooks.ses_ops_hook import SesOpsHook, message_path

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
    return message.get("pending") is False


def outcome_of(message: dict[str, Any]) -> dict[str, Any]:
    """What Airflow keeps of a message: no address and no content; `recipients` counts them by status."""
    states = Counter(str(one.get("status")) for one in message.get("recipients") or [])
    return {"id": message.get("id"), "status": message.get("status"), "recipients": dict(states)}
