"""A stream with messages under way: its replies move a dialogue on, and what ends it settles them.

There is no coroutine and no timer a message.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from ses_ops.errors import Explanation
from ses_ops.transports.port import Delivery, Envelope, Outcome, TooLate
from ses_ops.transports.smtp.message_outcome import chance_of, lost_with_content, suspects_framing
from ses_ops.transports.smtp.pipelining import Mode
from ses_ops.transports.smtp.pool import Chance, Pool
from ses_ops.transports.smtp.replies import Reply
from ses_ops.transports.smtp.server_limits import Habits
from ses_ops.transports.smtp.stall import Silence
from ses_ops.transports.smtp.steps import Step
from ses_ops.transports.smtp.stream import SmtpStream
from ses_ops.transports.smtp.wire import WireMessage

# As plain module constants: they are compared several times a message.
_OPENING, _IDLE, _QUIT, _CLOSED = Step.OPENING, Step.IDLE, Step.QUIT, Step.CLOSED


class MailStream(SmtpStream):
    """One socket, how far its dialogue is, and the messages of it; what follows from a reply is connection.py says."""

    def __init__(self, address: str, pool: Pool[Any], habits: Habits, *, timeout: float, data_timeout: float) -> None:
        super().__init__(address)
        self._pool = pool
        self._habits = habits
        self._step = _OPENING
        #: Something was written since data came last. (It is only ever written when no reply is awaited.)
        self._asked = False
        #: A part of what was written last is still here: the network takes no more.
        self._stuck = False
        #: The message whose MAIL was written and whose content was not, and how its commands were written.
        self._begun: WireMessage | None = None
        self._written = Mode.NONE
        #: The message whose final dot was written and not replied to.
        self._ended: Envelope | None = None
        #: The message of this dialogue was refused and reported: what follows are replies to the rest of its group.
        self._refused = False
        self._silence = Silence(timeout, data_timeout)
        #: How many messages the server gave a reply of its own to.
        self.settled = 0
        #: It was given up because the server said nothing any more.
        self.silent = False
        #: It was given up because of the mode in which it wrote.
        self.misframed = False

    @abstractmethod
    def _known(self, step: Step, data: bytes) -> bool:
        """Do what `data` asks for, if that is known without reading it; whether it was."""

    @abstractmethod
    def _advance(self, reply: Reply) -> None:
        """Do what this reply asks for."""

    @abstractmethod
    def _gone(self, reason: Explanation) -> None:
        """Tell the pool."""

    def abandon(self, reason: Explanation) -> None:
        """Close at once and report what was under way."""
        self._lose(reason, chance=Chance.ALL)

    def check_silence(self, now: float) -> None:
        """Close the connection if the server has been silent too long. To be called often; `now` as in Silence."""
        step = self._step
        if step not in (_OPENING, _IDLE, _CLOSED):
            why = self._silence.broken_off((step, self.settled), self.transport.get_write_buffer_size(), now)
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
                # All that had been asked is answered: this came before what we wrote just now, and is no answer to it.
                self._lose(Explanation("reply_not_asked_for", code=reply.code, text=reply.text))
                return
            self._advance(reply)
        if parser.broken and self._step != _CLOSED:
            self._lose(Explanation("not_smtp_spoken", why=parser.broken))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Settle what was under way."""
        super().connection_lost(exc)
        self._lose(self.lost or Explanation("connection_closed"))

    def pause_writing(self) -> None:
        """The network takes no more for now."""
        self._stuck = True

    def resume_writing(self) -> None:
        """All that was written has left."""
        self._stuck = False

    def _write(self, data: bytes, step: Step) -> None:
        self._step = step
        self._asked = True
        self.transport.write(data)

    def _begins(self, envelope: Envelope) -> bool:
        """Tell that the content is written next; whether it may be. If not, nothing is left of the connection."""
        try:
            self._pool.content_begins(envelope)
        except TooLate as why:
            self._lose(why.reason, chance=Chance.ALL)
            return False
        return True

    def _lose(self, reason: Explanation, outcome: Outcome | None = None, *, chance: Chance | None = None) -> None:
        """Give the connection up and settle what was under way on it.

        `outcome` is what the server said; without it the mode in which it was written may be the reason.
        """
        if self._step in (_CLOSED, _OPENING):
            return
        step, self._step = self._step, _CLOSED
        self.lost = self.lost or reason
        self.transport.abort()
        ended, self._ended = self._ended, None
        begun, self._begun = self._begun, None
        suspect = chance is None and outcome is None and ((begun is not None and not self._refused) or self.silent)
        if chance is Chance.FRAMING or (
            suspect and suspects_framing(self._written, step, first=not self.settled, silent=self.silent)
        ):
            self.misframed = True
            self._habits.not_borne(self._written, reason)
        if ended is not None:
            fate = lost_with_content(reason, content_is_gone=not (self._stuck and begun is None))
            self._pool.dropped(ended, fate, chance=Chance.ALL)
        if begun is not None:
            deferred = outcome or Outcome(Delivery.DEFERRED, None, f"{reason} (before the content)"[:500])
            if self.misframed:
                chance = Chance.FRAMING
            elif chance is None:
                chance = chance_of(step, self.settled)
            self._pool.dropped(begun.envelope, deferred, chance=chance)
        self._gone(reason)
