"""The classification of what a report or a provider says of a failure, by the rules of `delivery_failure` and its own.

A reply of SMTP has a code and a command that it answers; a report may have neither, and its status code and its words
may contradict each other. Then the words decide. The rules of report_failure.toml, beside this file, are tried first:
words that no server says in a reply, such as a bounce's text in another language.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from ses_ops.domain.delivery_failure import (
    DeliveryFailure,
    Reason,
    Rule,
    Stage,
    classify,
    matched,
    read_rules,
    words_of,
)

_RULES = Path(__file__).with_suffix(".toml")
#: A reply code in the words of a report: `550 5.1.1 ...`, `said: 550-5.7.1`, `smtp;550`, `ERROR_CODE :550`, `#550`.
_CODE = re.compile(
    r"(?<![\d.:/\[\-])([2345]\d\d)(?=[\s\-#<;:,)\"']|$)(?![\s,]+(?:days?|hours?|minutes?|seconds?|bytes|[kKmM]B)\b)"
)
_CODE_PLACE = re.compile(
    r"(?:^|[>#;:=(\"'\n]|\bsaid|\bcode|\bstatus|\berror|\breply|\breason|\bresponse|\breturned|\bwas|\.{3})[\s:<\"']*$",
    re.I,
)
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)")
_SENDER_STAGE = re.compile(r"(reply to|after|command:?|>>>|sending) \"?MAIL( FROM)?\b|\bMAIL FROM command\b", re.I)
_RECIPIENT_STAGE = re.compile(r"\bRCPT[ _]?TO\b|\bRCPT (command|host)|does not like recipient|SMTP:RCPT", re.I)
_OF_ADDRESS = re.compile(r"5\.1\.(0|1|2|3|6|10|351)|5\.4\.[14]")
#: Statuses that say no more than "failed".
_UNSAID = frozenset({"5.0.0", "5.3.0", "5.5.0"})
_CONTENT_STAGE = re.compile(
    r"reply to (the )?end of data|after end of data|end of data command|after (pipelined )?data\b|>>> DATA\b|>>> \.$",
    re.I | re.M,
)
#: The protocol in front of the words of a Diagnostic-Code field (RFC 3464 2.3.6).
_PROTOCOL = re.compile(r"^(smtp|x-[\w-]+|dns|unknown|x400|notes)\s*;\s*", re.IGNORECASE)
#: Amazon SES puts the class of the status in words before the server's reply.
_AMAZON = re.compile(r"^\d\.\d\.\d - [A-Z][A-Za-z ]{1,60} (?=[45]\d\d)")
#: Trouble of a name server is temporary until it has an answer.
_OF_DNS = re.compile(r"\bdns\b|nxdomain|name server|name service", re.IGNORECASE)
#: Characters of a report's words that are read.
_MOST_WORDS = 2_000


def classify_report(
    *,
    status: str = "",
    diagnostic: str = "",
    permanent: bool = True,
    stage: Stage | None = None,
    standard: bool = False,
) -> DeliveryFailure | None:
    """Classify a failure that is reported after the message was accepted.

    `status` is the report's enhanced status code (RFC 3463), "" for none; `diagnostic` the server's words, with or
    without the protocol's name before them; `permanent` whether the reporter has stopped trying; `stage` the command
    that was refused, where it is known; `standard` whether the words are the Diagnostic-Code of a report of RFC 3464.
    None: nothing was said, or what was said is that the message was accepted. Only a permanent failure is hard. Where
    code or status have another class than the words, the words decide.
    """
    words = _server_words(diagnostic)
    said = reply_codes(diagnostic)
    if not (words or status) or (said and all(code < 400 for code in said)):
        return None
    status = status if _ENHANCED.fullmatch(status) else ""
    inner = [one for one in _ENHANCED.findall(words) if not one.startswith("2")]
    best = next((one for one in (*inner, status) if one and not one.endswith(".0.0")), (inner or [status])[0])
    refusals = [one for one in said if one >= 400]
    code = next((one for one in reversed(refusals) if permanent and one >= 500), refusals[-1] if refusals else 0)
    if not code:
        klass = (inner or [status])[0][:1]
        code = {"4": 450, "5": 550}.get(klass, 550 if permanent else 450)
    if not permanent:
        code = min(code, 450)
    stage = stage or stage_in(words)
    bare = words_of(" ".join(words.split()))
    if permanent and code < 500 and not said and not inner and words:
        # Only the status says that it is temporary, and the server has stopped trying.
        failure = _classified(550, "", bare, stage, standard=standard)
        if failure.hard and not of_dns(words):
            return DeliveryFailure(failure.reason, best)
    return DeliveryFailure(_classified(code, best, bare, stage, standard=standard).reason, best)


def _server_words(diagnostic: str) -> str:
    words = unicodedata.normalize("NFKC", diagnostic[:_MOST_WORDS]).replace("’", "'").strip()
    return _AMAZON.sub("", _PROTOCOL.sub("", words))


def of_dns(words: str) -> bool:
    """Whether words are about trouble of a name server, which a domain's own "no mail here" (RFC 7505) is not."""
    return _OF_DNS.search(words) is not None and "null mx" not in words.lower()


def stage_in(words: str) -> Stage | None:
    """The command that was refused, where the words name it."""
    if _SENDER_STAGE.search(words):
        return Stage.SENDER
    if _CONTENT_STAGE.search(words):
        return Stage.CONTENT
    return Stage.RECIPIENT if _RECIPIENT_STAGE.search(words) else None


@lru_cache(maxsize=1_024)
def _classified(code: int, status: str, words: str, known: Stage | None, *, standard: bool) -> DeliveryFailure:
    """The classification of words without addresses: kept, because servers say the same to everybody."""
    stage = known or Stage.RECIPIENT
    of_code = status if status and int(status[0]) == code // 100 else ""
    rule = matched(_rules(), code, of_code, words, stage)
    if rule is not None:
        failure = DeliveryFailure(rule.reason, of_code)
    else:
        failure = classify(code, words if not of_code or of_code in words else f"{of_code} {words}", stage)
    believed = (rule is not None and rule.certain) or _believed(of_code, known, standard=standard)
    if failure.hard and not (believed and code >= 500):
        return DeliveryFailure(Reason.RECIPIENT_REFUSED, failure.status)
    return failure


def _believed(status: str, stage: Stage | None, *, standard: bool) -> bool:
    """Whether a server's words that there is no such address are believed.

    Filters of mailbox providers say "unknown user" for mail that they do not want, but after its content, or under a
    status that is not about the address (NTT Docomo and KDDI do so). So the status has to be about the address, or the
    refused command RCPT; a report of RFC 3464 whose status says nothing is believed as well.
    """
    return (
        _OF_ADDRESS.fullmatch(status) is not None
        or stage is Stage.RECIPIENT
        or (stage is None and (status in _UNSAID or (standard and not status)))
    )


def reply_codes(diagnostic: str) -> list[int]:
    """The SMTP reply codes in the words, where such a code stands: at the beginning, or after what introduces one."""
    words = _server_words(diagnostic)
    return [
        int(found[1])
        for found in _CODE.finditer(words)
        if _CODE_PLACE.search(words[max(0, found.start() - 24) : found.start()])
    ]


@lru_cache(maxsize=1)
def _rules() -> tuple[Rule, ...]:
    return read_rules(_RULES)
