"""The mail dialogue of one connection, as a state machine moved by replies.

With PIPELINING (RFC 2920) a message costs two round trips (Mode.GROUP):

    client                                           server
    MAIL RCPT DATA of 1 -->
                                                     <-- 250, 250, 354
    content of 1, final dot -->
                                                     <-- 250 (1 is accepted)
    MAIL RCPT DATA of 2 -->

and with some servers one (Mode.ACROSS): there MAIL, RCPT, DATA of 2 leave with the content of 1. A server that shows
that it does not bear a mode gets the next lower mode, and the message that showed this is retried. No message costs a
coroutine or a timer.
"""

from __future__ import annotations

from ses_ops.domain.delivery_failure import Fault, Reason, Stage
from ses_ops.errors import Explanation
from ses_ops.transports.errors import SetupRefused
from ses_ops.transports.port import Delivery, Outcome
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.mail_stream import MailStream
from ses_ops.transports.smtp.message_outcome import (
    LOGIN_NEEDED,
    closing,
    mail_misframed,
    misframes,
    refusal,
    speaks_of_framing,
)
from ses_ops.transports.smtp.pipelined_reply import KnownReplies
from ses_ops.transports.smtp.pipelining import Mode
from ses_ops.transports.smtp.pool import Pool, RetryCost
from ses_ops.transports.smtp.replies import Reply
from ses_ops.transports.smtp.server_limits import NO_LIMIT, ServerLimits
from ses_ops.transports.smtp.steps import Step
from ses_ops.transports.smtp.wire import WireMessage, WireWriter

#: Bytes of content above which an upload counts as long.
_LONG = 1 << 16

# Steps and modes are plain module constants here: the state machine compares them several times a message.
_OPENING, _IDLE, _RSET, _MAIL, _RCPT, _DATA, _FINAL, _LONE_DOT, _QUIT, _CLOSED = Step
_PLAIN, _GROUP, _ACROSS = Mode


class MailConnection(MailStream):
    """One session that sends message after message."""

    def __init__(
        self, address: str, pool: Pool[MailConnection], limits: ServerLimits, timeout: float, data_timeout: float
    ) -> None:
        super().__init__(address, pool, limits, timeout=timeout, data_timeout=data_timeout)
        self._mode = Mode.NONE
        self._writer = WireWriter(Capabilities())
        #: The MAIL of the message was refused, and the server took the RCPT of the same message.
        self._half_taken = False
        self._needs_rset = False
        self._known_replies = KnownReplies()
        #: Number of messages begun over this connection, and of those that the server accepted.
        self._mails = self._accepted = 0

    # --- what the pool calls

    def ready(self, capabilities: Capabilities) -> None:
        """Begin to carry mail: the session is open, with these capabilities."""
        self._mode = self._limits.mode(self.greeting or "", capabilities)
        self._writer = WireWriter(capabilities)
        if self.transport.get_extra_info("ssl_object") is None:
            # Even one unwritten byte has to be reported: it may be the final dot. (TLS passes all bytes on at once.)
            self.transport.set_write_buffer_limits(high=0)
        self._step = _IDLE

    @property
    def used_up(self) -> bool:
        """Whether this connection has carried as many messages as the server allows one."""
        return self._mails >= self._limits.max_messages

    def retire(self) -> None:
        """Carry no more messages than those under way."""
        self._mails = max(self._mails, NO_LIMIT)

    def take(self) -> WireMessage | None:
        """The next message of the pool that this server can take; messages that it cannot take are settled here."""
        while self._mails < self._limits.max_messages and (envelope := self._pool.take()) is not None:
            message = self._writer.write(envelope)
            if type(message) is WireMessage:
                self._mails += 1
                return message
            self._pool.replied(envelope, message)
        return None

    def begin(self, message: WireMessage) -> None:
        """Start a message on an idle connection."""
        self._begun = message
        self._refused = False
        self._written = mode = min(self._mode, self._limits.highest_mode, _GROUP)
        commands = b"%b%bDATA\r\n" % (message.mail, message.rcpt) if mode else message.mail
        step = _MAIL
        if self._needs_rset:
            self._needs_rset = False
            # RFC 2920 3.1: RSET may stand anywhere in a group.
            step, commands = _RSET, b"RSET\r\n" + commands if mode else b"RSET\r\n"
        self._write(commands, step)

    def quit(self) -> None:
        """Send QUIT; `gone` of the pool is called when the server has answered or closed."""
        if self._step == _IDLE:
            self._write(b"QUIT\r\n", _QUIT)

    # --- the dialogue

    def _known(self, step: Step, data: bytes) -> bool:
        """Do what _final, _mail, _rcpt and _data do, if `data` is this server's usual reply when all goes well."""
        message, known = self._begun, self._known_replies
        if step == _FINAL:
            outcome = known.taken(data) if message is None else known.accepted(data)
            if outcome is None:
                known.learn(data)
                return False
            envelope, self._ended = self._ended, None
            self.settled += 1
            self._accepted += 1
            self._refused = False
            self._step = _DATA
            self._pool.replied(envelope, outcome)  # type: ignore[arg-type]
        elif step != _MAIL or not self._written:
            return False
        elif not known.goes_on(data):
            known.learn(data)
            return False
        if message is None:
            self._next()
        else:
            self._step = _DATA
            self._content(message)
        return True

    def _advance(self, reply: Reply) -> None:
        code, step = reply.code, self._step
        if code == 421:
            self._closing(reply)
        elif step == _FINAL:
            self._final(reply)
        elif step == _MAIL:
            self._mail(reply)
        elif step == _RCPT:
            self._rcpt(reply)
        elif step == _DATA:
            self._data(reply)
        elif step == _LONE_DOT:
            # Even 250 settles no message here: the server took an empty message for no recipient.
            self._next()
        elif step == _RSET and 200 <= code <= 299:
            self._step = _MAIL
            if not self._written:
                self._write(self._begun.mail, _MAIL)  # type: ignore[union-attr]
        elif step == _QUIT:
            self._lose(Explanation("server_said_goodbye"))
        else:
            self._lose(Explanation("unexpected_reply", code=code, text=reply.text))

    def _mail(self, reply: Reply) -> None:
        code = reply.code
        if 200 <= code <= 299:
            self._step = _RCPT
            if not self._written:
                self._write(self._begun.rcpt, _RCPT)  # type: ignore[union-attr]
        elif code < 400:
            self._lose(Explanation("unexpected_reply", code=code, text=reply.text))
        elif mail_misframed(reply, self._written, ever_accepted=self._pool.ever_accepted):
            self._pipelining_not_borne(reply)
        else:
            self._mail_refused(reply)

    def _mail_refused(self, reply: Reply) -> None:
        """Act on a refused MAIL, which is about the sender and never about this recipient (RFC 5321 3.3)."""
        code, text = reply.code, reply.text
        outcome = refusal(code, text, Stage.SENDER)
        if self._accepted and outcome.failure and outcome.failure.fault is not Fault.CONTENT:
            # The server took mail of this sender, or of one like it, over this connection: another one may serve.
            self._limits.session_used_up(self._mails - 1, outcome)
            self._lose(Explanation("connection_takes_no_more", code=code, text=text), outcome)
        elif code in LOGIN_NEEDED:
            self._lose(Explanation("server_takes_no_mail", code=code, text=text), outcome, cost=RetryCost.ALL)
            self._pool.end_run(SetupRefused("login_or_tls_needed", server=self.address, code=code, text=text))
        else:
            self._step = _RCPT
            self._refuse(reply, outcome)

    def _rcpt(self, reply: Reply) -> None:
        code = reply.code
        self._step = _DATA
        if self._refused:
            self._half_taken = 200 <= code <= 299
        elif 200 <= code <= 299:
            if not self._written:
                self._write(b"DATA\r\n", _DATA)
        elif self._written and misframes(reply, _RCPT):
            self._pipelining_not_borne(reply)
        else:
            self._refuse(reply, refusal(code, reply.text, Stage.RECIPIENT))

    def _data(self, reply: Reply) -> None:
        """Act on the reply to DATA: after 354 the content is written."""
        code = reply.code
        if self._refused:
            if code == 354 and self._half_taken:
                self._lose(Explanation("content_asked_for_after_refusal"))
            elif code == 354:
                # RFC 2920 3.1: the server accepts DATA with no recipient, so the data is ended with nothing in it.
                self._write(b".\r\n", _LONE_DOT)
            else:
                self._next()
            return
        message = self._begun
        if code == 354 and message is not None:
            self._content(message)
        elif self._written and misframes(reply, _DATA):
            self._pipelining_not_borne(reply)
        else:
            self._refuse(reply, refusal(code, reply.text, Stage.CONTENT))
            if self._step != _CLOSED and self._written:
                self._next()

    def _content(self, message: WireMessage) -> None:
        """Write the content of the message, and in Mode.ACROSS the commands of the next message with it."""
        if not self._begins(message.envelope):
            return
        self._ended, data = message.envelope, message.data
        # Behind a long upload the next message gains no time, and would hide whether the final dot has left.
        across = self._mode == _ACROSS == self._limits.highest_mode and len(data) <= _LONG
        following = self.take() if across else None
        self._begun = following
        if following is None:
            data += b".\r\n"
        else:
            self._written = _ACROSS
            data = b"%b.\r\n%b%bDATA\r\n" % (data, following.mail, following.rcpt)
        self._write(data, _FINAL)

    def _final(self, reply: Reply) -> None:
        """Act on the reply to the final dot, the only reply that makes a message sent."""
        code, text = reply.code, reply.text
        if not 200 <= code <= 299 and code < 400:
            self._lose(Explanation("unexpected_reply_to_content", code=code, text=text))
            return
        if self._begun is not None and misframes(reply, _FINAL):
            # Nothing tells whether this reply is to the final dot or to the command behind the dot.
            self._pipelining_not_borne(reply)
            return
        if code < 400:
            outcome = Outcome(Delivery.SENT, code, text)
            self._accepted += 1
        else:
            outcome = refusal(code, text, Stage.CONTENT)
            self._needs_rset = True  # not every server ends the transaction of a refused message (RFC 5321 4.1.1.4)
        envelope, self._ended = self._ended, None
        self.settled += 1
        following = self._begun
        if following is not None:
            self._step = _MAIL
            self._refused = False
        self._pool.replied(envelope, outcome)  # type: ignore[arg-type]
        if following is None:
            self._next()

    def _refuse(self, reply: Reply, outcome: Outcome) -> None:
        """Settle a message that was refused before its content, and leave its transaction."""
        message = self._begun
        if reply.code < 400 or message is None:
            self._lose(Explanation("unexpected_reply", code=reply.code, text=reply.text))
            return
        if self._accepted and outcome.failure and outcome.failure.reason is Reason.SESSION_USED_UP:
            self._limits.session_used_up(self._mails - 1, outcome)
            words = Explanation("connection_takes_no_more", code=reply.code, text=reply.text)
            self._lose(words, outcome, cost=RetryCost.USED_CONNECTION)
            return
        self._begun = None
        self._refused = True
        self._half_taken = False
        self._needs_rset = True
        self.settled += 1
        self._pool.replied(message.envelope, outcome)
        if not self._written:
            self._next()

    def _pipelining_not_borne(self, reply: Reply) -> None:
        """Close, because the server does not bear the mode: the message is retried in the next lower mode."""
        self._lose(Explanation("pipelining_not_borne", code=reply.code, text=reply.text), cost=RetryCost.FRAMING)

    def _closing(self, reply: Reply) -> None:
        """Act on 421, which can come at any step (RFC 5321, 3.8): the server closes the connection."""
        if self._ended is None and self._written and speaks_of_framing(reply):
            self._pipelining_not_borne(reply)
            return
        outcome = refusal(421, reply.text, Stage.CONTENT)
        ended, self._ended = self._ended, None
        if ended is not None:
            is_gone = not (self._stuck and self._begun is None)
            self._pool.dropped(ended, closing(outcome, content_is_gone=is_gone), cost=RetryCost.ALL)
        elif self._accepted and self._step in (_RSET, _MAIL):
            self._limits.session_used_up(self._mails - 1, outcome)
        self._lose(Explanation("connection_closed_by_server", reply=reply.text), outcome)

    def _next(self) -> None:
        message = self.take()
        if message is not None:
            self.begin(message)
            return
        self._step = _IDLE
        if self.used_up:
            self.quit()
        else:
            self._pool.idle(self)

    def _gone(self, reason: Explanation) -> None:
        self._pool.gone(self, reason)
