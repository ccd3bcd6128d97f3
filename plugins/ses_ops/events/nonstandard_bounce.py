"""Bounces as text for people, without a part that programs can read; about every second bounce is one.

Their shapes are data, in nonstandard_bounce.toml beside this file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ses_ops.domain.message_event import MAX_DIAGNOSTIC
from ses_ops.events.failure_words import best_failure
from ses_ops.events.mime_parts import MAX_TEXT, MimePart, read_headers
from ses_ops.events.report_verdict import Action, ReportedRecipient

_FILE = Path(__file__).with_suffix(".toml")
#: Characters of a subject and of a text in which patterns are searched, and recipients of one report that are read.
_MOST_SUBJECT, _MOST_TEXT, _MOST_RECIPIENTS = 400, 16_000, 100

_EMPTY_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]{0,200}\n)+")

ADDRESS = re.compile(r"[^\s<>;,:\"'()\[\]{}=|\\]{1,64}@[A-Za-z0-9\u0080-\uffff](?:[A-Za-z0-9\u0080-\uffff_-]*\.?)+")
_A = r"(?<![\w.+-])(?P<at>[^\s<>;,:\"'()\[\]{}=|\\]{1,64}@[\w.-]{1,255})"
#: Places in which a report names the recipient: alone in a line, before a colon, after a word for it, beside an error.
_WORD_FOR_RECIPIENT = (
    r"(?:recipients?|addressed to|was addressed|rcpt to|delivered to|deliver(?:y|ed)?(?: message)? to|failed to|"
    r"sent to|send to|mail to|message to|address(?:es)?|user|mailbox|account|宛先|收件人)"
)
_WORD_FOR_FAILURE = (
    r"(?:\b[45]\d\d\b|unknown|not found|not exist|n't exist|refused|rejected|invalid|full|disabled|not listed|failed|"
    r"could not)"
)
_PLACES = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"^[ \t]*{_A} on [A-Z\d]",
        rf"^[ \t>*]*(?:\d+\.?[ \t]+)?[\"'<(]*{_A}[\"'>)]*[ \t]*"
        r"(?:\(expanded from[^\n]*|\([^\n)]*\)|\[[^\n\]]*\])?[ \t]*(?::|$|;|-{1,2}[ \t])",
        rf"{_WORD_FOR_RECIPIENT}\b[^\n@:<]{{0,40}}[ \t]*:?[ \t]*[<\"'(]*{_A}",
        rf"\b[45]\d\d\b[^\n@]{{0,60}}?[<\"'(]*{_A}",
        rf"{_A}[^\n@]{{0,80}}{_WORD_FOR_FAILURE}",
    )
)
_TO_LINE = re.compile(rf"^[ \t]*To:[ \t]*[^\n@<]{{0,60}}[<\"']*{_A}", re.IGNORECASE | re.MULTILINE)
#: Lines of a text that name addresses of others, and whom to ask.
_NOT_RECIPIENTS = re.compile(
    r"^[ \t>]*(?:from|sender|reply-to|return-path|message-id|references|in-reply-to|received|x-[\w-]+|questions)"
    r"\b[^\n]*@|"
    r"\b(?:contact|write to|ask|send (?:e-?)?mail to)\b[^\n@]{0,40}@[\w.-]*",
    re.IGNORECASE | re.MULTILINE,
)


class _Patterns(NamedTuple):
    returned: re.Pattern[str]
    daemon: re.Pattern[str]
    subject: re.Pattern[str]
    words: re.Pattern[str]
    auto_subject: re.Pattern[str]
    auto_words: re.Pattern[str]
    delayed: re.Pattern[str]
    gave_up: re.Pattern[str]


@lru_cache(maxsize=1)
def patterns() -> _Patterns:
    """The patterns of the file."""
    given = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return _Patterns(
        **{name: re.compile(text.replace("\n", ""), re.IGNORECASE | re.MULTILINE) for name, text in given.items()}
    )


@dataclass(frozen=True, slots=True)
class ReportText:
    """The text of a report, and the headers of the message it returns, as far as it has any."""

    words: str
    returned: list[tuple[str, str]]

    def addresses(self, *names: str) -> list[str]:
        """The addresses in headers of the returned message."""
        return [one for name, value in self.returned if name in names for one in addresses_in(value)]


def addresses_in(value: str) -> list[str]:
    """The addresses in a text, at most 100, without what a sentence puts behind them."""
    return [found[0].rstrip(".-_") for found, _ in zip(ADDRESS.finditer(value[:MAX_TEXT]), range(100), strict=False)]


def report_text(root: MimePart) -> ReportText:
    """The words of a report, without the message that it returns."""
    plain, html = [], []
    returned: list[tuple[str, str]] = []
    for part in root.walk():
        if part.is_message:
            returned = returned or (part.parts[0].headers if part.parts else [])
        elif not part.parts and part.content_type in ("text/plain", "text"):
            plain.append(part.text())
        elif not part.parts and part.content_type == "text/html":
            html.append(part.text())
        elif not part.parts and part.content_type.startswith("multipart/"):
            plain.append(part.text())  # its boundary is missing
    text = _EMPTY_LINES.sub("\n\n", "\n".join(plain if "".join(plain).strip() else html)[:MAX_TEXT])
    marker = patterns().returned.search(text, 1)
    while marker and not text[: marker.start()].strip():
        marker = patterns().returned.search(text, marker.end())
    if marker:
        rest = text[marker.start() if ":" in marker[0][:40] else marker.end() :].lstrip(" \t\r\n.:-*=")
        returned = returned or read_headers(rest.encode("utf-8", "replace"))[0]
        text = text[: marker.start()]
    return ReportText(text[:_MOST_TEXT], returned)


def is_daemon(root: MimePart) -> bool:
    """Whether the sender of a mail is a mail server, by its name or by a null return path."""
    return root.header("return-path").strip() in ("<>", "<MAILER-DAEMON>") or bool(
        patterns().daemon.search(root.header("from")[:_MOST_SUBJECT])
    )


def looks_like_bounce(root: MimePart, text: ReportText) -> bool:
    """Whether a mail is a report, by its sender, its subject, its words, and the message it returns: two of these."""
    known = patterns()
    says_so = bool(known.words.search(text.words[:_MOST_TEXT]))
    subject = bool(known.subject.search(root.header("subject")[:_MOST_SUBJECT]))
    returns = any(name in ("to", "message-id", "received") for name, _ in text.returned)
    if root.header("x-failed-recipients"):
        return True
    return (says_so or subject) and is_daemon(root) + says_so + subject + returns >= 2


def looks_like_auto_reply(root: MimePart, text: ReportText) -> bool:
    """Whether a mail is an answer by a program of the recipient, by its content (RFC 3834 is kept to by few)."""
    known = patterns()
    if known.auto_subject.search(root.header("subject").strip()[:_MOST_SUBJECT]):
        return True
    if root.header("x-autoreply") or root.header("x-autorespond") or root.header("x-auto-reply-from"):
        return True
    by_program = root.header("auto-submitted").lower().startswith("auto-replied") or root.header(
        "precedence"
    ).lower() in ("auto_reply", "auto-reply")
    return by_program or bool(known.auto_words.search(text.words[:1_500]))


def read_bounce(
    root: MimePart, text: ReportText, fallback: Callable[[], list[ReportedRecipient]]
) -> list[ReportedRecipient]:
    """What a report as text says of its recipients; `fallback` is asked where no address stands in a known place."""
    subject, known = root.header("subject"), patterns()
    action = Action.FAILED
    if known.delayed.search(f"{subject}\n{text.words}") and not known.gave_up.search(f"{subject}\n{text.words}"):
        action = Action.DELAYED
    named = _recipients(root, text, fallback)[:_MOST_RECIPIENTS]
    return [_recipient(address, action, subject, text.words, alone=len(named) == 1) for address in named]


def _recipient(address: str, action: Action, subject: str, words: str, *, alone: bool) -> ReportedRecipient:
    permanent = action is Action.FAILED
    failure = best_failure("", "", words, address, permanent=permanent, alone=alone)
    failure = failure or best_failure("", "", subject, "", permanent=permanent, alone=True)
    return ReportedRecipient(
        address=address,
        action=action,
        status=failure.status if failure else "",
        diagnostic=" ".join(words.split())[:MAX_DIAGNOSTIC],
        failure=failure,
    )


def _recipients(root: MimePart, text: ReportText, fallback: Callable[[], list[ReportedRecipient]]) -> list[str]:
    failed = [one for value in root.all_headers("x-failed-recipients") for one in addresses_in(value)]
    if failed:
        return _once(failed)
    not_them = {
        one.lower()
        for value in root.all_headers("from", "to", "return-path", "reply-to", "delivered-to", "envelope-to", "sender")
        for one in addresses_in(value)
    } | {one.lower() for one in text.addresses("from", "return-path", "sender", "reply-to", "errors-to")}
    words = _NOT_RECIPIENTS.sub(" ", text.words)
    placed = [found["at"].rstrip(".-_") for place in _PLACES for found in place.finditer(words)]
    sent_to = text.addresses("x-envelope-to", "x-original-to", "to", "cc")
    for candidates in (
        lambda: placed,
        lambda: [one.address for one in fallback()],
        lambda: [found["at"] for found in _TO_LINE.finditer(words)],
        lambda: sent_to[:1],
        lambda: addresses_in(words),
    ):
        foreign = [one for one in candidates() if one.lower() not in not_them and "." in one.rpartition("@")[2]]
        if foreign:
            return _once(foreign)
    mine = [one for one in (*sent_to, *placed) if not patterns().daemon.search(one)]
    return _once(mine)[:1] or [""]


def _once(addresses: Iterable[str]) -> list[str]:
    """Addresses without repetitions in another case."""
    return list({one.lower(): one for one in addresses}.values())
