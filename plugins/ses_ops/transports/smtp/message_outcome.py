"""What a reply, or a lost connection, means for the message that was under way."""

from __future__ import annotations

import re

from ses_ops.domain.delivery_failure import Fault, Stage, classify
from ses_ops.errors import Explanation
from ses_ops.transports.port import Delivery, Outcome
from ses_ops.transports.smtp.pipelining import Mode
from ses_ops.transports.smtp.pool import Chance
from ses_ops.transports.smtp.replies import Reply
from ses_ops.transports.smtp.steps import Step

#: Replies to MAIL that mean "log in first" (RFC 4954, 6): the settings are wrong, not the message.
LOGIN_NEEDED = frozenset({530, 534, 535, 538})
#: What a server says of a command that it did not expect where it stood, or of the half of one that was cut.
_OUT_OF_STEP = frozenset({500, 502, 503})
_PIPELINING = re.compile(r"pipelin|synchroni[sz]|out of (order|sequence)|bad sequence", re.IGNORECASE)


def refusal(code: int, text: str, stage: Stage) -> Outcome:
    """The outcome of a message that got this reply of 400 or more.

    MAIL is the same for each message of a task, and a quota or a rate is over by itself: such a message waits,
    whatever the code says.
    """
    failure = classify(code, text, stage)
    waits = code < 500 or failure.waits or (stage is Stage.SENDER and failure.fault is not Fault.CONTENT)
    return Outcome(Delivery.DEFERRED if waits else Delivery.FAILED, code, text, failure)


def misframes(reply: Reply, step: Step) -> bool:
    """Whether a reply to a pipelined command may be about where it stood, and not about what it said."""
    if reply.code in _OUT_OF_STEP or speaks_of_framing(reply):
        return True
    # The half of a MAIL that was cut can be a syntax error; said of RCPT it is the recipient's address.
    return reply.code == 501 and step is Step.MAIL


def speaks_of_framing(reply: Reply) -> bool:
    """Whether a refusal says by its words that too much was written at once (Exim: "synchronization error")."""
    return (reply.code >= 500 or reply.code == 421) and _PIPELINING.search(reply.text) is not None


def suspects_framing(written: Mode, step: Step, *, first: bool, silent: bool) -> bool:
    """Whether a connection that went silent, broke or talked nonsense may have done so because of its mode.

    `first`: the server had not answered any message on it. What was refused by name (421) is not asked about. Servers
    that break a connection behind a refusal are many; those that say nothing there threw away the rest of the group.
    """
    if written is Mode.ACROSS:
        return step in (Step.FINAL, Step.MAIL, Step.RCPT, Step.DATA)
    if written is Mode.GROUP:
        return step in (Step.RCPT, Step.DATA) or (step in (Step.RSET, Step.MAIL) and (first or silent))
    return False


def closing(outcome: Outcome, *, content_is_gone: bool) -> Outcome:
    """What a 421 in place of the reply to the final dot says of the message.

    A server that shuts down says it without having looked whether the message was stored (smtp-server does, in the
    middle of storing it). Only one that gives a reason of policy has judged the message, and not taken it.
    """
    if not content_is_gone:
        return outcome
    if outcome.failure is not None and outcome.failure.status.startswith(("4.7.", "4.2.", "4.1.", "4.6.")):
        return outcome
    text = f"the server closes the connection: 421 {outcome.text} (after the final dot)"[:500]
    return Outcome(Delivery.UNKNOWN, 421, text, outcome.failure)


def lost_with_content(reason: Explanation, *, content_is_gone: bool) -> Outcome:
    """The outcome of a message whose connection was lost while its content was written, or before the reply to it."""
    if content_is_gone:
        return Outcome(Delivery.UNKNOWN, None, f"{reason} (after the final dot)"[:500])
    return Outcome(Delivery.DEFERRED, None, f"{reason} (before the final dot)"[:500])


def chance_of(step: Step, settled: int) -> Chance:
    """What a message whose content was not written loses with its connection, which had settled so many before."""
    if step not in (Step.RSET, Step.MAIL, Step.FINAL):
        return Chance.ALL
    return Chance.USED_CONNECTION if settled else Chance.NEW_CONNECTION
