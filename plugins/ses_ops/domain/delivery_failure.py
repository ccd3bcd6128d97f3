"""The classification of a mail server's refusals, for replies, reports and provider events.

A refusal has a code (RFC 5321 4.2), often an enhanced status code (RFC 3463), and a text. The patterns that map these
to a reason are data, in delivery_failure.toml beside this file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

_RULES = Path(__file__).with_suffix(".toml")
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
#: Addresses in the text of a refusal, which are removed before the patterns are tried: an address can have any word.
_ADDRESS = re.compile(r"<[^<>\s]*>|[^\s<>()\[\]]{1,320}@[^\s<>()\[\]:;,]+")
#: Number of characters of a text that are read.
_MOST_TEXT = 1_000


class Stage(StrEnum):
    """The command that the server refused."""

    #: MAIL, at which a server may refuse the sender and knows no recipient yet (RFC 5321 3.3).
    SENDER = "sender"
    #: RCPT.
    RECIPIENT = "recipient"
    #: DATA, or the final dot of the content.
    CONTENT = "content"


class Fault(StrEnum):
    """The party that has to change something before such a message is accepted."""

    #: This recipient; the messages to other recipients are not concerned.
    RECIPIENT = "recipient"
    #: The sender: its login, its address, its right to relay, its name in EHLO.
    SENDER = "sender"
    #: The content of the message.
    CONTENT = "content"
    #: The server, which is in trouble, or takes no more mail of this sender for now.
    SERVER = "server"
    #: Rules of the receiving side about the sender: block lists, SPF, DKIM, DMARC, reputation.
    POLICY = "policy"


class Reason(StrEnum):
    """The reason of a refusal; the fault follows from it."""

    #: The mailbox or its domain does not exist (a hard bounce).
    NO_SUCH_ADDRESS = "no-such-address"
    #: The recipient has another address now (a hard bounce).
    MOVED = "moved"
    MAILBOX_FULL = "mailbox-full"
    MAILBOX_DISABLED = "mailbox-disabled"
    MAILBOX_BUSY = "mailbox-busy"
    #: There is no way to the recipient's server.
    UNROUTABLE = "unroutable"
    #: The server defers the first attempt on purpose; a second attempt some minutes later is accepted.
    GREYLISTED = "greylisted"
    #: A refusal of this recipient that no other reason names; also a refusal of RCPT that no pattern matches.
    RECIPIENT_REFUSED = "recipient-refused"
    #: The sender's address or its domain is refused.
    SENDER_REJECTED = "sender-rejected"
    LOGIN_NEEDED = "login-needed"
    #: The server does not relay mail for this sender.
    RELAY_DENIED = "relay-denied"
    #: The client's name in EHLO, or its IP address, is refused.
    GREETING_REJECTED = "greeting-rejected"
    TOO_BIG = "too-big"
    CONTENT_REJECTED = "content-rejected"
    #: The sender sends too fast.
    RATE_LIMITED = "rate-limited"
    #: The sender has sent too many messages in an hour, a day or a month.
    QUOTA_USED_UP = "quota-used-up"
    #: The sender has sent too many messages over one connection.
    SESSION_USED_UP = "session-used-up"
    SERVER_TROUBLE = "server-trouble"
    BLOCKED = "blocked"
    POLICY = "policy"


_FAULTS = {
    Reason.NO_SUCH_ADDRESS: Fault.RECIPIENT,
    Reason.MOVED: Fault.RECIPIENT,
    Reason.MAILBOX_FULL: Fault.RECIPIENT,
    Reason.MAILBOX_DISABLED: Fault.RECIPIENT,
    Reason.MAILBOX_BUSY: Fault.RECIPIENT,
    Reason.UNROUTABLE: Fault.RECIPIENT,
    Reason.GREYLISTED: Fault.RECIPIENT,
    Reason.RECIPIENT_REFUSED: Fault.RECIPIENT,
    Reason.SENDER_REJECTED: Fault.SENDER,
    Reason.LOGIN_NEEDED: Fault.SENDER,
    Reason.RELAY_DENIED: Fault.SENDER,
    Reason.GREETING_REJECTED: Fault.SENDER,
    Reason.TOO_BIG: Fault.CONTENT,
    Reason.CONTENT_REJECTED: Fault.CONTENT,
    Reason.RATE_LIMITED: Fault.SERVER,
    Reason.QUOTA_USED_UP: Fault.SERVER,
    Reason.SESSION_USED_UP: Fault.SERVER,
    Reason.SERVER_TROUBLE: Fault.SERVER,
    Reason.BLOCKED: Fault.POLICY,
    Reason.POLICY: Fault.POLICY,
}
#: Reasons about a rate or a quota, which end by themselves, whatever the code is.
_WAITS = frozenset({Reason.RATE_LIMITED, Reason.QUOTA_USED_UP, Reason.SESSION_USED_UP})


class DeliveryFailure(NamedTuple):
    """The classification of one refusal."""

    reason: Reason
    #: The enhanced status code, "" when the reply has none.
    status: str

    @property
    def fault(self) -> Fault:
        """The party that has to change something."""
        return _FAULTS[self.reason]

    @property
    def waits(self) -> bool:
        """Whether the reason ends by itself, so that the message is deferred even when the code is 5xx."""
        return self.reason in _WAITS

    @property
    def no_such_address(self) -> bool:
        """Whether the address or its domain does not exist."""
        return self.reason is Reason.NO_SUCH_ADDRESS

    @property
    def hard(self) -> bool:
        """Whether this is a hard bounce: the address or its domain does not exist, or has moved."""
        return self.reason in (Reason.NO_SUCH_ADDRESS, Reason.MOVED)


class Rule(NamedTuple):
    """A rule of a file of patterns; `holds` when each of its keys does."""

    reason: Reason
    codes: frozenset[int] | None
    status: re.Pattern[str] | None
    text: re.Pattern[str] | None
    not_text: re.Pattern[str] | None
    stages: frozenset[Stage] | None
    #: Of a rule for reports: its words are those of the reporting server itself, so no filter has said them.
    certain: bool

    def holds(self, code: int, status: str, text: str, stage: Stage) -> bool:
        """Whether the rule holds for a refusal."""
        return (
            (self.codes is None or code in self.codes)
            and (self.stages is None or stage in self.stages)
            and (self.status is None or self.status.fullmatch(status) is not None)
            and (self.text is None or self.text.search(text) is not None)
            and (self.not_text is None or self.not_text.search(text) is None)
        )


def classify(code: int, text: str, stage: Stage) -> DeliveryFailure:
    """Classify a 4xx or 5xx reply; `text` is the reply without its code.

    Only a permanent refusal (5xx) can say that there is no such address.
    """
    text = text[:_MOST_TEXT]
    enhanced = _ENHANCED.search(text)
    status = enhanced[0] if enhanced else ""
    if status and int(status[0]) != code // 100:
        status = ""  # RFC 2034 4: the class of the status must be that of the code; else only the text decides
    rule = matched(_rules(), code, status, words_of(text), stage)
    reason = _by_stage(code, stage) if rule is None else _fitting(rule.reason, code, stage)
    return DeliveryFailure(reason, status)


def words_of(text: str) -> str:
    """A text without the addresses in it, as the patterns are tried on it."""
    return _ADDRESS.sub(" ", text).replace("’", "'")


def matched(rules: Sequence[Rule], code: int, status: str, words: str, stage: Stage) -> Rule | None:
    """The first of the rules that holds for a refusal; None for none."""
    return next((rule for rule in rules if rule.holds(code, status, words, stage)), None)


def _fitting(reason: Reason, code: int, stage: Stage) -> Reason:
    if stage is Stage.SENDER and _FAULTS[reason] is Fault.RECIPIENT:
        # A refusal of MAIL is never about a recipient, as none was named yet: "user unknown" is the sender's address.
        return Reason.SENDER_REJECTED if code >= 500 else Reason.SERVER_TROUBLE
    if reason is Reason.NO_SUCH_ADDRESS and code < 500:
        return Reason.RECIPIENT_REFUSED
    return reason


def _by_stage(code: int, stage: Stage) -> Reason:
    """The reason of a refusal that no pattern matches, by the command that was refused (RFC 5321 3.3)."""
    if stage is Stage.SENDER:
        return Reason.SENDER_REJECTED
    if code < 500:
        return Reason.SERVER_TROUBLE
    if stage is Stage.RECIPIENT and code != 554:
        return Reason.RECIPIENT_REFUSED
    return Reason.POLICY


@lru_cache(maxsize=1)
def _rules() -> tuple[Rule, ...]:
    return read_rules(_RULES)


def read_rules(file: Path) -> tuple[Rule, ...]:
    """The rules of a file, in order. Raises ValueError for a rule with an unknown key or reason."""
    return tuple(_rule(entry, file.name) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["rule"])


def _rule(entry: dict[str, Any], file: str) -> Rule:
    unknown = set(entry) - {"reason", "code", "status", "text", "not_text", "at", "certain"}
    if unknown:
        raise ValueError(f"{file}: a rule has {sorted(unknown)}")
    patterns = {
        name: re.compile(entry[name], re.IGNORECASE) if name in entry else None
        for name in ("status", "text", "not_text")
    }
    return Rule(
        reason=Reason(entry["reason"]),
        codes=frozenset(entry["code"]) if "code" in entry else None,
        stages=frozenset(Stage(one) for one in entry["at"]) if "at" in entry else None,
        certain=bool(entry.get("certain", False)),
        **patterns,
    )
