"""A stream of replies with messages under way.

Each reply moves the dialogue on, and the end of the connection settles the messages under way. No message costs a
coroutine or a timer.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from ses_ops.errors import Explanation
from ses_ops.transports.port import Delivery, Envelope, EnvelopeWithdrawn, Outcome
from ses_ops.transports.smtp.message_outcome import lost_with_content, retry_cost, suspects_framing
from ses_ops.transports.smtp.pipelining import Mode
from ses_ops.transports.smtp.pool import Pool, RetryCost
from ses_ops.transports.smtp.replies import Reply
from ses_ops.transports.smtp.server_limits import ServerLimits
from ses_ops.transports.smtp.stall import StallDetector
from ses_ops.transports.smtp.steps import Step
from ses_ops.transports.smtp.stream import SmtpStream
from ses_ops.transports.smtp.wire import WireMessage

# Steps are plain module constants here: they are compared several times a message.
_OPENING, _IDLE, _QUIT, _CLOSED = Step.OPENING, Step.IDLE, Step.QUIT, Step.CLOSED


class MailStream(SmtpStream):
    """One socket, the step of its dialogue, and the messages under way; `MailConnection` adds the dialogue."""

    def __init__(
        self, address: str, pool: Pool[Any], limits: ServerLimits, *, timeout: float, data_timeout: float
    ) -> None:
        super().__init__(address)
        self._pool = pool
        self._limits = limits
        self._step = _OPENING
        #: Bytes were written since data came last. (Nothing is ever written while a reply is awaited.)
        self._asked = False
        #: A part of the last write is still in the buffer: the network takes no more for now.
        self._stuck = False
        #: The message whose MAIL was written and whose content was not; then the mode of the last commands.
        self._begun: WireMessage | None = None
        self._written = Mode.NONE
        #: The message whose final dot was written and has no reply yet.
        self._ended: Envelope | None = None
        #: The message of this dialogue was refused and reported: the next replies are to the rest of its group.
        self._refused = False
        self._stall = StallDetector(timeout, data_timeout)
        #: Number of messages that the server settled by a reply.
        self.settled = 0
        #: Whether the connection was closed because the server went silent.
        self.silent = False
        #: Whether the connection was closed because the server did not bear the mode.
        self.misframed = False

    @abstractmethod
    def _known(self, step: Step, data: bytes) -> bool:
        """Act on `data` if it is known octet by octet; returns whether it was."""

    @abstractmethod
    def _advance(self, reply: Reply) -> None:
        """Act on this reply."""

    @abstractmethod
    def _gone(self, reason: Explanation) -> None:
        """Report to the pool that the connection is closed."""

    def abandon(self, reason: Explanation) -> None:
        """Close at once and report what was under way."""
        self._lose(reason, cost=RetryCost.ALL)

    def check_stall(self, now: float) -> None:
        """Close the connection if the server stalls. Called every tick; `now` is in seconds of AwakeClock."""
        step = self._step
        if step not in (_OPENING, _IDLE, _CLOSED):
            why = self._stall.stall_reason((step, self.settled), self.transport.get_write_buffer_size(), now)
            if why is not None:
                self.silent = step != _QUIT
                self._lose(why)

    # --- what the event loop calls

    def data_received(self, data: bytes) -> None:
        """Move the dialogue on by the replies in `data`."""
        step = self._step
        if step == _OPENING:
            super().data_received(data)
            return
        self._asked = False
        parser = self._parser
        if not parser.unread and self._known(step, data):
            return
        for reply in parser.feed(data):
            if self._step == _CLOSED:
                return
            if self._asked and reply.code != 421:
                # Every earlier command was answered: this reply left before the newest command, and does not answer it.
                self._lose(Explanation("reply_not_asked_for", code=reply.code, text=reply.text))
                return
            self._advance(reply)
        if parser.broken and self._step != _CLOSED:
            self._lose(Explanation("not_smtp_spoken", why=parser.broken))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Settle the messages under way."""
        super().connection_lost(exc)
        self._lose(self.lost or Explanation("connection_closed"))

    def pause_writing(self) -> None:
        """Note that the network takes no more bytes for now."""
        self._stuck = True

    def resume_writing(self) -> None:
        """Note that all written bytes have left."""
        self._stuck = False

    def _write(self, data: bytes, step: Step) -> None:
        self._step = step
        self._asked = True
        self.transport.write(data)

    def _begins(self, envelope: Envelope) -> bool:
        """Report that the content is written next; returns whether it may be. If not, the connection is closed."""
        try:
            self._pool.content_begins(envelope)
        except EnvelopeWithdrawn as withdrawn:
            self._lose(withdrawn.reason, cost=RetryCost.ALL)
            return False
        return True

    def _lose(self, reason: Explanation, outcome: Outcome | None = None, *, cost: RetryCost | None = None) -> None:
        """Close the connection and settle the messages under way.

        `outcome` is the outcome by the server's own reply; without a reply the mode of the commands may be the reason.
        """
        if self._step in (_CLOSED, _OPENING):
            return
        step, self._step = self._step, _CLOSED
        self.lost = self.lost or reason
        self.transport.abort()
        ended, self._ended = self._ended, None
        begun, self._begun = self._begun, None
        suspect = cost is None and outcome is None and ((begun is not None and not self._refused) or self.silent)
        if cost is RetryCost.FRAMING or (
            suspect and suspects_framing(self._written, step, first=not self.settled, silent=self.silent)
        ):
            self.misframed = True
            self._limits.lower_mode(self._written, reason)
        if ended is not None:
            lost = lost_with_content(reason, content_is_gone=not (self._stuck and begun is None))
            self._pool.dropped(ended, lost, cost=RetryCost.ALL)
        if begun is not None:
            deferred = outcome or Outcome(Delivery.DEFERRED, None, f"{reason} (before the content)"[:500])
            if self.misframed:
                cost = RetryCost.FRAMING
            elif cost is None:
                cost = retry_cost(step, self.settled)
            self._pool.dropped(begun.envelope, deferred, cost=cost)
        self._gone(reason)
