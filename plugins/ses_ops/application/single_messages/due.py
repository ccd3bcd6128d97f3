"""Single messages whose `send_at` has come: sent by any copy of the API through the same acceptance, or refused.

Quota, limits and the suppression list are those of that moment. A message of a key that was revoked since then is sent:
it was accepted. A person, or another key, can cancel it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING
from uuid import UUID

from ses_ops.application.single_messages.keeping import keep
from ses_ops.application.single_messages.orders import Order, Refused
from ses_ops.domain.api_key import ApiKey
from ses_ops.domain.single_message import read_stored
from ses_ops.errors import DatabaseUnavailable, NotAccepted, NotSetUp, SesError
from ses_ops.sending.home import check_home
from ses_ops.sending.single.control import Control
from ses_ops.storage.connection import transaction
from ses_ops.storage.single_messages import scheduled

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.single_messages.accept import Acceptor
    from ses_ops.application.single_messages.orders import Answer
    from ses_ops.sending.single.open_chunk import Mail
    from ses_ops.storage.single_messages.scheduled import DueMessage

log = logging.getLogger(__name__)

#: Number of messages that are claimed at a time, and the seconds for which they are this copy's.
AT_ONCE = 200
CLAIMED_FOR = 60.0
#: Seconds between two looks at what is kept for some days only.
KEEP_EVERY = 600.0
#: Errors for which no message is at fault.
_OF_ALL = (DatabaseUnavailable, NotSetUp)


class DueMessages:
    """Sends what is due, as long as it runs. `remake` makes the mail of a stored message anew."""

    def __init__(self, dsn: str, *, acceptor: Acceptor, remake: Callable[[bytes], Mail], every: float = 1.0) -> None:
        self._control = Control(dsn)
        self._acceptor = acceptor
        self._remake = remake
        self._every = every
        self._kept_at = -KEEP_EVERY
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End. What is claimed and not accepted yet is another copy's soon."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._control.close()

    async def _run(self) -> None:
        while True:
            found = 0
            try:
                found = await self.look()
                if time.monotonic() - self._kept_at >= KEEP_EVERY:
                    self._kept_at = time.monotonic()
                    await self._control.do(keep)
            except _OF_ALL as problem:
                log.warning("messages of a later time: %s", problem)
            except Exception:  # a bug must not end it for ever
                log.exception("messages of a later time cannot be sent")
            if found < AT_ONCE:
                await asyncio.sleep(self._every)

    async def look(self) -> int:
        """Send what is due now, at most AT_ONCE messages; returns their number. Raises DatabaseUnavailable.

        What goes wrong with one message holds up no other; that one is tried again when its claim has run out.
        """
        due = await self._control.do(_claim)
        made = await asyncio.to_thread(lambda: [self._order_or_problem(one) for one in due])
        orders = [order for order in made if isinstance(order, Order)]
        # Each is a call of its own, as an error is the answer to a whole call; they share a commit all the same.
        calls = [self._acceptor.accept([order]) for order in orders]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for one, outcome in zip(due, made, strict=True):
            if not isinstance(outcome, Order):
                await self._settle(one.id, outcome)
        for order, answer in zip(orders, answers, strict=True):
            await self._settle(str(order.id), answer if isinstance(answer, BaseException) else answer[0])
        return len(due)

    async def _settle(self, message_id: str, outcome: Answer | BaseException) -> None:
        """Refuse a message, or say that it is tried again. Raises an error that is not of this message alone."""
        try:
            if isinstance(outcome, Refused):
                await self._refuse(message_id, outcome.problem)
            elif isinstance(outcome, BaseException):
                raise outcome
        except _OF_ALL:
            raise
        except Exception:  # a bug, or a statement that failed
            log.exception("message %s is not sent; it is tried again in a minute", message_id)

    def _order_or_problem(self, due: DueMessage) -> Order | Refused | Exception:
        try:
            return self._order(due)
        except _OF_ALL:
            raise
        except SesError as problem:
            return Refused(problem)
        except ValueError as problem:
            return Refused(NotAccepted("single_message_not_storable", cause=problem))
        except Exception as problem:
            return problem

    def _order(self, due: DueMessage) -> Order:
        if due.content is None:
            raise NotAccepted("single_message_content_gone")
        return Order(
            message=read_stored(due.content),
            key=ApiKey(id=due.key_id, name="", scopes=frozenset(), domains=frozenset()),
            source=due.source,
            prepared=self._remake(due.content),  # may ask the database, so this runs in a thread
            idempotency=None,
            id=UUID(due.id),
            due=True,
        )

    async def _refuse(self, message_id: str, problem: SesError) -> None:
        why = problem.explanation

        def write(conn: Connection) -> None:
            with transaction(conn):
                scheduled.refuse(conn, message_id, why)

        log.warning("message %s is not sent: %s", message_id, why.code)
        await self._control.do(write)


def _claim(conn: Connection) -> list[DueMessage]:
    check_home(conn)
    with transaction(conn):
        return scheduled.claim(conn, limit=AT_ONCE, seconds=CLAIMED_FOR)
