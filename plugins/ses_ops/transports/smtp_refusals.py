"""When a server refuses many messages in a row all alike, the reason is not in them: it would refuse everybody."""

from __future__ import annotations

import re

from ses_ops.errors import TransportUnavailable
from ses_ops.transports.port import Delivery, HardBounce, Outcome
from ses_ops.transports.smtp_failure import PutOff, SetupRefused

#: So many refusals of one kind, with not one message accepted, are a decision about the sender.
ENOUGH = 50
#: The same after it had accepted some: a server that turned against us in mid-run (account suspended, quota used up).
ENOUGH_SINCE = 200
#: Enhanced status codes (RFC 3463) that speak of the sender or of policy, not of the recipient or the content; and the
#: one for a message that is too big for the server, because a task's messages are about one size.
_ABOUT_THE_SENDER = re.compile(r"5\.(?:7\.\d{1,3}|1\.[78]|3\.4)")
#: The same for now: of the system, its protocol or its policy, not of an address, a mailbox or the way to it.
_FOR_NOW = re.compile(r"4\.[0357]\.\d{1,3}")
_ENHANCED = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
#: What servers without enhanced codes say in a 550, 551 or 553 that is about the sender.
_WORDS = re.compile(r"relay|rcpthosts|authenticat|policy|black ?list|block ?list", re.IGNORECASE)
#: Greylisting puts every recipient off once, and takes them all a few minutes later.
_GREYLISTED = re.compile(r"gr[ae]y.?list", re.IGNORECASE)


#: A bad mailbox, a bad domain, a mailbox that has moved, a domain that takes no mail (RFC 3463 3.2, RFC 7505).
_NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.6", "5.1.10"})


def refusal(code: int, text: str, *, of_recipient: bool) -> Outcome:
    """The outcome of a message whose MAIL, RCPT (`of_recipient`) or DATA got this reply."""
    if code < 500:
        return Outcome(Delivery.DEFERRED, code, text)
    if of_recipient and code == 550:
        enhanced = _ENHANCED.search(text)
        if enhanced is not None and enhanced[0] in _NO_SUCH_ADDRESS:
            return HardBounce(Delivery.FAILED, code, text)
    return Outcome(Delivery.FAILED, code, text)


class Refusals:
    """Counts refusals of one kind since the last accepted message.

    When there are enough of them it is better to give up: the server's reason can be mended or will pass, eighty
    thousand failures cannot.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._kind: str | None = None
        self._count = 0
        self._enough = ENOUGH

    def accepted(self) -> None:
        """The server took a message."""
        self._kind, self._count, self._enough = None, 0, ENOUGH_SINCE

    def refused(self, outcome: Outcome) -> TransportUnavailable | None:
        """Count a refusal. Returns what to give up with once there are enough of one kind; None before."""
        kind = policy_kind(outcome) or for_now_kind(outcome)
        if kind is None:
            return None
        if kind != self._kind:
            self._kind, self._count = kind, 0
        self._count += 1
        if self._count < self._enough:
            return None
        which = "the first" if self._enough == ENOUGH else "the last"
        words = f"{which} {self._count} messages alike: {outcome.code} {outcome.text}"
        if kind.startswith("4"):
            return PutOff(f"{self._server}: put off {words}; all that is left waits and is tried again by itself")
        advice = (
            "make the messages smaller" if "5.3.4" in kind else "check login, sender and what this server may relay"
        )
        return SetupRefused(f"{self._server}: refused {words}; {advice}; then retry the failed ones")


def policy_kind(outcome: Outcome) -> str | None:
    """The kind of a permanent refusal that is not about its recipient, like "554 5.7.1"; None for every other outcome.

    Texts are not compared: they often repeat the recipient.
    """
    code, text = outcome.code, outcome.text
    if code is None or not 500 <= code <= 599:
        return None
    enhanced = _ENHANCED.search(text)
    if enhanced is not None:
        return f"{code} {enhanced[0]}" if _ABOUT_THE_SENDER.fullmatch(enhanced[0]) else None
    if code in (530, 535, 554) or (code in (550, 551, 553) and _WORDS.search(text)):
        return str(code)
    return None


def for_now_kind(outcome: Outcome) -> str | None:
    """The kind of a temporary refusal that is not about its recipient, like "454 4.7.0"; None for other outcomes."""
    code, text = outcome.code, outcome.text
    if code is None or not 400 <= code <= 499 or _GREYLISTED.search(text):
        return None
    enhanced = _ENHANCED.search(text)
    if enhanced is not None:
        return f"{code} {enhanced[0]}" if _FOR_NOW.fullmatch(enhanced[0]) else None
    # 450 is a mailbox that is busy (RFC 5321 4.2.2).
    return None if code == 450 else str(code)
