"""What a refusal or a bounce says of a sender domain's reputation: of its list, of its mail, or of neither.

A block list or a filter speaks of the mail. A failed SPF, DKIM or DMARC check, a missing PTR record, a login or a relay
speaks of our own side: it alarms, and lowers no level (docs/decisions/0045).
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from ses_ops.domain.delivery_failure import Fault, Reason, Stage, classify, words_of

if TYPE_CHECKING:
    from ses_ops.domain.delivery_failure import DeliveryFailure


class RefusalClass(StrEnum):
    """The class of a refusal, named as the column of `send_count` that counts it."""

    #: The address or its domain does not exist, or has moved.
    INVALID = "invalid"
    #: The content, a policy, or a block list.
    SPAM = "spam_refused"
    #: Something else about the recipient; also what expired after days of deferrals.
    OTHER = "other_refused"
    #: Our own side, or a server on the way.
    INFRASTRUCTURE = "infrastructure"


_OF_THE_MAIL = frozenset({Reason.CONTENT_REJECTED, Reason.BLOCKED, Reason.POLICY})
_OF_OUR_SIDE = frozenset({Reason.TOO_BIG})
#: Checks of the sender's identity: RFC 7372 (X.7.20 to X.7.26), and the words for them.
_IDENTITY_STATUS = re.compile(r"[45]\.7\.2[0-9]")
_IDENTITY = re.compile(
    r"\b(spf|dkim|dmarc|adsp)\b|\breverse.?dns\b|\brdns\b|\bptr\b|\b(start)?tls\b.{0,30}\b(requir|need|must)",
    re.IGNORECASE,
)
#: Characters of a text that are read.
_MOST_TEXT = 1_000


def refusal_class(failure: DeliveryFailure, words: str) -> RefusalClass:
    """The class of a classified refusal or bounce; `words` are the server's."""
    if failure.hard:
        return RefusalClass.INVALID
    if failure.reason in _OF_THE_MAIL:
        identity = _IDENTITY_STATUS.fullmatch(failure.status) or _IDENTITY.search(words[:_MOST_TEXT])
        return RefusalClass.INFRASTRUCTURE if identity else RefusalClass.SPAM
    if failure.reason in _OF_OUR_SIDE or failure.fault in (Fault.SENDER, Fault.SERVER):
        return RefusalClass.INFRASTRUCTURE
    return RefusalClass.OTHER


def class_of_reply(code: int | None, text: str) -> RefusalClass:
    """The class of a failed message by the code and the text in the ledger, which does not know the refused command.

    A message with a 4xx has expired: what the reply says of the mail is not believed, since greylisting says it too.
    Without a code no server has spoken: the message expired, or could not leave.
    """
    if code is None or not 400 <= code <= 599:
        return RefusalClass.OTHER if "(given up" in text else RefusalClass.INFRASTRUCTURE
    return _class_of_words(code, words_of(text[:_MOST_TEXT]))


@lru_cache(maxsize=4096)
def _class_of_words(code: int, words: str) -> RefusalClass:
    """As `class_of_reply`; `words` have no addresses, so that one answer to many people is classified once."""
    found = refusal_class(classify(code, words, Stage.RECIPIENT), words)
    if code < 500 and found is not RefusalClass.INFRASTRUCTURE:
        return RefusalClass.OTHER
    return found
