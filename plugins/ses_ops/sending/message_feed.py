"""Between the ledger's thread and the event loop: marked messages one way, outcomes the other."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState
from ses_ops.sending.chunk_ledger import Marked, Written
from ses_ops.transports.port import Delivery, Envelope, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

_STATES = {
    Delivery.SENT: MessageState.SENT,
    Delivery.FAILED: MessageState.FAILED,
    Delivery.DEFERRED: MessageState.REQUEUED,
    Delivery.UNKNOWN: MessageState.UNKNOWN,
}


class MessageFeed:
    """The transport's feed. `ready` and `done` are deques, whose ends are safe to use from two threads.

    Messages are rendered when a connection has room for them, in the event loop.
    """

    def __init__(self, render: Callable[[Marked], bytes], sender_address: str) -> None:
        self.ready: deque[Marked] = deque()
        self.done: deque[Written] = deque()
        #: Taken from `ready`, without an outcome yet.
        self.in_flight: dict[int, Marked] = {}
        self._render = render
        self._sender = sender_address

    def next_envelope(self) -> Envelope | None:
        while True:
            if not self.ready:
                return None
            # In flight before it leaves `ready`: the other thread never finds it in neither.
            message = self.ready[0]
            self.in_flight[message.seq] = message
            self.ready.popleft()
            try:
                content = self._render(message)
            except Exception as problem:
                self.done.append(Written(message.seq, MessageState.FAILED, None, f"not sent: {_one_line(problem)}", 0))
                continue
            return Envelope(message.seq, self._sender, message.address, content)

    def outcome(self, envelope: Envelope, outcome: Outcome) -> None:
        tried = 0 if outcome.delivery is Delivery.DEFERRED and outcome.code is None else 1
        self.done.append(Written(envelope.seq, _STATES[outcome.delivery], outcome.code, outcome.text, tried))

    @property
    def idle(self) -> bool:
        """Nothing is marked without an outcome in the ledger. To be asked by the ledger's thread."""
        return not self.ready and not self.in_flight

    def take_done(self, most: int) -> list[Written]:
        """Outcomes to be written now, in the order in which they came."""
        done = self.done
        return [done.popleft() for _ in range(min(len(done), most))]

    def landed(self, written: list[Written]) -> list[tuple[Written, Marked]]:
        """Their outcome is in the ledger: forget them. Returns each with its message."""
        return [(entry, self.in_flight.pop(entry.seq)) for entry in written]

    def give_back(self, why: str) -> list[Written]:
        """Messages that were marked and never taken, once the transport has ended: safe to be tried again later."""
        given = list(self.ready)
        self.ready.clear()
        self.in_flight.update((message.seq, message) for message in given)
        return [Written(message.seq, MessageState.REQUEUED, None, why, 0) for message in given]


def _one_line(problem: BaseException) -> str:
    return " ".join(f"{problem}".split())[:400] or type(problem).__name__
