"""The mail dialogue of one connection, as a state machine that a reply moves on: no coroutine, no timer a message.

With PIPELINING (RFC 2920) the content of one message and MAIL, RCPT, DATA of the next leave in one write, so that a
message costs one round trip:

    client                                           server
    content of 1, final dot, MAIL RCPT DATA of 2 -->
                                                     <-- 250 (1 is accepted), 250, 250, 354
    content of 2, final dot, MAIL RCPT DATA of 3 -->
"""

from __future__ import annotations

from ses_ops.transports.port import Delivery, Envelope, Outcome
from ses_ops.transports.smtp_capabilities import Capabilities
from ses_ops.transports.smtp_failure import SetupRefused
from ses_ops.transports.smtp_message import MessageWriter, WireMessage
from ses_ops.transports.smtp_pool import Chance, Pool, Step
from ses_ops.transports.smtp_refusals import refusal
from ses_ops.transports.smtp_reply import Reply
from ses_ops.transports.smtp_silence import Silence
from ses_ops.transports.smtp_stream import SmtpStream
from ses_ops.transports.smtp_turn import KnownTurn

#: Replies to MAIL that mean "log in first" (RFC 4954, 6): the settings are wrong, not the message.
_LOGIN_NEEDED = frozenset({530, 534, 535, 538})

#: Content of more bytes than this is a long upload.
_LONG = 1 << 16

# The steps as plain module constants: the state machine compares them several times a message.
_OPENING, _IDLE, _RSET, _MAIL, _RCPT, _DATA, _FINAL, _LONE_DOT, _QUIT, _CLOSED = Step


class MailConnection(SmtpStream):
    """One session that sends message after message."""

    def __init__(self, address: str, pool: Pool, *, timeout: float, data_timeout: float) -> None:
        super().__init__(address)
        self._pool = pool
        self._step = _OPENING
        self._pipelining = False
        self._writer = MessageWriter(Capabilities())
        #: The message whose MAIL was written and whose content was not.
        self._begun: WireMessage | None = None
        #: The message whose final dot was written and not replied to.
        self._ended: Envelope | None = None
        #: The message of this dialogue was refused and reported: what follows are replies to the rest of its group.
        self._refused = False
        #: Its MAIL was refused, and the server took its recipient all the same.
        self._half_taken = False
        self._needs_rset = False
        #: Something was written since data came last. (It is only ever written when no reply is awaited.)
        self._asked = False
        #: A part of what was written last is still here: the network takes no more.
        self._stuck = False
        self._silence = Silence(timeout, data_timeout)
        self._known_turn = KnownTurn()
        #: How many messages the server gave a reply of its own to.
        self.settled = 0
        #: It was given up because the server said nothing any more.
        self.silent = False

    # --- what the pool calls

    def ready(self, capabilities: Capabilities, *, pipelining: bool) -> None:
        """The session is open: from now on it is for mail."""
        self._pipelining = pipelining and capabilities.pipelining
        self._writer = MessageWriter(capabilities)
        if self.transport.get_extra_info("ssl_object") is None:
            # One byte that waits is worth knowing about: it may be the final dot. (TLS passes everything on at once.)
            self.transport.set_write_buffer_limits(high=0)
        self._step = _IDLE

    def take(self) -> WireMessage | None:
        """The next message of the pool that this server can be given; those that it cannot are settled on the way."""
        while (envelope := self._pool.take()) is not None:
            message = self._writer.write(envelope)
            if type(message) is WireMessage:
                return message
            self._pool.replied(envelope, message)
        return None

    def begin(self, message: WireMessage) -> None:
        """Start a message on an idle connection."""
        self._begun = message
        self._refused = False
        step, commands = _MAIL, self._first_commands(message)
        if self._needs_rset:
            self._needs_rset = False
            # RFC 2920 3.1: RSET may stand anywhere in a group.
            step, commands = _RSET, b"RSET\r\n" + commands if self._pipelining else b"RSET\r\n"
        self._write(commands, step)

    def check_silence(self, now: float) -> None:
        """Close the connection if the server has been silent too long. To be called often; `now` as in Silence."""
        step = self._step
        if step not in (_OPENING, _IDLE, _CLOSED):
            why = self._silence.broken_off((step, self.settled), self.transport.get_write_buffer_size(), now)
            if why is not None:
                self.silent = True
                self._lose(why)

    def quit(self) -> None:
        """Say goodbye; the pool hears `gone` when the server has answered or closed."""
        if self._step == _IDLE:
            self._write(b"QUIT\r\n", _QUIT)

    def abandon(self, reason: str) -> None:
        """Close at once and report what was under way."""
        self._lose(reason)

    # --- what the event loop calls

    def data_received(self, data: bytes) -> None:
        """Move the dialogue on by the replies in `data`."""
        step = self._step
        if step == _OPENING:
            super().data_received(data)
            return
        self._asked = False
        parser = self._parser
        if step == _FINAL and self._begun is not None and not parser.unread:
            accepted = self._known_turn.accepted(data)
            if accepted is not None:
                self._turn(accepted)
                return
            self._known_turn.learn(data)
        for reply in parser.feed(data):
            if self._step == _CLOSED:
                return
            if self._asked and reply.code != 421:
                # All that had been asked is answered: this came before what we wrote just now, and is no answer to it.
                self._lose(f"a reply that nobody asked for: {reply.code} {reply.text}")
                return
            self._advance(reply)
        if parser.broken and self._step != _CLOSED:
            self._lose(f"the server sent {parser.broken}")

    def connection_lost(self, exc: BaseException | None) -> None:
        """Settle what was under way."""
        super().connection_lost(exc)
        self._lose(self.lost or "the connection is closed")

    def pause_writing(self) -> None:
        """The network takes no more for now."""
        self._stuck = True

    def resume_writing(self) -> None:
        """All that was written has left."""
        self._stuck = False

    # --- the dialogue

    def _advance(self, reply: Reply) -> None:  # noqa: PLR0912 - one branch a step, in the order of the dialogue
        code, step = reply.code, self._step
        if code == 421:
            self._closing(reply)
        elif step == _FINAL:
            self._final(reply)
        elif step == _MAIL:
            self._step = _RCPT
            if not 200 <= code <= 299:
                self._refuse(reply)
            elif not self._pipelining:
                self._write(self._begun.rcpt, _RCPT)  # type: ignore[union-attr]
        elif step == _RCPT:
            self._step = _DATA
            if self._refused:
                self._half_taken = 200 <= code <= 299
                return
            if not 200 <= code <= 299:
                self._refuse(reply, of_recipient=True)
            elif not self._pipelining:
                self._write(b"DATA\r\n", _DATA)
        elif step == _DATA:
            self._data(reply)
        elif step == _LONE_DOT:
            # Even a 250 is none of our business: it took an empty message for nobody.
            self._next()
        elif step == _RSET and 200 <= code <= 299:
            self._step = _MAIL
            if not self._pipelining:
                self._write(self._first_commands(self._begun), _MAIL)  # type: ignore[arg-type]
        elif step == _QUIT:
            self._lose("said goodbye")
        else:
            self._lose(f"unexpected reply {code} {reply.text}")

    def _data(self, reply: Reply) -> None:
        """The reply to DATA: 354 lets the content go, and with it the beginning of the next message."""
        code = reply.code
        if self._refused:
            if code == 354 and self._half_taken:
                self._lose("354 for a message whose MAIL was refused: ended here, it would be delivered empty")
            elif code == 354:
                # RFC 2920 3.1: the server lets us write data for no recipient; end it with nothing in it.
                self._write(b".\r\n", _LONE_DOT)
            else:
                self._next()
            return
        message = self._begun
        if code == 354 and message is not None:
            self._content(message)
        else:
            self._refuse(reply)
            if self._step != _CLOSED and self._pipelining:
                self._next()

    def _content(self, message: WireMessage) -> None:
        """The content of the message, and with it the beginning of the next one."""
        envelope, data = message.envelope, message.data
        self._ended = envelope
        # Behind a long upload the next message gains nothing, and would hide whether the final dot has left.
        following = self.take() if self._pipelining and len(data) <= _LONG else None
        self._begun = following
        if following is None:
            data += b".\r\n"
        else:
            data = b"%b.\r\n%b%bDATA\r\n" % (data, following.mail, following.rcpt)
        self._pool.content_begins(envelope)
        self._write(data, _FINAL)

    def _turn(self, accepted: Outcome) -> None:
        """One message is accepted and the next one's content may go: what _final, MAIL, RCPT and _data do."""
        envelope, message = self._ended, self._begun
        self._ended = None
        self._refused = False
        self.settled += 1
        self._step = _DATA
        self._pool.replied(envelope, accepted)  # type: ignore[arg-type]
        self._content(message)  # type: ignore[arg-type]

    def _final(self, reply: Reply) -> None:
        """The reply to the final dot: the only one that makes a message sent."""
        code = reply.code
        if 200 <= code <= 299:
            delivery = Delivery.SENT
        elif code >= 400:
            delivery = Delivery.DEFERRED if code < 500 else Delivery.FAILED
            self._needs_rset = True  # not every server knows that what it refused is over (RFC 5321 4.1.1.4)
        else:
            self._lose(f"unexpected reply {code} {reply.text} to the final dot")
            return
        envelope, self._ended = self._ended, None
        self.settled += 1
        if self._begun is None:
            self._pool.replied(envelope, Outcome(delivery, code, reply.text))  # type: ignore[arg-type]
            self._next()
        else:
            self._step = _MAIL
            self._refused = False
            self._pool.replied(envelope, Outcome(delivery, code, reply.text))  # type: ignore[arg-type]

    def _refuse(self, reply: Reply, *, of_recipient: bool = False) -> None:
        """The message was refused before its content: settle it, and get out of its transaction."""
        code, message = reply.code, self._begun
        if code < 400 or message is None:
            self._lose(f"unexpected reply {code} {reply.text}")
            return
        if self._step == _RCPT and code in _LOGIN_NEEDED:  # the step has moved on: this is a reply to MAIL
            self._lose(f"the server takes no mail: {code} {reply.text}")
            words = f"refuses mail without login or TLS: {code} {reply.text}; check login, tls"
            self._pool.misfit(SetupRefused(f"{self.address}: {words}"))
            return
        self._begun = None
        self._refused = True
        self._half_taken = False
        self._needs_rset = True
        self.settled += 1
        self._pool.replied(message.envelope, refusal(code, reply.text, of_recipient=of_recipient))
        if not self._pipelining:
            self._next()

    def _closing(self, reply: Reply) -> None:
        """421 can come at any point (RFC 5321, 3.8): the server closes, and has not taken what was not replied to."""
        outcome = Outcome(Delivery.DEFERRED, 421, reply.text)
        ended, self._ended = self._ended, None
        if ended is not None:
            self._pool.dropped(ended, outcome, chance=Chance.NONE)
        self._lose(f"the server closes the connection: 421 {reply.text}", outcome)

    def _next(self) -> None:
        message = self.take()
        if message is None:
            self._step = _IDLE
            self._pool.idle(self)
        else:
            self.begin(message)

    def _first_commands(self, message: WireMessage) -> bytes:
        return b"%b%bDATA\r\n" % (message.mail, message.rcpt) if self._pipelining else message.mail

    def _write(self, data: bytes, step: Step) -> None:
        self._step = step
        self._asked = True
        self.transport.write(data)

    def _lose(self, reason: str, outcome: Outcome | None = None) -> None:
        """Give the connection up and settle what was under way on it."""
        if self._step in (_CLOSED, _OPENING):
            return
        step, self._step = self._step, _CLOSED
        self.lost = self.lost or reason
        self.transport.abort()
        ended, self._ended = self._ended, None
        if ended is not None:
            if self._stuck and self._begun is None:
                fate = Outcome(Delivery.DEFERRED, None, f"{reason} (before the final dot)"[:500])
            else:
                fate = Outcome(Delivery.UNKNOWN, None, f"{reason} (after the final dot)"[:500])
            self._pool.dropped(ended, fate, chance=Chance.NONE)
        begun, self._begun = self._begun, None
        if begun is not None:
            deferred = outcome or Outcome(Delivery.DEFERRED, None, f"{reason} (before the content)"[:500])
            chance = Chance.NONE
            if step in (_RSET, _MAIL, _FINAL):
                chance = Chance.USED_CONNECTION if self.settled else Chance.NEW_CONNECTION
            self._pool.dropped(begun.envelope, deferred, chance=chance)
        self._pool.gone(self, reason)
