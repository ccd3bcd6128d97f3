"""The outcome of a message, by the reply to it or by the loss of its connection."""

from __future__ import annotations

import re

from ses_ops.domain.delivery_failure import Fault, Stage, classify
from ses_ops.errors import Explanation
from ses_ops.transports.port import Delivery, Outcome
from ses_ops.transports.smtp.pipelining import Mode
from ses_ops.transports.smtp.pool import RetryCost
from ses_ops.transports.smtp.replies import Reply
from ses_ops.transports.smtp.steps import Step

#: Codes of replies to MAIL that mean "log in first" (RFC 4954, 6): the settings are wrong, not the message.
LOGIN_NEEDED = frozenset({530, 534, 535, 538})
#: Codes for a command that the server did not expect at that point, or of which it read only a half.
_OUT_OF_STEP = frozenset({500, 502, 503})
_PIPELINING = re.compile(r"pipelin|synchroni[sz]|out of (order|sequence)|bad sequence", re.IGNORECASE)


def refusal(code: int, text: str, stage: Stage) -> Outcome:
    """The outcome of a message that was refused with this reply of 400 or more.

    A refused MAIL, which is the same for each message of a task, and a quota or a rate, which ends by itself, defer the
    message, whatever the code is. So does any 4xx; other refusals fail the message.
    """
    failure = classify(code, text, stage)
    waits = code < 500 or failure.waits or (stage is Stage.SENDER and failure.fault is not Fault.CONTENT)
    return Outcome(Delivery.DEFERRED if waits else Delivery.FAILED, code, text, failure)


def misframes(reply: Reply, step: Step) -> bool:
    """Whether a reply to a pipelined command may be about its position, and not about its content."""
    if reply.code in _OUT_OF_STEP or speaks_of_framing(reply):
        return True
    # 501 to MAIL can mean that the server read half of the command; 501 to RCPT is about the recipient's address.
    return reply.code == 501 and step is Step.MAIL


def mail_misframed(reply: Reply, written: Mode, *, ever_accepted: bool) -> bool:
    """Whether a refused MAIL may have been refused for its position in the group, or for the commands behind it.

    `written` is the mode of the commands; `ever_accepted` says whether the server took any message in this run.
    """
    if written is Mode.ACROSS:
        return misframes(reply, Step.MAIL)
    if written is Mode.GROUP:
        # This MAIL was sent in its turn: only a server that never took a message in this mode may mean the mode.
        return speaks_of_framing(reply) or (misframes(reply, Step.MAIL) and not ever_accepted)
    return False


def speaks_of_framing(reply: Reply) -> bool:
    """Whether the text of a refusal says that too much was written at once (Exim: "synchronization error")."""
    return (reply.code >= 500 or reply.code == 421) and _PIPELINING.search(reply.text) is not None


def suspects_framing(written: Mode, step: Step, *, first: bool, silent: bool) -> bool:
    """Whether a connection that went silent, broke or sent a malformed reply may have done so because of its mode.

    `first`: the server had not settled any message over this connection. A 421 with its own reason is not asked about.
    Many servers break a connection behind a refusal; a server that goes silent there has dropped the rest of the group.
    """
    if written is Mode.ACROSS:
        return step in (Step.FINAL, Step.MAIL, Step.RCPT, Step.DATA)
    if written is Mode.GROUP:
        return step in (Step.RCPT, Step.DATA) or (step in (Step.RSET, Step.MAIL) and (first or silent))
    return False


def closing(outcome: Outcome, *, content_is_gone: bool) -> Outcome:
    """The outcome of a message that got 421 in place of the reply to its final dot.

    A server that shuts down sends 421 without a check whether the message was stored (smtp-server does so while it
    stores the message). Only a server whose enhanced status names a reason (4.7, 4.2, 4.1, 4.6) has judged the message,
    and refused it.
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


def retry_cost(step: Step, settled: int) -> RetryCost:
    """The share of its retry budget that a message loses with its connection before its content was written.

    `settled` is the number of messages that the connection had settled.
    """
    if step not in (Step.RSET, Step.MAIL, Step.FINAL):
        return RetryCost.ALL
    return RetryCost.USED_CONNECTION if settled else RetryCost.NEW_CONNECTION
