"""When a server refuses the first messages all alike, the reason is not in them: it would refuse everybody."""

from __future__ import annotations

import re

from ses_ops.transports.port import Outcome
from ses_ops.transports.smtp_failure import SetupRefused

#: So many refusals of one kind, with not one message accepted, are a decision about the sender.
ENOUGH = 50
#: Enhanced status codes (RFC 3463) that speak of the sender or of policy, not of the recipient or the content.
_ABOUT_THE_SENDER = re.compile(r"5\.(?:7\.\d{1,3}|1\.[78])")
_ENHANCED = re.compile(r"(?<![\d.])5\.\d{1,3}\.\d{1,3}(?!\d|\.\d)")
#: What servers without enhanced codes say in a 550, 551 or 553 that is about the sender.
_WORDS = re.compile(r"relay|rcpthosts|authenticat|policy|black ?list|block ?list", re.IGNORECASE)


class Refusals:
    """Counts policy refusals from the start of a run to its first accepted message.

    Then it is better to give up: the server's reason can be mended, eighty thousand failures cannot.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._kind: str | None = None
        self._count = 0

    def refused(self, outcome: Outcome) -> SetupRefused | None:
        """Count a refusal. Returns what to give up with once there are enough of one kind; None before."""
        kind = policy_kind(outcome)
        if kind is None:
            return None
        if kind != self._kind:
            self._kind, self._count = kind, 0
        self._count += 1
        if self._count < ENOUGH:
            return None
        return SetupRefused(
            f"{self._server}: refused the first {self._count} messages alike: {outcome.code} {outcome.text}; "
            "check login, sender and what this server may relay; then retry the failed ones"
        )


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
